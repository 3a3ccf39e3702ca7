# SPDX-License-Identifier: GPL-2.0-or-later
"""Seeds of fuzz_message: messages and answers as they are, and as nobody should send them."""
import os
import struct
import sys

TO_SERVER, TO_TRACER, ANSWER, PUT_TARGET, PUT_PROCESS, PUT_REFUSED, FLUSH, SWEEP = range(8)
WHOLE = 0x80


def piece(what, data=b""):
    return struct.pack("<BH", what, len(data)) + data


def message(kind, target=1, tgid=7, state=1, points=3, owner=1000, count=5, fill=None):
    """struct tracer_message."""
    texts = b"".join((fill * size if fill else text.encode()[:size - 1].ljust(size, b"\0")) for text, size in (
        ("openssl", 16), ("3.0.15", 64), ("/usr/lib/libssl.so.3", 256), ("SSL_read+0 push", 256), ("", 192),
        ("4f2a", 72), ("curl", 16)))
    return struct.pack("<8I5Q", kind, target, tgid, state, points, 0, 0, 0, 0, 1, 2, owner, count) + texts


def answer(family=1, points=2, more=0, failed=0, offset=64, kind=0, fill=None):
    """struct inspection."""
    texts = b"".join((fill * size if fill else text.encode().ljust(size, b"\0")) for text, size in (
        ("3.0.15", 64), ("", 96), ("SSL_read+0 push", 256), ("", 192)))
    layout = struct.pack("<4i2I3Q", -1, -1, -1, -1, 0, 0, 0, 0, 0)
    return struct.pack("<4I", family, points, more, failed) + texts + layout + struct.pack("<QII", offset, kind, 1) * 2


SEEDS = {
    "told": b"".join(piece(TO_SERVER | WHOLE, message(kind)) for kind in (1, 2, 4, 7, 11, 3, 8)),
    "endless-texts": piece(TO_SERVER | WHOLE, message(1, fill=b"a")) + piece(TO_SERVER | WHOLE, message(2, fill=b"/")),
    "short": piece(TO_SERVER, message(1)[:100]) + piece(TO_TRACER, b"x") + piece(TO_SERVER, message(1) + b"more"),
    "numbers": piece(TO_SERVER | WHOLE, message(1, target=0xffffffff)) + piece(
        TO_SERVER | WHOLE, message(1, target=4095, state=0xffffffff)) + piece(TO_SERVER | WHOLE, message(99)),
    "processes": b"".join(piece(TO_SERVER | WHOLE, message(2, tgid=n, target=n % 3)) for n in range(1, 30)) + piece(
        TO_SERVER | WHOLE, message(3, tgid=5, target=2)),
    "commands": piece(TO_TRACER | WHOLE, message(5)) + piece(TO_TRACER | WHOLE, message(6)) + piece(
        TO_TRACER | WHOLE, message(10)) + piece(
        TO_TRACER | WHOLE, message(1)) + piece(FLUSH | WHOLE),
    "outbox": piece(PUT_TARGET, message(1)) + piece(PUT_TARGET, message(1, target=9)) + piece(
        PUT_PROCESS, message(2)) + piece(PUT_REFUSED, message(11, state=2)) + piece(FLUSH | WHOLE) + piece(
            PUT_PROCESS, message(2, tgid=99998)) + piece(SWEEP) + piece(FLUSH) + piece(PUT_TARGET, message(1, target=4)),
    "answer": piece(ANSWER | WHOLE, answer()),
    "answer-none": piece(ANSWER | WHOLE, answer(family=0, points=0)),
    "answer-family": piece(ANSWER | WHOLE, answer(family=77)),
    "answer-points": piece(ANSWER | WHOLE, answer(points=0xffffffff)) + piece(ANSWER | WHOLE, answer(points=1024)),
    "answer-place": piece(ANSWER | WHOLE, answer(offset=1 << 40)) + piece(ANSWER | WHOLE, answer(kind=99)),
    "answer-texts": piece(ANSWER | WHOLE, answer(fill=b"a")),
    "answer-flags": piece(ANSWER | WHOLE, answer(failed=2)) + piece(ANSWER, answer(more=2)),
    "answer-short": piece(ANSWER, answer()[:50]) + piece(ANSWER),
}
for name, seed in SEEDS.items():
    with open(os.path.join(sys.argv[1], name), "wb") as f:
        f.write(seed)
