#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""/api/histogram says what counting the entries one by one says, whatever is asked for."""
import datetime
import random
import sqlite3
import urllib.parse

from api_lib import Server, run

START = 1_790_000_000_123_456  # µs
OUTCOMES = ["ok", "client_error", "server_error", "incomplete"]
NICE = sorted([m * 10 ** k for k in range(6) for m in (1, 2, 5)]
              + [s * 10 ** 6 for s in (1, 2, 5, 10, 15, 30)]
              + [m * 60 * 10 ** 6 for m in (1, 2, 5, 10, 15, 30)]
              + [h * 3600 * 10 ** 6 for h in (1, 2, 3, 6, 12)]
              + [d * 86400 * 10 ** 6 for d in [1, 2] + [7 << k for k in range(16)]])

server = Server("-b")
for first, count, step in ((START, 500, 777), (START + 10 ** 6, 700, 250_000),
                           (START + 9 * 10 ** 8, 300, 3_600_000_000), (START + 5 * 10 ** 6, 100, 1)):
    server.tell("clock %d %d" % (first, step))
    server.append(count)


def micros(text):
    t = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    delta = t - datetime.datetime(1970, 1, 1)
    return (delta.days * 86400 + delta.seconds) * 10 ** 6 + delta.microseconds


def outcome(e):
    if not e["complete"]:
        return 3
    if e["status_code"] >= 400:
        return 2 if e["status_code"] >= 500 else 1
    return 2 if e.get("failed") else 0


def stored(q="", server=server):
    """(time, outcome) of the entries of a filter, from the list."""
    out, before = [], ""
    while True:
        page = server.get("/api/entries?limit=1000&q=%s%s" % (urllib.parse.quote(q), before)).json()
        out += [(micros(e["timestamp"]), outcome(e)) for e in page["entries"]]
        if not page["next"]:
            return out
        before = "&before=%d" % page["next"]


EVERYTHING = stored()
assert len(EVERYTHING) == 1600


def ask(server=server, **params):
    return server.get("/api/histogram?" + urllib.parse.urlencode(params))


