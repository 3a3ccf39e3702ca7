#!/usr/bin/env python3
"""Loads over TLS that cost memory, one after another: memory_hour.py DIRECTORY SECONDS, with key.pem and cert.pem.

Says "ready" and waits for a line with the pids of cleartap's server and tracer; runs until SECONDS
are over and says for each kind of load the most memory that they took meanwhile. The server is a
process of its own: bytes go nowhere at its first port, and come back from its second."""

import gzip
import json
import os
import random
import signal
import socket
import ssl
import struct
import sys
import time
import zlib

KIB, MIB = 1 << 10, 1 << 20
directory, seconds = sys.argv[1], float(sys.argv[2])
client_context = ssl._create_unverified_context()


def serve(listeners):
    """One process and no threads: a thousand connections must not cost a thousand of them."""
    import asyncio

    async def take(reader, writer, echo):
        try:
            while data := await reader.read(256 * KIB):
                if echo:
                    writer.write(data)
                    await asyncio.wait_for(writer.drain(), 5)
        except (OSError, ssl.SSLError, asyncio.TimeoutError):
            pass
        writer.close()

    async def run():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory + "/cert.pem", directory + "/key.pem")
        servers = [await asyncio.start_server(lambda r, w, echo=echo: take(r, w, echo), sock=s, ssl=context)
                   for echo, s in enumerate(listeners)]
        await asyncio.gather(*(s.serve_forever() for s in servers))

    asyncio.run(run())


def connect(echo=False):
    s = client_context.wrap_socket(socket.create_connection(("127.0.0.1", ports[echo]), timeout=10))
    s.settimeout(0.2 if echo else 10)
    return s


def send(s, data, echo=False):
    """What comes back is read only so far as to go on."""
    for at in range(0, len(data), 64 * KIB):
        try:
            s.sendall(data[at:at + 64 * KIB])
            if echo:
                s.recv(64 * KIB)
        except (OSError, ssl.SSLError):
            return False
    return True


def many(count, first, piece, pieces, echo=False):
    """`count` connections at once: each begins with first(i), then takes turns in sending piece(i)."""
    held = []
    for i in range(count):
        try:
            s = connect(echo)
        except OSError:
            continue
        if send(s, first(i), echo):
            held.append(s)
    for n in range(pieces):
        held = [s for i, s in enumerate(held) if send(s, piece(n * count + i), echo)]
        if time.monotonic() > end:
            break
    for s in held:
        s.close()


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


H2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"")
HEAD = b"\x83\x86\x84\x41\x04test"
BLOB = os.urandom(MIB)


def h2_streams(i):
    return H2 + b"".join(frame(1, 4, 2 * n + 1, HEAD) + frame(0, 0, 2 * n + 1, BLOB[:8000]) for n in range(200))


def h2_more(i):
    return b"".join(frame(0, 0, 2 * random.randrange(200) + 1, BLOB[:16000]) for n in range(8))


def h2_table(i):
    """Header fields that stay in HPACK's table, each a new one."""
    field = b"\x40\x08" + b"x-%06d" % (i % 10**6) + b"\x7f\x81\x1e" + b"v" * 4000
    return frame(1, 4, 2 * (i % 10**8) + 1, HEAD + field)


def post(kind, body, size=None, coding=""):
    head = "POST /hour HTTP/1.1\r\nHost: h\r\nContent-Type: %s\r\nContent-Length: %d\r\n" % (kind, size or len(body))
    return (head + ("Content-Encoding: %s\r\n" % coding if coding else "") + "\r\n").encode() + body


def bomb(layers=1):
    data = bytes(64 * MIB)
    for _ in range(layers):
        data = gzip.compress(data)
    return data


def chunks(i):
    return b"10000\r\n" + BLOB[:65536] + b"\r\n"


def ws_frame(i):
    size = random.choice((10, 1000, 60000))
    return struct.pack(">BBH", random.choice((1, 2, 0x81, 0x82)), 126, size) + BLOB[:size]


