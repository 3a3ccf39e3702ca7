#!/usr/bin/env python3
"""Says how many bytes went over TLS, as the program that sent and received them.

    judge.py serve PORT DIRECTORY FILE     a server, which keeps FILE up to date
    judge.py ask FILE NAME=PORT...         a request to each server

FILE has a line for each program at the other end, NAME BYTES-IT-SENT BYTES-IT-RECEIVED, and one for
this one, whose name is its process's. A client is who its path says (/NAME or /NAME/...).
"""

import os
import socket
import ssl
import sys
import threading

lock = threading.Lock()
sums = {}


def add(file, name, sent, received):
    with lock:
        for who, a, b in (name, sent, received), (os.path.basename(sys.executable), received, sent):
            old = sums.get(who, (0, 0))
            sums[who] = (old[0] + a, old[1] + b)
        with open(file + ".new", "w", encoding="ascii") as f:
            f.writelines("%s %d %d\n" % (n, *s) for n, s in sums.items())
        os.rename(file + ".new", file)


def answer(plain, context, file):
    try:
        with context.wrap_socket(plain, server_side=True) as s:
            got = b""
            while b"\r\n\r\n" not in got:
                data = s.recv(65536)
                if not data:
                    return
                got += data
            name = got.split(b" ")[1].decode().split("/")[1]
            body = b"" if name == "get" else name.encode() * 3000
            head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
            s.sendall(head + body)
            add(file, name, len(got), len(head) + len(body))
            s.settimeout(5)
            s.unwrap()
    except OSError as e:
        print(e, file=sys.stderr)


def serve(port, directory, file):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory + "/cert.pem", directory + "/key.pem")
    listener = socket.create_server(("127.0.0.1", port), backlog=100)
    while True:
        args = (listener.accept()[0], context, file)
        threading.Thread(target=answer, args=args, daemon=True).start()


def ask(file, name, port):
    context = ssl._create_unverified_context()
    request = b"GET /%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % name.encode()
    received = 0
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port), 20)) as s:
        s.sendall(request)
        try:
            while data := s.recv(65536):
                received += len(data)
            s.unwrap()
        except OSError as e:
            print(name, e, file=sys.stderr)
    add(file, name, received, len(request))


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]), sys.argv[3], sys.argv[4])
else:
    threads = []
    for target in sys.argv[3:]:
        name, port = target.split("=")
        threads.append(threading.Thread(target=ask, args=(sys.argv[2], name, int(port))))
        threads[-1].start()
    for thread in threads:
        thread.join()