def verify(entries, low, high, buckets, answer):
    width = next(w for w in NICE if high // w - low // w + 1 <= buckets)
    counts = [[0] * 4 for _ in range(high // width - low // width + 1)]
    for us, kind in entries:
        i = us // width - low // width
        if 0 <= i < len(counts):
            counts[i][kind] += 1
    assert answer["bucket_us"] == width, (answer["bucket_us"], width)
    assert answer["start_us"] == low // width * width == answer["counted_from_us"]
    assert answer["outcomes"] == OUTCOMES and answer["partial"] is False
    assert answer["counts"] == counts
    assert answer["total"] == sum(map(sum, counts))


def everything():
    """without parameters: all entries, from the oldest to the newest, 120 buckets"""
    times = [us for us, _ in EVERYTHING]
    verify(EVERYTHING, min(times), max(times), 120, ask().json())
    assert ask().json()["total"] == 1600
    assert {k for _, k in EVERYTHING} == {0, 1, 2, 3}


def any_span():
    """any span and any number of buckets, with the tally of seconds and without"""
    rng = random.Random(7)
    filtered = {q: stored(q) for q in ("", "tls", "status_code >= 400", "error",
                                       "response.body.contains(\"alert\")", "limit(37)",
                                       "id < 900 and limit(100)")}
    spans = [0, 1, 999, 10 ** 4, 10 ** 6, 10 ** 7, 10 ** 8, 10 ** 10, 10 ** 12, 2 * 10 ** 15]
    for i in range(300):
        q, entries = list(filtered.items())[i % len(filtered)]
        span, buckets = rng.choice(spans), rng.choice([1, 2, 3, 7, 60, 119, 120, 499, 500])
        low = max(0, START + rng.randrange(-10 ** 6, 10 ** 7) - rng.randrange(span + 1))
        answer = ask(q=q, **{"from": low, "to": low + span, "buckets": buckets}).json()
        verify(entries, low, low + span, buckets, answer)


def times():
    """times as in RFC 3339 mean the same as microseconds"""
    a = ask(**{"from": "2026-09-21T14:13:21Z", "to": "2026-09-21T16:13:40.5+02:00"}).json()
    b = ask(**{"from": 1790000001000000, "to": 1790000020500000}).json()
    c = server.get("/api/histogram?from=2026-09-21T14:13:21Z&to=2026-09-21T16:13:40.5+02:00").json()
    assert c == a
    assert a == b and a["start_us"] == 1790000001000000 and a["total"] > 50


def one_bound():
    """a bound beyond all entries leaves one bucket"""
    late = ask(**{"from": "2096-01-01T00:00:00Z"}).json()
    assert late["total"] == 0 and len(late["counts"]) == 1
    early = ask(to=1).json()
    assert early["total"] == 0 and early["start_us"] == 1
    one = ask(**{"from": START, "to": START}).json()
    assert one["counts"] == [[1, 0, 0, 0]] and one["bucket_us"] == 1


def refused():
    """each parameter that cannot be used is named"""
    bad = [("buckets", v) for v in ("0", "501", "-1", "x", "1.5", "", "99999999999999999999")]
    bad += [(n, v) for n in ("from", "to")
            for v in ("", "x", "-1", "1e6", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
                      "2026-01-01", "2026-09-21 14:13", "2026-09-21T16:13:40.5 2:00", "1969-12-31T23:59:59Z", "253402300800000000",
                      "99999999999999999999999", "now()")]
    bad += [("q", "("), ("q", "status_code == \"abc\""), ("width", "1"), ("limit", "1")]
    for name, value in bad:
        a = ask(**{name: value})
        assert a.status == 400, (name, value)
        assert a.headers["content-type"] == "application/problem+json"
        assert a.json()["parameter"] == name, (name, value, a.body)
    a = ask(**{"from": 2, "to": 1})
    assert a.status == 400 and a.json()["parameter"] == "to"
    assert server.get("/api/histogram?from=1&from=2").status == 400
    assert server.request("POST", "/api/histogram", body=b"").headers["allow"] == "GET, HEAD, OPTIONS"


def bounds():
    """the ends of time are no trouble"""
    for params in ({"from": 0, "to": 253402300799999999, "buckets": 1},
                   {"from": 0, "to": 253402300799999999, "buckets": 500},
                   {"from": 253402300799999999, "to": 253402300799999999},
                   {"from": "9999-12-31T23:59:59.999999Z", "buckets": 1},
                   {"from": "1970-01-01T00:00:00Z", "buckets": 1}):
        a = ask(**params).json()
        first, last = a["start_us"], a["start_us"] + a["bucket_us"] * len(a["counts"])
        assert first <= int(params["from"]) < last if str(params["from"]).isdigit() else True
        assert len(a["counts"]) <= params.get("buckets", 120)
    assert ask(**{"from": 0, "to": 253402300799999999}).json()["total"] == 1600


def empty():
    """a store without entries has an answer, and its first entries are in the next"""
    other = Server()
    a = other.get("/api/histogram").json()
    assert a["total"] == 0 and a["counts"] == [[0, 0, 0, 0]] and not a["partial"]
    other.append(3)
    assert other.get("/api/histogram").json()["total"] == 3
    assert other.stop() == 0


def every_width(server):
    """The sums of minutes and hours of segments that are full are those of their entries."""
    entries = stored(server=server)
    low, high = min(entries)[0], max(entries)[0]
    for buckets in (1, 2, 5, 30, 120, 500):
        for a, b in ((low, high), (low + 10 ** 9, high - 10 ** 9), (low, low + 4 * 10 ** 9)):
            answer = ask(server, **{"from": a, "to": b, "buckets": buckets}).json()
            verify(entries, a, b, buckets, answer)


def dropped():
    """what made room for newer entries is not counted any more"""
    small = Server("-b", "-m", str(4 << 20))
    small.tell("clock %d 7100000" % START)
    for _ in range(20):
        small.append(1000)
    stats = small.get("/api/stats").json()["store"]
    assert stats["dropped_entries"] > 0
    now = {"from": 0, "to": 253402300799999999}
    plain = small.get("/api/histogram?" + urllib.parse.urlencode(now)).json()
    filtered = small.get("/api/histogram?" + urllib.parse.urlencode({"q": "id > 0", **now})).json()
    assert plain["total"] == filtered["total"] == stats["entries"]
    assert stats["segments"] > 3
    every_width(small)
    assert small.stop() == 0


def older_store():
    """a store of the schema before gets its tally when it is opened"""
    old = Server("-b", "-m", str(4 << 20))
    old.tell("clock %d 3000000" % START)
    old.append(1700)
    want = old.get("/api/histogram?buckets=10").json()
    path = old.stop(keep=True)
    with sqlite3.connect(path + "/db") as db:
        db.execute("DELETE FROM tally")  # which its migration makes empty
    db.close()
    new = Server("-b", "-m", str(4 << 20), path=path)
    assert new.get("/api/histogram?buckets=10").json() == want
    assert want["total"] == 1700 and want["bucket_us"] == 600 * 10 ** 6
    assert new.get("/api/stats").json()["store"]["segments"] > 1
    every_width(new)
    assert new.stop() == 0


def ends():
    """the server ends cleanly"""
    assert server.stop() == 0


run([everything, any_span, times, one_bound, refused, bounds, empty, dropped, older_store, ends])
