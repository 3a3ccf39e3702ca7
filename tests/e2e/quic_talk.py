#!/usr/bin/env python3
"""Datagrams of QUIC as the RFCs have them, and what only looks like it.

    quic_talk.py DATA SAID

DATA is tests/data/tls. Writes three ports to SAID: of a server that was asked in version 2, of one
that two clients ask in version 1, and of one that gets no QUIC.
"""

import random
import socket
import sys


def packets(name):
    with open(sys.argv[1] + "/" + name) as file:
        return [bytes.fromhex(line[2:]) for line in file.read().splitlines()[:2]]


def bound():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    s.settimeout(10)
    return s


def ask(server, hello, answer):
    """On a socket that is not connected: the ends are in the packets alone."""
    client = bound()
    client.sendto(hello, server.getsockname())
    _, who = server.recvfrom(65536)
    server.sendto(answer, who)
    client.recv(65536)
    return client


v1, v2 = packets("rfc9001.txt"), packets("rfc9369.txt")
new, both, none = bound(), bound(), bound()
clients = [ask(new, *v2), ask(both, *v1), ask(both, *v1)]

client = bound()
client.connect(none.getsockname())
noise = [v1[0][:n] for n in range(0, 1200, 7)]
noise += [random.randbytes(random.randrange(1, 1500)) for _ in range(500)]
noise += [bytes([0x40]) + random.randbytes(1250) for _ in range(20)]
noise += [bytes([0xc3]) + random.randbytes(1250) for _ in range(20)]
noise += [v1[1]]  # a server's comes first
for data in noise:
    client.send(data)
    none.recv(65536)
    none.sendto(data, client.getsockname())
    client.recv(65536)

with open(sys.argv[2], "w") as file:
    file.write("%d %d %d\n" % tuple(s.getsockname()[1] for s in (new, both, none)))
