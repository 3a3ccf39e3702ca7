#!/usr/bin/env python3
"""Broken libraries in the memory of a program: hostile_elf.py LIBSSL DIRECTORY. Writes damaged
copies of a real libssl, each in a folder of its own as libssl.so.3, maps them as the loader would,
prints their number, and keeps them until standard input ends.
"""

import mmap
import os
import random
import struct
import sys

with open(sys.argv[1], "rb") as file:
    GOOD = file.read()
SECTIONS = struct.unpack_from("<Q", GOOD, 40)[0]
SEGMENTS = struct.unpack_from("<Q", GOOD, 32)[0]


def patched(*changes):
    data = bytearray(GOOD)
    for offset, form, value in changes:
        struct.pack_into(form, data, offset, value)
    return bytes(data)


def damaged():
    yield "empty", b""
    yield "magic", b"\x7fELF"
    yield "header", GOOD[:64]
    yield "half", GOOD[:len(GOOD) // 2]
    yield "no-end", GOOD[:-1]
    yield "text", b"#!/bin/sh\nexit 1\n" * 100
    yield "zeros", bytes(1 << 20)
    yield "class", patched((4, "<B", 77))
    yield "machine", patched((18, "<H", 0xfedc))
    yield "sections-far", patched((40, "<Q", 1 << 63))
    yield "sections-many", patched((60, "<H", 0xffff))
    yield "section-size", patched((58, "<H", 1))
    yield "segments-far", patched((32, "<Q", (1 << 64) - 8))
    yield "segments-many", patched((56, "<H", 0xffff))
    yield "names-far", patched((62, "<H", 0xfff0))
    noise = random.Random(7)
    for i in range(6):
        data = bytearray(GOOD)
        for _ in range(2000):
            start = noise.choice((0, SECTIONS, SEGMENTS, 0x1000))
            data[min(start + noise.randrange(4096), len(data) - 1)] = noise.randrange(256)
        data[:6] = GOOD[:6]
        yield "noise-%d" % i, bytes(data)


maps = []
for name, data in damaged():
    folder = os.path.join(sys.argv[2], name)
    os.mkdir(folder)
    path = os.path.join(folder, "libssl.so.3")
    with open(path, "wb") as file:
        file.write(data)
    with open(path, "rb") as file:
        if data:
            maps.append(mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE,
                                  mmap.PROT_READ | mmap.PROT_EXEC))
print(len(maps), flush=True)
sys.stdin.read()
