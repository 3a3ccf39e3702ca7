#!/usr/bin/env python3
"""Seeds of fuzz_queues from the golden cases: make_queues.py FOLDER-OF-SEEDS CASES..."""
import ast
import os
import re
import sys


def text(line):
    out = b""
    for times, part in re.findall(r'(?:(\d+)\*)?"((?:[^"\\]|\\.)*)"', line):
        out += ast.literal_eval('b"%s"' % part.encode().decode("latin-1").replace("\\0", "\\x00")
                                if part.isascii() else "b''") * int(times or 1)
    return out


def record(op, data):
    return b"".join(bytes([op, len(data[i:i + 255])]) + data[i:i + 255]
                    for i in range(0, len(data), 255))


def steps(line):
    op = 0 if line[0] == ">" else 0x30
    gap = re.match(r". gap (\d+) (\w+)", line)
    if gap:
        return bytes([0x60 | (op == 0) | 2 * (gap[2] == "lost"), min(int(gap[1]), 127)])
    return record(op, text(line[2:]))


folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
for path in sys.argv[2:]:
    for n, case in enumerate(open(path, encoding="utf-8").read().split("\ncase ")[1:]):
        data = b"".join(steps(line) if line[0] in "<>" else b"\x80\0" if line == "idle"
                        else b"\x90\0" for line in case.split("\n")
                        if re.match("[<>] |idle|tick", line))
        name = "%s-%s-%d" % (path.split("/")[-2], os.path.basename(path)[:-4], n)
        with open(os.path.join(folder, name), "wb") as file:
            file.write(bytes([["mqtt", "mongo", "kafka", "dns", "ldap", "redis", "postgres", "smtp", "imap",
                               "mysql", "amqp"].index(path.split("/")[-2])]) + data)
