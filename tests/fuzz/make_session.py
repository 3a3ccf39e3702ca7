# SPDX-License-Identifier: GPL-2.0-or-later
"""Seeds of fuzz_session: conversations as sequences of its operations."""
import os
import sys

(OPEN, WRITE, READ, BOTH, SHORT, LOST, BIND, CLOSE, EXIT, TIME, TICK, RAW, CONTAINER, AGAIN, OWNER,
 LONG) = range(16)
STRONG, OPENER = 0x12, 0x20
GET = b"GET /a HTTP/1.1\r\nHost: www.example\r\nCookie: a=b\r\n\r\n"
POST = b"POST /p?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def op(what, conn, *values):
    return bytes([conn << 4 | what, *values])


def text(what, conn, data):
    return op(what, conn, len(data)) + data


def opened(conn, how=0x10, bind=STRONG | OPENER):
    return op(OPEN, conn, how) + op(BIND, conn, bind)


def ends(pair, how=0x10, bind=STRONG | OPENER):
    return opened(2 * pair, how, bind) + opened(2 * pair + 1, how, bind)


def exchange(conn, request=GET, answer=OK):
    return text(BOTH, conn, request) + text(BOTH, conn + 1, answer)


HUNDRED = b"0123456789" * 10
PUT = b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n"
LONG_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
SLOW = op(TIME, 0, 90) + op(TICK, 0) + op(TIME, 0, 120) + op(TICK, 0)
CLOSED = op(CLOSE, 0) + op(CLOSE, 1)
PIECES = b"".join(text(BOTH, 1, b"5\r\nhello\r\n") + op(TIME, 0, 120) + op(TICK, 0) for _ in range(4))
SEEDS = {
    "client": opened(0) + text(WRITE, 0, GET) + text(READ, 0, OK) + op(CLOSE, 0),
    "server": opened(1) + text(READ, 1, GET) + text(WRITE, 1, OK) + op(EXIT, 1),
    "both-ends": ends(0) + exchange(0) + exchange(0, POST + b"hello, world") + CLOSED,
    "both-live": ends(0) + text(BOTH, 0, GET) + text(BOTH, 1, CHUNKED) + PIECES + text(
        BOTH, 1, b"0\r\n\r\n") + CLOSED,
    "both-weak": ends(0, bind=OPENER | 2) + exchange(0) + op(TIME, 0, 120) + op(TICK, 0) + exchange(0) + CLOSED,
    "both-weak-late": op(OPEN, 0, 0x10) + op(OPEN, 1, 0x10) + exchange(0) + op(BIND, 0, 0x22) + op(
        BIND, 1, 0x22) + exchange(0, POST + b"hello, world") + op(BIND, 0, 0x32) + op(BIND, 1, 0x32) + CLOSED,
    "both-midway": ends(0, how=0x11) + exchange(0) + exchange(0) + exchange(0) + CLOSED,
    "both-lossy-client": ends(0) + exchange(0) + text(BOTH, 0, GET) + op(SHORT, 0, 20, 1, 1) + OK[:20] + text(
        WRITE, 1, OK) + op(TIME, 0, 255) + op(TICK, 0) + CLOSED,
    "both-lossy-server": ends(0) + text(WRITE, 0, POST) + op(LOST, 1, len(POST)) + text(
        BOTH, 0, b"hello, world") + text(BOTH, 1, OK) + op(LONG, 0, 12) + op(TICK, 0) + CLOSED,
    "both-differ": ends(0) + text(WRITE, 0, GET) + text(READ, 1, GET.replace(b"/a", b"/b")) + text(
        BOTH, 1, OK) + CLOSED,
    "both-opaque": ends(0) + text(BOTH, 0, b"\1\2\3 no text") + text(BOTH, 1, b"\3\4\5") + op(
        TIME, 0, 200) + op(TICK, 0) + text(BOTH, 0, b"\1\2\3 more") + CLOSED,
    "both-one-closes": ends(0) + text(BOTH, 0, GET) + op(CLOSE, 1) + op(LONG, 0, 3) + op(TICK, 0) + op(EXIT, 0),
    "both-late": opened(0) + exchange(0) + op(LONG, 0, 2) + op(TICK, 0) + opened(1) + op(CLOSE, 0) + op(
        LONG, 1, 40) + op(TICK, 1),
    "pipelined": ends(0) + text(BOTH, 0, GET + GET) + text(BOTH, 0, GET) + text(BOTH, 1, OK) + text(
        BOTH, 1, OK + OK) + CLOSED,
    "four-pairs": b"".join(ends(i) for i in range(4)) + b"".join(exchange(2 * i) for i in range(4)) + op(
        EXIT, 0) + op(EXIT, 1) + op(EXIT, 2) + op(EXIT, 3),
    "reused": opened(0) + text(WRITE, 0, GET) + op(CLOSE, 0) + opened(0) + text(WRITE, 0, GET) + opened(
        0) + text(READ, 0, OK) + op(AGAIN, 0) + text(WRITE, 0, GET),
    "v6": opened(0, bind=0x72) + text(WRITE, 0, GET) + op(CONTAINER, 0) + text(READ, 0, OK) + op(
        CONTAINER, 0) + opened(4) + op(EXIT, 0),
    "go": opened(0, how=0x20, bind=0x31) + text(WRITE, 0, GET) + text(READ, 0, OK) + op(OPEN, 1, 0x20) + text(
        READ, 1, GET) + op(TICK, 0) + text(WRITE, 1, OK) + op(BIND, 1, 0x31) + op(CLOSE, 1),
    "bound-twice": opened(0, bind=2) + op(BIND, 0, 0x1a) + op(BIND, 0, 0x0a) + op(BIND, 0, 0x85) + text(
        WRITE, 0, GET) + op(BIND, 0, 0x33),
    "both-unbound-midway": op(OPEN, 0, 0x11) + op(OPEN, 1, 0x11) + text(WRITE, 0, GET) + op(BIND, 0, 0x32) + text(
        READ, 1, GET) + op(BIND, 1, 0x32) + text(BOTH, 1, OK) + exchange(0, POST + b"hello, world") + exchange(
            0) + CLOSED,
    "both-server-first": op(OPEN, 1, 0x11) + op(BIND, 1, 0x32) + op(LOST, 1, 100) + text(READ, 1, GET) + op(
        OPEN, 0, 0x11) + op(BIND, 0, 0x32) + text(WRITE, 1, OK) + text(READ, 0, OK) + exchange(0) + exchange(
            0, POST + b"world, hello") + exchange(0) + CLOSED,
    "both-lossy-both": ends(0) + op(SHORT, 0, 40, 1, 0x81) + GET[:40] + text(READ, 1, GET) + op(
        LOST, 1, 140) + text(BOTH, 1, OK) + exchange(0) + op(SHORT, 1, 9, 2, 0x81) + OK[:9] + exchange(0) + CLOSED,
    "taken-over": ends(0) + exchange(0) + opened(2, bind=0x32 | 8) + op(BIND, 2, 0x3a) + opened(4) + op(
        CLOSE, 0) + op(TIME, 0, 9) + op(AGAIN, 0) + opened(0) + exchange(0) + opened(1) + CLOSED,
    "waited": opened(0) + op(TIME, 0, 3) + text(WRITE, 0, POST + b"hello, world") + op(SHORT, 0, 3, 0, 0x88) + b"abc" + op(
        BIND, 0, 0x72) + op(BIND, 0, 0x52),
    "stale": opened(0) + op(RAW, 0, 56) + bytes([4, 0, 1, 0, 56, 0, 0, 0]) + bytes(8) + bytes(
        [10, 0, 0, 0]) * 2 + bytes([0, 16, 0, 0, 0, 0, 0, 0]) + bytes(24) + op(RAW, 0, 40) + bytes(
            [9, 0, 1, 0, 40, 0, 0, 0]) + bytes(32) + op(EXIT, 0),
    "ever-anew": b"".join(op(AGAIN, 0) + opened(0) + text(WRITE, 0, b"GET / HTTP/1.1\r\n\r\n") + op(CLOSE, 0)
                          for _ in range(20)),
    "both-server-better": ends(0) + op(SHORT, 0, len(PUT), 1, 0x81) + PUT + text(READ, 1, PUT + HUNDRED) + text(
        WRITE, 1, LONG_OK + HUNDRED) + op(SHORT, 0, len(LONG_OK), 1, 1) + LONG_OK + exchange(0) + CLOSED,
    "both-server-better-opaque": ends(0) + op(SHORT, 0, 5, 1, 0x81) + b"\1\2\3\4\5" + text(
        READ, 1, b"\1\2\3\4\5" + HUNDRED) + text(BOTH, 1, b"\7\7") + CLOSED,
    "both-joined": ends(0, how=0x11) + text(BOTH, 0, GET) + SLOW + text(BOTH, 1, CHUNKED) + SLOW + PIECES + text(
        BOTH, 1, b"0\r\n\r\n") + exchange(0, POST + b"hello, world") + CLOSED,
    "both-joined-weak": ends(0, bind=OPENER | 2) + text(BOTH, 0, GET) + SLOW + text(BOTH, 1, CHUNKED) + SLOW + op(
        BIND, 0, 0x32) + op(BIND, 1, 0x32) + PIECES + text(BOTH, 1, b"0\r\n\r\n") + CLOSED,
    "both-joined-unbound": op(OPEN, 0, 0x10) + op(OPEN, 1, 0x10) + text(BOTH, 0, GET) + SLOW + text(
        BOTH, 1, CHUNKED) + SLOW + op(BIND, 0, 0x32) + op(BIND, 1, 0x32) + PIECES + text(BOTH, 1, b"0\r\n\r\n") + CLOSED,
    "crowd": opened(0) + op(AGAIN, 8) + op(AGAIN, 9) + op(AGAIN, 9) + op(AGAIN, 8) + text(WRITE, 0, GET) + op(EXIT, 0),
    "owners": op(OWNER, 0, 9) + op(OWNER, 1, 13) + op(OWNER, 2, 0xff) + op(OWNER, 3, 3) + opened(0),
    "unopened": text(READ, 3, GET) + text(WRITE, 3, OK) + op(SHORT, 3, 0, 3, 8) + op(LOST, 3, 9) + op(CLOSE, 3),
    "idle": opened(0) + text(WRITE, 0, b"x") + op(LONG, 0, 7) + op(TICK, 0) + text(READ, 0, b"y") + op(
        LONG, 0, 255) + op(TICK, 0) + op(LONG, 0, 255) + op(TICK, 0),
    "raw": op(RAW, 0, 3) + b"abc" + op(RAW, 0, 56) + bytes([4, 0, 1, 0, 56, 0, 0, 0]) + bytes(48) + op(
        RAW, 0, 80) + bytes([2, 0, 1, 0, 80, 0, 0, 0]) + bytes(52) + bytes([1, 0, 0, 0]) + bytes(16),
}

for name, seed in SEEDS.items():
    with open(os.path.join(sys.argv[1], name), "wb") as f:
        f.write(b"\0" + seed)
    if name.startswith("both"):
        with open(os.path.join(sys.argv[1], name.replace("both", "split")), "wb") as f:
            f.write(b"\1" + seed)
