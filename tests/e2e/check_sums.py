#!/usr/bin/env python3
"""Does the ledger have, for each of many programs, just the bytes that it sent and received?

    check_sums.py SOCKET FILE [PROGRAM=REASON...]

FILE has lines of judge.py; what a program's bytes became is `read`, or what is named. Asks again until
it is so, for twenty seconds; the rest is printed.
"""

import json
import sys
import time

from check_entries import Api


def wrong(rows, said, reasons):
    for name, (sent, received) in said.items():
        row = rows.get(name)
        want = {reasons.get(name, "read"): (sent, received)}
        got = {b["reason"]: (b["sent"], b["received"]) for b in row["bytes"]} if row else None
        if got != want or row["misfits"]:
            yield "%s: the ledger has %s, expected %s (misfits %s)" % (
                name, got, want, row and row["misfits"])


with open(sys.argv[2], encoding="ascii") as f:
    said = {n: (int(a), int(b)) for n, a, b in (line.split() for line in f)}
reasons = dict(a.split("=") for a in sys.argv[3:])
missing = set(reasons) - set(said)
if missing:
    sys.exit("nothing was said by " + ", ".join(missing))
api = Api(sys.argv[1])
for _ in range(100):
    rows = {r["process"]: r for r in json.loads(api.get("/api/coverage"))["ledger"]["programs"]}
    bad = list(wrong(rows, said, reasons))
    if not bad:
        break
    time.sleep(0.2)
for name in [line.split(":")[0] for line in bad]:  # its connections
    for e in api.matching('tcp and (src.process == "%s" or dst.process == "%s")' % (name, name)):
        detail = json.loads(api.get("/api/entries/%d" % e["id"]))
        bad.append(json.dumps({k: detail.get(k) for k in ("src", "dst", "role", "ends", "ledger")}))
print("of %d programs" % len(said), *bad, sep="\n")
sys.exit(len(bad) > 0)
