"""A stand-in for the command that a developer works with: it asks the model server once."""

import sys
from urllib.request import urlopen

with urlopen(f"http://127.0.0.1:{sys.argv[1]}/") as answer:
    print("the model says:", answer.read().decode().strip())
