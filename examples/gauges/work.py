"""A stand-in for a step of CI that runs a program of its own: the memory is the child's."""

import subprocess
import sys

subprocess.run([sys.executable, "-c", f"import time; x = bytearray({sys.argv[1]} << 20); time.sleep(0.5)"], check=True)
