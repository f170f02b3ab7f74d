"""A stand-in for a server whose work is in child processes: two of them compute and hold memory, the server itself sleeps."""

import os
import sys
from http.server import HTTPServer, SimpleHTTPRequestHandler

port, mebibytes = int(sys.argv[1]), int(sys.argv[2])
for _ in range(2):
    if os.fork() == 0:
        weights = bytearray(os.urandom(1 << 20) * mebibytes)
        while weights:
            pass
print(f"two workers with {mebibytes} MiB each", flush=True)
HTTPServer(("127.0.0.1", port), SimpleHTTPRequestHandler).serve_forever()
