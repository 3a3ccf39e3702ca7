#!/usr/bin/env python3
"""Check every exchange of tls_cases through the API, to the byte: check_cases.py [OPTION...]
SOCKET FILE, where FILE holds what tls_cases has printed."""

import argparse
import json
import sys
import time
import urllib.parse

from check_entries import Api


def body_of(seed, length):
    lines = (length + 15) // 16
    return b"".join(b"%08x%07x\n" % (seed, i) for i in range(lines))[:length]


class Exchange:
    def __init__(self, line):
        self.path, *numbers = line.split()
        self.ports = [int(n) for n in numbers[:2]]
        seed, ask, answer = (int(n) for n in numbers[2:])
        self.bodies = {"request": body_of(seed, ask), "response": body_of(seed, answer)}
        self.heads = {
            "request": b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
                       % (self.path.encode(), ask),
            "response": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % answer}


def expect(wrong, what, have, want):
    if have != want:
        wrong.append("%s is %s, expected %s" % (what, str(have)[:200], str(want)[:200]))


def check_addresses(entry, exchange, args, wrong):
    have = [entry["src"]["port"], entry["dst"]["port"]]
    unknown = entry["bind"] == "unknown" and have == [0, 0]
    if args.unknown and unknown:
        return
    expect(wrong, "ports", have, exchange.ports)
    expect(wrong, "addresses", [entry["src"]["ip"], entry["dst"]["ip"]], ["127.0.0.1"] * 2)
    expect(wrong, "bind", entry["bind"], "nested")


def check_side(api, entry, side, exchange, args, wrong):
    """Sizes and bytes of one direction; what the budget left out, to the byte."""
    size = len(exchange.heads[side]) + len(exchange.bodies[side])
    kept = min(size, args.budget)
    if (entry["role"], side) in (("client", "request"), ("server", "response")):
        kept = min(kept, args.call)
    kept -= len(exchange.heads[side])
    expect(wrong, side + "_size", entry[side + "_size"], size)
    have, want = api.body(entry, side), exchange.bodies[side][:kept]
    if have != want:
        at = next((i for i, pair in enumerate(zip(have, want)) if pair[0] != pair[1]),
                  min(len(have), len(want)))
        wrong.append("%s body: %d bytes, expected %d, differs at %d: %r, expected %r" %
                     (side, len(have), len(want), at, have[at:at + 32], want[at:at + 32]))
    return size - kept - len(exchange.heads[side])


def check_entry(api, entry, exchange, args):
    wrong = []
    check_addresses(entry, exchange, args, wrong)
    missing = sum(check_side(api, entry, side, exchange, args, wrong)
                  for side in ("request", "response"))
    expect(wrong, "truncated_bytes", entry["truncated_bytes"], missing)
    expect(wrong, "lost_bytes", entry["lost_bytes"], 0)
    expect(wrong, "complete", entry["complete"], missing == 0)
    expect(wrong, "status", entry["status"], "200")
    return wrong


def all_entries(api, case):
    query = "q=" + urllib.parse.quote("path.startsWith(\"/%s/\")" % case)
    found, before = [], ""
    while True:
        page = json.loads(api.get("/api/entries?limit=1000&" + query + before))
        found += page["entries"]
        if page["next"] is None:
            return found
        before = "&before=%s" % page["next"]


def check(api, exchanges, args):
    wrong, found = [], {}
    for case in {e.path.split("/")[1] for e in exchanges}:
        for entry in all_entries(api, case):
            found.setdefault((entry["summary"], entry["role"]), []).append(entry)
    if args.unknown:
        for (path, role), entries in list(found.items()):
            if role == "unknown":
                found.setdefault((path, "client"), []).append(entries[0])
                found.setdefault((path, "server"), []).append(entries[-1])
    for exchange in exchanges:
        for role in ("client", "server"):
            entries = found.get((exchange.path, role), [])
            expect(wrong, "%s %s entries" % (exchange.path, role), len(entries), 1)
            for entry in entries:
                wrong += ["%s %s (%d): %s" % (exchange.path, role, entry["id"], line)
                          for line in check_entry(api, entry, exchange, args)]
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", type=int, default=1 << 20, help="as of cleartap")
    parser.add_argument("--call", type=int, default=1 << 30, help="bytes kept of one write")
    parser.add_argument("--unknown", action="store_true", help="no addresses are right, too")
    parser.add_argument("--wait", type=float, default=20)
    parser.add_argument("socket")
    parser.add_argument("file")
    args = parser.parse_args()
    with open(args.file, encoding="ascii") as file:
        exchanges = [Exchange(line) for line in file]
    if not exchanges:
        sys.exit("nothing was exchanged")
    deadline = time.monotonic() + args.wait
    while True:
        wrong = check(Api(args.socket), exchanges, args)
        if not wrong or time.monotonic() > deadline:
            break
        time.sleep(0.3)
    if wrong:
        sys.exit("\n".join(["%d differences" % len(wrong)] + wrong[:20]))


if __name__ == "__main__":
    main()
