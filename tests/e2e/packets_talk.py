#!/usr/bin/env python3
"""HTTP over TLS over loopback, both ends in this program, with its secrets in a file.

    packets_talk.py CERT KEY KEYLOG PATH REQUESTS SIZE

Each of the requests for PATH is answered with SIZE bytes. Prints the client's port.
"""
import socket
import ssl
import sys
import threading

cert, key, keylog, path = sys.argv[1:5]
requests, size = int(sys.argv[5]), int(sys.argv[6])

contexts = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
contexts[0].load_cert_chain(cert, key)
contexts[1].check_hostname, contexts[1].verify_mode = False, ssl.CERT_NONE
if keylog != "-":
    contexts[1].keylog_filename = keylog


def serve(listener):
    s = contexts[0].wrap_socket(listener.accept()[0], server_side=True)
    for _ in range(requests):
        head = b""
        while b"\r\n\r\n" not in head:
            data = s.recv(4096)
            assert data, "the client closed early"
            head += data
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                  b"Content-Length: %d\r\n\r\n" % size + b"x" * size)
    s.recv(1)
    s.close()


listener = socket.create_server(("127.0.0.1", 0))
server = threading.Thread(target=serve, args=(listener,))
server.start()
s = contexts[1].wrap_socket(socket.create_connection(listener.getsockname()),
                            server_hostname="keep.example")
for _ in range(requests):
    s.sendall(b"GET %s HTTP/1.1\r\nHost: keep.example\r\n\r\n" % path.encode())
    left = None
    data = b""
    while left != 0:
        got = s.recv(1 << 16)
        assert got, "the server closed early"
        if left is None:
            data += got
            if b"\r\n\r\n" in data:
                left = size - len(data.split(b"\r\n\r\n", 1)[1])
        else:
            left -= len(got)
print(s.getsockname()[1])
s.close()
server.join()
