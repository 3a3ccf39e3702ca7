#!/usr/bin/env python3
"""Has any entry something of another, though records were lost?

check_loss.py STORE PROTOCOL SENT LOST: the whole store, after cleartap has ended. Every request was
of a path /N/ID, and had none or its own path as lines for a body; every answer has the path as
X-Id, and its lines N times as its body. What is complete is that, byte for byte; what is not says
why, and has no byte that is not its own. What is not told is no more than LOST bytes may have been."""

import collections
import json
import os
import re
import sqlite3
import sys

store, protocol = sys.argv[1:3]
sent, lost = map(int, sys.argv[3:5])
LEAST = 30  # bytes of a request over HTTP/1
bodies = os.open(store + "-bodies", os.O_RDONLY)
counts, wrong = collections.Counter(), []
told = collections.Counter()
answered = {}  # entries that told of an answer


def body_of(value):
    if not isinstance(value, int):
        return bytes(value)
    length = int.from_bytes(os.pread(bodies, 8, value + 16), "little")
    return os.pread(bodies, length, value + 24)


def fields(message):
    return {name.lower(): value for name, value in message.get("headers", [])}


def is_of(body, gaps, lines):
    """Each part between gaps is where it belongs in lines, which repeat."""
    at = taken = 0
    for gap in gaps + [{"offset": len(body) + sum(g["length"] for g in gaps), "length": 0}]:
        n = gap["offset"] - at
        part = body[taken:taken + n]
        shift = at % len(lines)
        want = (lines * (len(part) // len(lines) + 2))[shift:shift + len(part)]
        if part != want:
            return False
        taken += n
        at = gap["offset"] + gap["length"]
    return True


def look_at_message(message, body, path, complete, answer):
    """What is wrong with a message of the exchange with this path; None: nothing."""
    lines = path.encode() + b"\n"
    have, times = fields(message), int(path.split("/")[1])
    cut = "bytes missing inside the head" in message.get("notes", [])
    if answer and have.get("x-id", path) != path and not cut:
        return "the answer to " + have["x-id"]
    if answer and "status" in message and message["status"] not in (
            (200, 400, 408) if complete else (100, 200, 400, 408)):
        return "status %s" % message["status"]
    if not complete:
        gaps = message.get("gaps", [])
        exact = protocol == "http" and not message.get("gaps_omitted") and not cut
        if "x-id" in have or not answer:
            return None if is_of(body, gaps if exact else [], lines) or (
                not exact and all(piece in lines * 2 for piece in body.split(b"\n"))) \
                else "bytes of another"
        return None
    if answer:
        return None if body in (lines * times, b"") else "another body: %r" % body[:60]
    want = int(have.get("content-length", 0))
    return None if body == lines * (want // len(lines)) else "another body: %r" % body[:60]


def look_at(entry, detail, request_body, response_body):
    q, a = detail.get("request", {}), detail.get("response", {})
    path = q.get("target") or fields(a).get("x-id")
    counts["complete" if entry["complete"] else "incomplete"] += 1
    if not entry["complete"] and not entry["reason"]:
        return "incomplete without a reason"
    if entry["complete"] and (entry["lost_bytes"] or entry["truncated_bytes"]):
        return "complete with bytes missing"
    if not path:
        counts["without a head"] += 1
        return "complete without a path" if entry["complete"] else None
    if not re.fullmatch(r"/\d+/[\w-]+", path):
        return "an invented path"
    if q.get("target"):
        # A request whose answer cannot be told may be told again, by the other end with it.
        key = (path, entry["connection"], entry["role"])
        told[key] += bool(a.get("status"))
        if told[key] > 1:
            return "answered twice, first in entry %d (ends %s, %s) %s" % answered[key]
        if a.get("status"):
            answered[key] = (entry["id"], entry["ends"], entry["reason"], entry["detail"][:1500])
    if q.get("target") and a.get("status"):
        counts["both"] += 1
    if entry["complete"] and q.get("method") != "HEAD" and not response_body:
        return "complete without its body"
    return ((q.get("target") and
             look_at_message(q, request_body, path, entry["complete"], False)) or
            look_at_message(a, response_body, path, entry["complete"], True))


db = sqlite3.connect("file:%s?mode=ro" % store, uri=True)
db.row_factory = sqlite3.Row
for (n,) in db.execute("SELECT n FROM segment WHERE last_id >= first_id").fetchall():
    for row in db.execute("SELECT * FROM entry_%d JOIN payload_%d USING (id)" % (n, n)):
        counts["entries"] += 1
        if row["protocol"] != protocol:
            counts["protocol " + row["protocol"]] += 1
            continue
        problem = look_at(row, json.loads(row["detail"]), body_of(row["request_body"]),
                          body_of(row["response_body"]))
        if problem:
            counts["WRONG"] += 1
            if len(wrong) < 8:
                wrong.append("%s: entry %d %s" % (problem, row["id"], {
                    k: row[k] for k in ("summary", "role", "complete", "reason", "connection",
                                        "lost_bytes")}))
                wrong.append("  " + row["detail"][:1500])
paths = len({path for path, *_ in told})
untold = sent - paths if protocol == "http" else 0
print("%d sent, %d told, %d bytes lost;" % (sent, paths, lost),
      ", ".join("%d %s" % (n, what) for what, n in counts.items()))
print(*wrong, sep="\n")
sys.exit(bool(counts["WRONG"]) or untold * LEAST > lost or not counts["both"] or not counts["incomplete"])
