#!/usr/bin/env python3
"""POSTs over TLS that do not end: slow_posts.py DIRECTORY COUNT MIB, with key.pem and cert.pem there.

Says "ready" and waits for a line; sends MIB of 32 MiB on each of COUNT connections, says "held" and
waits for another; ends. slow_posts.py DIRECTORY one PORT PATH: one whole POST of 1 MiB, likewise.
The first also prints the port of its server, which is a process of its own."""

import os
import socket
import ssl
import sys
import threading

MIB = 1 << 20
PIECE = bytes(256 << 10)


def answer(conn):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = conn.recv(65536)
        if not piece:
            return
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    left = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]) - len(body)
    while left > 0:
        piece = conn.recv(1 << 18)
        if not piece:
            return
        left -= len(piece)
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def serve(listener, directory):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory + "/cert.pem", directory + "/key.pem")
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=answer, args=(context.wrap_socket(conn, server_side=True),), daemon=True).start()


def connect(port):
    context = ssl._create_unverified_context()
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port)))


def begin(port, path, size):
    s = connect(port)
    s.sendall(b"POST %s HTTP/1.1\r\nHost: slow\r\nContent-Length: %d\r\n\r\n" % (path.encode(), size))
    return s


def hold(port, count, mib):
    held = [begin(port, "/held/%d" % i, 32 * MIB) for i in range(count)]
    for _ in range(mib * MIB // len(PIECE)):
        for s in held:
            s.sendall(PIECE)
    return held


def whole(port, path):
    s = begin(port, path, MIB)
    for _ in range(MIB // len(PIECE)):
        s.sendall(PIECE)
    return s.recv(1000)


def main():
    directory, what = sys.argv[1:3]
    if what == "one":
        print("ready", flush=True)
        sys.stdin.readline()
        whole(int(sys.argv[3]), sys.argv[4])
        return
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    server = os.fork()
    if not server:
        serve(listener, directory)
    try:
        print("ready", listener.getsockname()[1], flush=True)
        sys.stdin.readline()
        held = hold(listener.getsockname()[1], int(what), int(sys.argv[3]))
        print("held", len(held), flush=True)
        sys.stdin.readline()
    finally:
        os.kill(server, 9)


main()
