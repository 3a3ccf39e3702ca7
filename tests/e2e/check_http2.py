#!/usr/bin/env python3
"""Are the exchanges there that a client had, each with its own body?

check_http2.py SOCKET FILTER COUNT BODY [FIELD=VALUE...]: of the filter there are COUNT complete
entries, whose answer's body is BODY with {} for the path, and whose fields are as said. Where a request has
an X-Id, that is the path too, and the answer has the same."""

import json
import sys
import time
import urllib.parse

from check_entries import Api

_, path, query, count, body, *fields = sys.argv
api = Api(path)
want = dict(f.split("=", 1) for f in fields)

for attempt in range(150):
    found = [e for e in api.matching(query) if not e["open"]]
    if len(found) >= int(count):
        break
    time.sleep(0.2)
har = json.loads(api.get("/api/export/har?q=" + urllib.parse.quote(query)))
wrong = []
for entry in found:
    have = {name: str(entry.get(name)) for name in want}
    if not entry["complete"] or have != want or entry["protocol"] != "http2":
        wrong.append(("not as said", entry["summary"], entry["reason"], have))
bodies = {}
for entry in har["log"]["entries"]:
    target = urllib.parse.urlsplit(entry["request"]["url"]).path
    text = entry["response"]["content"].get("text", "")
    bodies[target] = bodies.get(target, 0) + 1
    if text != body.format(target.lstrip("/")).encode().decode("unicode_escape"):
        wrong.append(("another body", target, text[:100]))
    ids = [[h["value"] for h in entry[side]["headers"] if h["name"].lower() == "x-id"]
           for side in ("request", "response")]
    if ids[0] and (ids[0] != ids[1] or ids[0] != [target.lstrip("/")]):
        wrong.append(("another header", target, ids))
    if entry["request"]["httpVersion"] != "HTTP/2":
        wrong.append(("version", entry["request"]["httpVersion"]))
print("%d entries, %d in HAR, %d paths" % (len(found), len(har["log"]["entries"]), len(bodies)))
for problem in wrong[:10]:
    print(*problem)
each = set(bodies.values())
sys.exit(len(found) != int(count) or sum(bodies.values()) != int(count) or bool(wrong) or len(each) != 1)
