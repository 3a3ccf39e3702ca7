#!/usr/bin/env python3
"""Check what cleartap has stored against what the programs of gotest/ say.

    check_go.py [--share SHARE] SOCKET EXPECTATIONS

gotest/main.go tells the form of EXPECTATIONS. Entries are asked for again until all is right, or
20 seconds are over. With --share that part of the expectations will do.
"""

import argparse
import json
import sys
import time

from check_entries import Api, field_of

SHOWN = 4


class Entries:
    """All entries of a query, found by any set of their fields."""

    def __init__(self, api, query):
        self.api = api
        self.all = api.matching(query)
        self.index = {}

    def find(self, fields):
        names = tuple(sorted(fields))
        if names not in self.index:
            table = self.index[names] = {}
            for entry in self.all:
                table.setdefault(tuple(field_of(entry, name) for name in names), []).append(entry)
        return self.index[names].get(tuple(fields[name] for name in names), [])

    def value(self, entry, name):
        side, _, rest = name.partition(".")
        if rest == "body":
            return self.api.body(entry, side).decode()
        return field_of(entry, name)


def short(value):
    text = json.dumps(value)
    return text if len(text) < 500 else text[:500] + "..."


def differences(entries, expected):
    """What is not as expected, as sentences."""
    found = entries.find(expected["find"])
    if "total" in expected:
        for name, value in expected["total"].items():
            have = sum(field_of(entry, name) for entry in found)
            if not found or have != value:
                yield "%s of %d entries is %d, expected %d" % (name, len(found), have, value)
        return
    count = expected.get("count", 1)
    if len(found) != count:
        yield "%d entries, not %d" % (len(found), count)
        for entry in found[:3]:
            yield "  " + short(entry)
    for entry in found if len(found) == count else []:
        wrong = ["%s is %s, expected %s" % (name, short(have), short(value))
                 for name, value in expected["want"].items()
                 for have in [entries.value(entry, name)] if have != value]
        if wrong:
            yield from wrong
            yield "  " + short(entry)


def query_for(expectations):
    """No connections and handshakes; their ports, when all have one: on a busy machine there are
    many other entries."""
    ports = {e["find"].get("dst.port", e.get("want", {}).get("dst.port")) for e in expectations}
    exchanges = "!tcp and !tlsx"
    if None in ports or len(ports) > 20:
        return exchanges
    return exchanges + " and (%s)" % " or ".join("dst.port == %d" % port for port in sorted(ports))


def check(api, expectations):
    entries = Entries(api, query_for(expectations))
    bad = []
    for expected in expectations:
        lines = list(differences(entries, expected))
        if lines:
            bad.append(["%s %s" % (expected["case"], json.dumps(expected["find"]))] + lines)
    return bad


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("socket")
    parser.add_argument("expectations")
    return parser.parse_args()


def main():
    args = arguments()
    api = Api(args.socket)
    with open(args.expectations, encoding="utf-8") as file:
        expectations = [json.loads(line) for line in file if line.startswith("{")]
    if not expectations:
        sys.exit("nothing is expected")
    deadline = time.monotonic() + (20 if args.share == 1 else 3)
    bad = check(api, expectations)
    while bad and time.monotonic() < deadline:
        time.sleep(0.3)
        bad = check(api, expectations)
    if args.share == 1:
        for lines in bad[:SHOWN]:
            print("\n    ".join(lines))
    good = len(expectations) - len(bad)
    print("%d of %d are as expected" % (good, len(expectations)))
    sys.exit(good < args.share * len(expectations))


if __name__ == "__main__":
    main()
