#!/usr/bin/env python3
"""HTTPS answers of every kind that the dashboard shows: pages.py PORT DIRECTORY (key, cert)."""

import gzip
import http.server
import json
import ssl
import struct
import sys
import zlib


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(width, height):
    """A picture of that size, eight-bit grey."""
    rows = b"".join(b"\0" + bytes((x * y) & 255 for x in range(width)) for y in range(height))
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


DOCUMENT = json.dumps({"name": "lock", "open": True, "list": [1, 2, {"deep": None}]}).encode()
# Keys as nobody should choose them; the values count from 1 in the order of the document.
ODD = json.dumps(dict(zip(["a b", "a.b", 'a"b', "a\\b", "and", "\u00e9\u65e5", "x\ny", "1st", "]", ""],
                          range(1, 11)))).encode()
HUGE = 3 << 20  # more than is kept of one message

# path: (status, type, body, further headers)
ANSWERS = {
    "/json": (200, "application/json", DOCUMENT, {}),
    "/odd": (200, "application/json", ODD, {}),
    "/gzip": (200, "application/json", gzip.compress(DOCUMENT), {"Content-Encoding": "gzip"}),
    "/image": (200, "image/png", png(48, 32), {}),
    "/binary": (200, "application/octet-stream", bytes(range(256)) * 4, {}),
    "/error": (500, "application/json", b'{"error":"as asked for"}', {}),
    "/cookie": (200, "text/plain", b"crumbs\n", {"Set-Cookie": "theme=dark; Path=/"}),
    "/huge": (200, "text/plain", b"0123456789abcde\n" * (HUGE // 16), {}),
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.split("?")[0]
        found = (404, "text/plain", b"nothing here\n", {}) if path.startswith("/missing") else \
            (200, "text/plain", b"hello\n", {})
        status, kind, body, headers = ANSWERS.get(path, found)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2] + "/cert.pem", sys.argv[2] + "/key.pem")
server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True,
                                    do_handshake_on_connect=False)
server.serve_forever()
