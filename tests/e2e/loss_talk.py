#!/usr/bin/env python3
"""HTTP/1 in every form in which requests and answers may follow each other, with numbers.

loss_talk.py PORT NAME SECONDS: to a server that answers /N/ID with N times its path as lines, and
with its path as X-Id. A request's body is its own path as lines. Prints how many requests it sent."""

import random
import socket
import ssl
import sys
import time

port, name, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
context = ssl._create_unverified_context()
end = time.monotonic() + seconds
sent = 0


def request(method="GET", version="1.1", body=False, *fields):
    global sent
    sent += 1
    path = "/%d/%s-%d" % (random.choice((1, 1, 8, 64, 512)), name, sent)
    head = ["%s %s HTTP/%s" % (method, path, version), "Host: h", *fields]
    text = (path + "\n") * random.randint(1, 9) if body else ""
    if body:
        head.append("Content-Length: %d" % len(text))
    return "\r\n".join(head + ["", text]).encode()


def connect():
    raw = socket.create_connection(("127.0.0.1", port), timeout=5)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(raw, suppress_ragged_eofs=True)


def answers(file, methods):
    """Read them whole; what the server does not send any more ends it."""
    for method in methods:
        length = 0
        for line in iter(file.readline, b"\r\n"):
            if not line:
                return
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
            if line.startswith(b"HTTP/1.1 100"):
                file.readline()
        if method != "HEAD":
            file.read(length)


def any_request():
    method = random.choice(("GET", "GET", "HEAD", "POST"))
    return method, request(method, "1.1", method == "POST")


def one_by_one(s, file):
    for _ in range(random.randint(1, 40)):
        method, data = any_request()
        s.sendall(data)
        answers(file, [method])


def pipelined(s, file):
    for _ in range(random.randint(1, 8)):
        all_of_them = [any_request() for _ in range(random.randint(2, 12))]
        if random.random() < 0.5:
            s.sendall(b"".join(data for _, data in all_of_them))
        else:
            for _, data in all_of_them:
                s.sendall(data)
        answers(file, [method for method, _ in all_of_them])


def half_closed(s, file):
    some = [any_request() for _ in range(random.randint(1, 6))]
    s.sendall(b"".join(data for _, data in some))
    socket.socket.shutdown(s, socket.SHUT_WR)
    answers(file, [method for method, _ in some])


def closed(s, file):
    one_by_one(s, file)
    s.sendall(request("GET", "1.1", False, "Connection: close"))
    file.read()


def old(s, file):
    for _ in range(random.randint(0, 5)):
        s.sendall(request("GET", "1.0", False, "Connection: keep-alive"))
        answers(file, ["GET"])
    s.sendall(request("GET", "1.0"))
    file.read()


def expecting(s, file):
    for _ in range(random.randint(1, 5)):
        head, body = request("POST", "1.1", True, "Expect: 100-continue").split(b"\r\n\r\n")
        s.sendall(head + b"\r\n\r\n")
        if random.random() < 0.8:
            file.readline()
            file.readline()
        s.sendall(body)
        answers(file, ["POST"])


def left(s, file):
    """Gone before the answers are read."""
    s.sendall(b"".join(any_request()[1] for _ in range(random.randint(1, 5))))


def in_pieces(s, file):
    for _ in range(random.randint(1, 5)):
        method, data = any_request()
        while data:
            n = random.randint(1, 60)
            s.sendall(data[:n])
            data = data[n:]
        answers(file, [method])


forms = (one_by_one, pipelined, half_closed, closed, old, expecting, left, in_pieces)
while time.monotonic() < end:
    with connect() as s, s.makefile("rb") as file:
        try:
            random.choice(forms)(s, file)
        except OSError:
            pass
print(sent)
