#!/usr/bin/env python3
"""Is the ledger's row of a program as it should be?

    check_ledger.py SOCKET PROGRAM SAID [REASON=BYTES...]

SAID is what wire_talk.py printed. Bytes of each reason, sent and received, must be equal to what is
named (one number, or SENT/RECEIVED); `read` and `relayed` stand for those of SAID, `read-1` for one less. Without any REASON there are none.
Asks again until it is so, for ten seconds.
"""

import http.client
import json
import socket
import sys
import time


class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(sys.argv[1])


def rows():
    c = Unix("localhost", timeout=30)
    c.request("GET", "/api/coverage")
    return json.loads(c.getresponse().read())["ledger"]["programs"]


def amount(text):
    name, _, less = text.partition("-")
    return (said[name] if name in said else int(name)) - int(less or 0)


program, said = sys.argv[2], json.loads(open(sys.argv[3]).read())
want = {}
for part in sys.argv[4:]:
    reason, value = part.split("=")
    both = value.split("/") * 2
    want[reason] = (amount(both[0]), amount(both[1]))
for _ in range(50):
    found = [r for r in rows() if r["process"] == program]
    got = {b["reason"]: (b["sent"], b["received"]) for r in found for b in r["bytes"]}
    if got == want and (found or not want):
        if not any(r["misfits"] for r in found):
            sys.exit(0)
    time.sleep(0.2)
print("of %s the ledger has %s, expected %s; %s" % (program, got, want, found))
sys.exit(1)
