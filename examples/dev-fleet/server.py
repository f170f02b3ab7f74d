"""A stand-in for any server: it answers with its name and its greeting, and dies when /crash is asked for.

    server.py NAME PORT

It takes WARM_UP seconds before it listens.
"""

import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

name, port = sys.argv[1], int(sys.argv[2])


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/crash":
            os._exit(3)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{name} {os.environ.get('GREETING', '')} {os.getpid()}\n".encode())

    def log_message(self, *_):
        pass


print(f"{name} begins at {time.time()}", flush=True)
time.sleep(float(os.environ.get("WARM_UP", "0")))
server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
print(f"{name} listens at {time.time()}", flush=True)
server.serve_forever()
