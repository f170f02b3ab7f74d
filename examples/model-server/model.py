"""A stand-in for a model server: it loads for LOAD_SECONDS, answers 503 meanwhile, and works in two processes on a port of their own.

The workers have the weights; they live on when the server in front of them dies, as such workers do.
"""

import os
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, worker_port = int(sys.argv[1]), int(sys.argv[2])
load_seconds = float(os.environ.get("LOAD_SECONDS", "5"))
loaded_at = time.monotonic() + load_seconds


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        is_loaded = time.monotonic() >= loaded_at
        self.send_response(200 if is_loaded else 503)
        self.end_headers()
        self.wfile.write(b"ready\n" if is_loaded else b"loading\n")

    def log_message(self, *_):
        pass


def work(listener):
    weights = bytearray(os.urandom(1 << 20) * 8)
    while weights:
        connection, _ = listener.accept()
        connection.close()


listener = socket.create_server(("127.0.0.1", worker_port))
for _ in range(2):
    if os.fork() == 0:
        work(listener)
listener.close()
print(f"loading for {load_seconds} s", flush=True)
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
