#!/usr/bin/env python3
"""Python's own HTTP server over TLS: server.py ADDRESS PORT DIRECTORY (with key.pem, cert.pem).

GET answers the address and port that the client comes from; POST answers what it got.
"""

import http.server
import socket
import ssl
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(b"%s %d\n" % (self.client_address[0].encode(), self.client_address[1]))

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


Server.address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[3] + "/cert.pem", sys.argv[3] + "/key.pem")
server = Server((sys.argv[1], int(sys.argv[2])), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True,
                                    do_handshake_on_connect=False)
server.serve_forever()
