#!/usr/bin/env python3
"""Readers of all kinds at once, for some time: tsan_readers.py SOCKET SECONDS

Ask the API over its unix socket: lists with filters, single entries and bodies, histograms, exports,
streams, numbers; and switch capture off and on. Prints how many answers of each there were; status 1
when one of them had none.
"""

import collections
import http.client
import json
import random
import re
import socket
import sys
import threading
import time
import urllib.parse

FILTERS = ["", "status_code == 200", 'path.startsWith("/a")', 'request.headers["host"] != ""',
           'response.body.contains("127")', 'method == "POST" and request_size > 10', "not complete",
           'limit(50) and role == "client"', 'redact("response.body") and http', "open"]
path, end = sys.argv[1], time.monotonic() + float(sys.argv[2])
answers = collections.Counter()
wrong = collections.Counter()


class UnixConnection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(path)


def ask(target, method="GET", body=None):
    connection = UnixConnection("localhost")
    headers = {"Content-Type": "application/json"} if body else {}
    connection.request(method, target, body, headers)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    kind = re.sub("[0-9]+", "N", target.split("?")[0])
    if answer.status == 404:  # what the bounds have dropped meanwhile, or has no body
        return b""
    if answer.status != 200:
        wrong["%s: %d %s" % (kind, answer.status, data[:80])] += 1
        return b""
    answers[kind] += 1
    return data


def filtered(target):
    return target + "q=" + urllib.parse.quote(random.choice(FILTERS))


def lists():
    page = json.loads(ask(filtered("/api/entries?limit=200&")) or "{}")
    for entry in page.get("entries", [])[:3]:
        ask("/api/entries/%d" % entry["id"])
        ask("/api/entries/%d/response/body" % entry["id"])


def histograms():
    now = int(time.time() * 1000)
    ask(filtered("/api/histogram?from=%d&to=%d&buckets=60&" % (now - 60000, now)))


def exports():
    for kind in ("har", "pcapng"):
        ask("/api/export/%s?q=" % kind + urllib.parse.quote("limit(%d)" % random.choice((9, 300))))


def numbers():
    for target in ("/api/stats", "/metrics", "/api/targets", "/api/connections", "/api/map",
                   "/api/coverage", "/api/kfl/fields", "/readyz"):
        ask(target)


def pauses():
    time.sleep(random.uniform(0.5, 3))
    ask("/api/capture", "POST", '{"state":"paused"}')
    time.sleep(0.1)
    ask("/api/capture", "POST", '{"state":"running"}')


def streams():
    """One that reads for a while and comes back."""
    connection = UnixConnection("localhost")
    connection.request("GET", filtered("/api/stream?"))
    answer = connection.getresponse()
    until = time.monotonic() + random.uniform(1, 5)
    while time.monotonic() < min(until, end):
        line = answer.readline()
        if not line:
            break
        answers["/api/stream"] += line.startswith(b"data:")
    connection.close()


def repeat(work):
    while time.monotonic() < end:
        try:
            work()
        except (OSError, ValueError, http.client.HTTPException) as e:
            wrong["%s: %r" % (work.__name__, e)] += 1
            time.sleep(0.2)


threads = [threading.Thread(target=repeat, args=(w,))
           for w in (lists, lists, histograms, exports, numbers, pauses, streams, streams, streams)]
for t in threads:
    t.start()
for t in threads:
    t.join()
for kind, n in sorted(answers.items()):
    print("%s: %d" % (kind, n))
for what, n in wrong.most_common(10):
    print("not answered: %s: %d" % (what, n))
wanted = ("/api/entries", "/api/histogram", "/api/export/har", "/api/export/pcapng", "/api/stats",
          "/api/stream", "/api/capture")
sys.exit(any(not answers[w] for w in wanted))
