#!/usr/bin/env python3
"""Calls of the running server fail, at one place after the other: see preload.c and server.sh.

    fault_server.py FAULT_FILE SOCKET PORT SAMPLE SEED SECONDS [told]
    fault_server.py FAULT_FILE arm KIND NTH            the call that fails from now on; 0: none
    fault_server.py FAULT_FILE places KIND SAMPLE SEED     some of those that were counted

For each kind of call, once and from there on, at SAMPLE of its places (0: all): exchanges with the
server on PORT while it fails, then one that must be stored. What is not there was counted. Prints what
is not so, and writes the ids that were told, for the next start; status 1 when something was not so.
"""

import http.client
import json
import mmap
import random
import socket
import ssl
import struct
import sys
import time

KINDS = {"memory": (0, 12), "write": (1, 28), "sync": (2, 5), "truncate": (3, 5)}
OF_START = {"open": (4, 24), "map": (5, 12)}
path = sys.argv[1]
with open(path, "r+b") as f:
    page = mmap.mmap(f.fileno(), 4096)


def arm(kind, nth, lasting):
    number_of, error = {**KINDS, **OF_START}[kind]
    page[0:88] = struct.pack("<4Q", number_of, 0, lasting, error) + bytes(56)
    page[8:16] = struct.pack("<Q", nth)


def counts():
    return struct.unpack("<6Q", page[32:80]), struct.unpack("<Q", page[80:88])[0]


if sys.argv[2] == "arm":
    arm(sys.argv[3], int(sys.argv[4]), 0)
    sys.exit()
if sys.argv[2] == "places":
    total, few = counts()[0][OF_START[sys.argv[3]][0]], int(sys.argv[4])
    random.seed(sys.argv[5])
    print(*sorted(random.sample(range(1, total + 1), min(few or total, total))))
    sys.exit(not total)
api, port, sample, seed, seconds = sys.argv[2:7]
end = time.monotonic() + float(seconds)
random.seed(seed)
number = problems = 0


class UnixConnection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(api)


def get(target):
    connection = UnixConnection("localhost")
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        return json.loads(answer.read()) if answer.status == 200 else None
    finally:
        connection.close()


def try_get(target):
    """While something fails an answer may break off; the server must take the next one."""
    try:
        return get(target)
    except (OSError, ValueError, http.client.HTTPException):
        return None


def disarm():
    page[8:16] = bytes(8)
    return counts()


def exchange():
    """A request with a body of 3,000 bytes that is echoed; its path."""
    global number
    number += 1
    target = "/fault/%d" % number
    connection = http.client.HTTPSConnection("127.0.0.1", int(port), timeout=20,
                                             context=ssl._create_unverified_context())
    connection.request("POST", target, b"f" * 3000)
    assert len(connection.getresponse().read()) == 3000
    connection.close()
    return target


def find(target, wait):
    until = time.monotonic() + wait
    while True:
        page_ = try_get("/api/entries?limit=100")
        for e in (page_ or {}).get("entries", []):
            if e["summary"] == target:
                return e
        if time.monotonic() > until:
            return None
        time.sleep(0.02)


def losses(stats):
    return sum(stats[room][name] for room, name in (
        ("store", "lost_entries"), ("store", "passed_over"), ("sessions", "no_memory"),
        ("sessions", "refused"), ("sessions", "lost_bytes"), ("redaction", "no_memory")))


def complain(*what):
    global problems
    problems += 1
    print(*what, flush=True)


def try_place(kind, nth, lasting, told):
    place = "%s %d%s:" % (kind, nth, " and on" if lasting else "")
    before = losses(get("/api/stats"))
    arm(kind, nth, lasting)
    asked = [exchange(), exchange()]
    try_get("/api/entries?q=http")
    time.sleep(0.25)
    try_get("/api/stats")
    count, failed = disarm()
    last = exchange()
    found = find(last, 15)
    if not found:
        complain(place, "what came afterwards is not stored")
        return count
    told[found["id"]] = last
    there = [find(a, 0) for a in asked]
    told.update({e["id"]: e["summary"] for e in there if e})
    stats = get("/api/stats")
    if not all(there) and losses(stats) <= before:
        complain(place, "%d exchanges are missing, and were not counted" % there.count(None))
    if not all(there) and not failed:
        complain(place, "exchanges are missing though nothing failed")
    if stats["store"]["error"]:
        complain(place, "it still says:", stats["store"]["error"])
    return count


def main():
    told, tried = {}, 0
    find(exchange(), 15)
    for kind in KINDS:
        total = try_place(kind, 1 << 40, 0, told)[KINDS[kind][0]]
        print("%s: %d calls" % (kind, total))
        for lasting in (0, 1):
            places = list(range(1, total + 1))
            if int(sample):
                places = random.sample(places, min(int(sample), total))
            for nth in sorted(places):
                if time.monotonic() > end:
                    print("no time for more")
                    break
                tried += 1
                try_place(kind, nth, lasting, told)
    for ident, target in told.items():
        entry = get("/api/entries/%d" % ident)
        if not entry or entry["summary"] != target:
            complain("entry %d (%s) is gone" % (ident, target))
    with open(path + ".told", "w") as out:
        json.dump(told, out)
    print("%d places tried, %d entries told, seed %s" % (tried, len(told), seed))
    sys.exit(problems > 0 or not told)


if sys.argv[-1] == "told":  # after the next start
    with open(path + ".told") as f:
        for ident_, target_ in json.load(f).items():
            entry_ = get("/api/entries/" + ident_)
            if not entry_ or entry_["summary"] != target_:
                complain("entry", ident_, "is gone")
    sys.exit(problems > 0)
main()
