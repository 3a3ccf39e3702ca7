#!/usr/bin/env python3
"""TLS over loopback, in ways that the wire must see through; says what went over it.

    wire_talk.py CASE CERT KEY [FILE]

Prints one JSON object: the bytes of application data that TLS sockets sent and received (both ends
are here), those that relays passed on, and the client's ports. CASE `late` talks first, and again
once FILE is there; in `lossy` FILE is the client's network namespace, the server's and its address.
"""

import ctypes
import json
import os
import random
import socket
import ssl
import sys
import threading
import time

case, cert, key = sys.argv[1:4]
said = {"read": 0, "relayed": 0, "ports": []}
SIZES = [(1, 1), (100, 20000), (50000, 3), (16384, 16385), (0, 300000)]


def contexts(version):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    for c in server, client:
        c.minimum_version = c.maximum_version = version
    return server, client


def read_exactly(s, n):
    while n:
        data = s.recv(min(n, 70000))
        assert data, "the other end closed early"
        said["read"] += len(data)
        n -= len(data)


def talk(s, sizes, asks):
    for ask, answer in sizes:
        if asks:
            s.sendall(bytes(ask))
        read_exactly(s, answer if asks else ask)
        if not asks:
            s.sendall(bytes(answer))


def pipe(source, target, cut):
    """Passes bytes on, cut small at first."""
    sent = 0
    while True:
        try:
            data = source.recv(65536)
        except OSError:
            break
        if not data:
            break
        said["relayed"] += len(data)
        while data:
            n = cut if sent < 4000 else len(data)
            target.sendall(data[:n])
            sent += n
            data = data[n:]
            if n == cut:
                time.sleep(0.0005)
    target.shutdown(socket.SHUT_WR)


def relay(listener, port, cut):
    near, _ = listener.accept()
    far = socket.create_connection(("127.0.0.1", port))
    for s in near, far:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threads = [threading.Thread(target=pipe, args=a) for a in ((near, far, cut), (far, near, cut))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    near.close()
    far.close()


def enter(namespace):
    """Sockets that this thread makes from now on are of that network namespace."""
    assert ctypes.CDLL(None).setns(os.open("/run/netns/" + namespace, os.O_RDONLY), 0) == 0


def listen(family=socket.AF_INET, address=None):
    s = socket.socket(family)
    s.bind((address or ("127.0.0.1" if family == socket.AF_INET else "::1"), 0))
    s.listen()
    return s


def connection(version, sizes=SIZES, cut=0, plain=(), family=socket.AF_INET, pause=None, spaces=None):
    server_context, client_context = contexts(version)
    if spaces:
        enter(spaces[1])
    listener = listen(family, spaces and spaces[2])
    if spaces:
        enter(spaces[0])
    target = listener.getsockname()
    threads = []

    def serve():
        s, _ = listener.accept()
        for line, _ in plain:
            s.sendall(line)
            s.recv(1000)
        s = server_context.wrap_socket(s, server_side=True)
        talk(s, sizes, False)
        if pause:
            talk(s, sizes, False)
        s.unwrap().close()

    threads.append(threading.Thread(target=serve))
    threads[0].start()
    if cut:
        middle = listen()
        threads.append(threading.Thread(target=relay, args=(middle, target[1], cut)))
        threads[1].start()
        target = middle.getsockname()
    s = socket.create_connection(target[:2])
    said["ports"].append(s.getsockname()[1])
    for line, answer in plain:
        assert s.recv(1000) == line
        s.sendall(answer)
    s = client_context.wrap_socket(s, server_hostname="wire.example")
    talk(s, sizes, True)
    if pause:
        said["read"] = 0
        pause()
        talk(s, sizes, True)
    s.unwrap().close()
    for t in threads:
        t.join()


def noise():
    """What begins as TLS does, and is not."""
    for first in (b"\x16", b"\x16\x03\x01\x00\x05\x01", b"\x16\x03\x03\xff\xff", b"\x17\x03\x03\x00\x00",
                  b"GET / HTTP/1.1\r\n\r\n", random.randbytes(5)):
        listener = listen()
        s = socket.create_connection(listener.getsockname())
        said["ports"].append(s.getsockname()[1])
        other, _ = listener.accept()
        for _ in range(3):
            for data in first, random.randbytes(3000):
                s.sendall(data)
                other.recv(10000)
                other.sendall(random.randbytes(100))
                s.recv(1000)
        s.close()
        other.close()


def raw():
    """100 raw sockets with hellos in segments that no TCP made"""
    hello = bytes([22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3]) + bytes(33) + bytes([0, 2, 0x13, 1, 1, 0])
    segment = bytes([156, 64, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1, 5 << 4, 0x18, 1, 0, 0, 0, 0, 0])
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as s:
            s.connect(("127.0.0.1", 9))
            s.send(segment + hello)


def wait_for_file():
    print("waiting", file=sys.stderr, flush=True)
    for _ in range(600):
        if os.path.exists(sys.argv[4]):
            return
        time.sleep(0.05)


def steady():
    """One connection until FILE is there."""
    server_context, client_context = contexts(T13)
    listener = listen()

    def serve():
        with server_context.wrap_socket(listener.accept()[0], server_side=True) as s:
            while s.recv(1000):
                s.sendall(bytes(1000))

    thread = threading.Thread(target=serve)
    thread.start()
    with client_context.wrap_socket(socket.create_connection(listener.getsockname())) as s:
        for _ in range(4000):
            if os.path.exists(sys.argv[4]):
                break
            s.sendall(bytes(100))
            read_exactly(s, 1000)
            time.sleep(0.03)
    thread.join()


T12, T13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
START = ((b"220 ready\r\n", b"EHLO x\r\n"), (b"250 STARTTLS\r\n", b"STARTTLS\r\n"), (b"220 go\r\n", b"\r\n"))
CASES = {
    "tls13": lambda: connection(T13),
    "tls12": lambda: connection(T12),
    "ipv6": lambda: connection(T13, family=socket.AF_INET6),
    "cut": lambda: [connection(T13, cut=1), connection(T13, cut=3), connection(T12, cut=7)],
    "starttls": lambda: connection(T13, plain=START[:2] + START[2:]),
    "noise": noise,
    "raw": raw,
    "late": lambda: connection(T13, sizes=SIZES * 4, pause=wait_for_file),
    "steady": steady,
    "other": lambda: connection(T13),
    "lossy": lambda: connection(T13, sizes=SIZES * 3, spaces=sys.argv[4].split(",")),
}
CASES[case]()
print(json.dumps(said))
