"""A stand-in for a daemon: it leaves its terminal, and says who it is on /health, and by gRPC on another port.

    daemon.py PORT GRPC_PORT

HTTP_NAME and GRPC_NAME give it other names than its own: that is what a look-alike does. It says in daemon.lives when it began
and when it ended. The gRPC part answers grpc.health.v1.Health/Check for one name and no other; it knows just so much of HTTP/2
as one such question takes.
"""

import json
import os
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, grpc_port = int(sys.argv[1]), int(sys.argv[2])
http_name, grpc_name = os.environ.get("HTTP_NAME", "shopd"), os.environ.get("GRPC_NAME", "shopd")


class Health(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"service": http_name}).encode())

    def log_message(self, *_):
        pass


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def header(key, value):
    """A header as HPACK writes it that is in no table: literal, never indexed."""
    return b"\x10" + bytes([len(key)]) + key.encode() + bytes([len(value)]) + value.encode()


def answer_grpc(connection):
    DATA, HEADERS, SETTINGS, PING = 0, 1, 4, 6
    stream = connection.makefile("rwb")
    stream.read(24)  # the preface
    stream.write(frame(SETTINGS, 0, 0))
    while head := stream.read(9):
        payload = stream.read(int.from_bytes(head[:3], "big"))
        kind, flags, number = head[3], head[4], int.from_bytes(head[5:], "big")
        if kind in (SETTINGS, PING) and not flags & 1:
            stream.write(frame(kind, 1, 0, payload if kind == PING else b""))
        elif kind == DATA and flags & 1:
            asked = payload[7:].decode()  # five bytes of gRPC, two of protobuf: field 1, its length
            stream.write(frame(HEADERS, 4, number, b"\x88" + header("content-type", "application/grpc")))
            if asked == grpc_name:
                stream.write(frame(DATA, 0, number, b"\0\0\0\0\2\x08\x01"))  # SERVING
            status = "0" if asked == grpc_name else "5"  # NOT_FOUND
            stream.write(frame(HEADERS, 5, number, header("grpc-status", status)))
        stream.flush()


def serve_grpc(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer_grpc, args=(connection,), daemon=True).start()


def note(event):
    with open("daemon.lives", "a") as lives:
        lives.write(f"{event} {os.getpid()}\n")


def end(*_):
    note("end")
    os._exit(0)


# a daemon: nobody's child, in a session of its own, without the terminal; its launcher ends once it listens, or has failed
listens, told = os.pipe()
if os.fork():
    os.close(told)
    os.read(listens, 1)
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
for descriptor in range(3):
    os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
signal.signal(signal.SIGTERM, end)
http = ThreadingHTTPServer(("127.0.0.1", port), Health)
grpc = socket.create_server(("127.0.0.1", grpc_port))
os.close(told)
note("begin")
threading.Thread(target=serve_grpc, args=(grpc,), daemon=True).start()
http.serve_forever()