def deflated(i):
    c = zlib.compressobj(wbits=-15)
    data = c.compress(bytes(MIB)) + c.flush(zlib.Z_SYNC_FLUSH)
    return struct.pack(">BBH", 0xc2, 126, len(data)) + data


UPGRADE = (b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"
           b"HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
DEEP = json.dumps({"password": "x"}).join(("[" * 100000, "]" * 100000)).encode()

LOADS = {
    "posts that do not end": lambda: many(100, lambda i: post("text/plain", b"", 32 * MIB), lambda i: BLOB[:256 * KIB], 16),
    "chunks without end": lambda: many(100, lambda i: b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", chunks, 40),
    "answers alone": lambda: many(60, lambda i: b"HTTP/1.1 200 OK\r\n\r\n", lambda i: BLOB[:64 * KIB], 40),
    "requests without answers": lambda: many(40, lambda i: b"", lambda i: b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % i * 1000, 10),
    "heads without end": lambda: many(200, lambda i: b"GET / HTTP/1.1\r\n", lambda i: b"X-A: " + b"a" * 8000 + b"\r\n", 40),
    "streams of HTTP/2": lambda: many(30, h2_streams, h2_more, 20),
    "a table of HPACK": lambda: many(100, lambda i: H2, h2_table, 50),
    "bombs": lambda: many(4, lambda i: post("text/plain", bomb(), coding="gzip"), lambda i: post("text/plain", bomb(2), coding="gzip, gzip"), 2),
    "deep JSON": lambda: many(20, lambda i: post("application/json", DEEP), lambda i: post("application/json", DEEP), 5),
    "noise": lambda: many(200, lambda i: os.urandom(100), lambda i: os.urandom(16 * KIB), 20),
    "frames of WebSocket": lambda: many(50, lambda i: UPGRADE, ws_frame, 60, True),
    "deflated messages": lambda: many(20, lambda i: UPGRADE, deflated, 10, True),
    "arrays of Redis": lambda: many(50, lambda i: b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000000\r\n", lambda i: BLOB[:64 * KIB], 20),
    "echoes": lambda: many(50, lambda i: post("text/plain", b"x" * 1000), lambda i: post("text/plain", BLOB[:32000]), 30, True),
    "connections": lambda: [many(200, lambda i: b"GET /%d HTTP/1.1\r\n\r\n" % i, lambda i: b"", 1) for _ in range(3)],
    "idle connections": lambda: many(900, lambda i: b"GET /", lambda i: b"x", 2),
}


def most_mib(pid):
    with open("/proc/%d/status" % pid) as f:
        return int(f.read().split("VmHWM:")[1].split()[0]) // 1024


def forget(pid):
    """The most that it took is counted anew."""
    try:
        with open("/proc/%d/clear_refs" % pid, "w") as f:
            f.write("5")
    except OSError:
        pass


listeners = [socket.create_server(("127.0.0.1", 0), backlog=4096) for _ in range(2)]
ports = [s.getsockname()[1] for s in listeners]
child = os.fork()
if not child:
    serve(listeners)
try:
    for s in listeners:
        s.close()
    print("ready", child, flush=True)
    pids = [int(p) for p in sys.stdin.readline().split()]
    end = time.monotonic() + seconds
    worst, rounds = {}, 0
    while time.monotonic() < end:
        for name, load in random.sample(list(LOADS.items()), len(LOADS)):
            if time.monotonic() > end and rounds:
                break
            for p in pids:
                forget(p)
            load()
            took = [most_mib(p) for p in pids]
            worst[name] = [max(a, b) for a, b in zip(worst.get(name, took), took)]
        rounds += 1
    for name, took in sorted(worst.items(), key=lambda w: -w[1][0]):
        print("load", name + ":", *took, flush=True)
    print("most", *(max(w[i] for w in worst.values()) for i in range(len(pids))), rounds, "rounds", flush=True)
finally:
    os.kill(child, signal.SIGKILL)
