#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""/api/endpoints says what grouping the entries one by one says."""
import collections
import json
import re
import urllib.parse

from api_lib import Server, problem, run

server = Server()
server.tell("fill 1500 250000")


def ask(q="", at=server):
    return at.get("/api/endpoints?q=" + urllib.parse.quote(q)).json()


def listed(q):
    out, before = [], ""
    while True:
        page = server.get("/api/entries?limit=1000&q=%s%s" % (urllib.parse.quote(q), before)).json()
        out += page["entries"]
        if not page["next"]:
            return out
        before = "&before=%d" % page["next"]


def percentile(times, percent):
    return times[(len(times) * percent + 99) // 100 - 1]


def sums():
    """calls, errors, bytes and percentiles of each are those of its entries"""
    groups = collections.defaultdict(list)
    for e in listed('protocol == "http"'):
        path = re.sub(r"/[0-9]+", "/{id}", e["summary"])
        groups["http", e["host"], e["method"], path].append(e)
    answer = ask('protocol == "http"')
    assert answer["omitted"] == 0 and answer["partial"] is False, answer
    assert len(answer["endpoints"]) == len(groups) > 20
    for row in answer["endpoints"]:
        own = groups[row["protocol"], row["host"], row["method"], row["template"]]
        times = sorted(e["elapsed_us"] for e in own if e["elapsed_us"] is not None)
        assert row["calls"] == len(own) == sum(row["spark"]), row
        assert row["bytes"] == sum(e["request_size"] + e["response_size"] for e in own)
        assert row["server_errors"] == sum(e["outcome"] == "server_error" for e in own)
        assert row["client_errors"] == sum(e["outcome"] == "client_error" for e in own)
        for name, percent in (("p50_us", 50), ("p95_us", 95), ("p99_us", 99), ("max_us", 100)):
            assert row[name] == percentile(times, percent), (row, name)
    calls = [row["calls"] for row in answer["endpoints"]]
    assert calls == sorted(calls, reverse=True)


def filters():
    """the filter of a row finds its entries"""
    for row in ask()["endpoints"][:40]:
        assert len(listed(row["q"])) == row["calls"], row


def many():
    """too many texts behind one beginning are one; what comes before and after stays"""
    other = Server()
    for i in range(60):
        name = "user-" + "".join(chr(97 + int(c)) for c in "%02d" % i)
        other.tell("add " + json.dumps({"path": "/u/%s/orders" % name, "summary": "/u/" + name,
                                        "host": "many", "method": "GET",
                                        "protocol": "http"}))
    for name in ("a", "b"):
        other.tell("add " + json.dumps({"path": "/few/" + name, "host": "many", "method": "GET",
                                        "protocol": "http"}))
    rows = {row["template"]: row["calls"] for row in ask('host == "many"', other)["endpoints"]}
    assert rows == {"/u/{*}/orders": 60, "/few/a": 1, "/few/b": 1}, rows
    row = ask('host == "many"', other)["endpoints"][0]
    assert ask(row["q"], other)["endpoints"][0]["calls"] == 60


def hidden():
    """redact() of the query hides here, too"""
    answer = ask('redact("path")')
    assert not [row for row in answer["endpoints"] if "items" in row["template"]], answer
    assert sum(row["calls"] for row in answer["endpoints"]) == answer["window"]["entries"]


def facets():
    """each value is as frequent as its filter says"""
    answer = server.get("/api/facets").json()
    assert [f["name"] for f in answer["facets"]] == ["outcome", "status", "program", "host", "method",
                                                     "type"]
    for f in answer["facets"]:
        counts = [v["count"] for v in f["values"]]
        assert counts and counts == sorted(counts, reverse=True), f
        for v in f["values"][:6]:
            assert len(listed(v["q"])) == v["count"], v
            assert len(listed("(tls) and (%s)" % v["q"])) <= v["count"], v
    outcomes = answer["facets"][0]["values"]
    assert sum(v["count"] for v in outcomes) == answer["window"]["entries"] == 1500
    hidden = server.get("/api/facets?q=" + urllib.parse.quote('redact("host")')).json()["facets"][3]
    assert [v["value"] for v in hidden["values"]] == ["[redacted]"], hidden


def refusals():
    """a wrong filter is told"""
    problem(server.get("/api/endpoints?q=x%20%3D"), 400, "q")
    problem(server.get("/api/endpoints?limit=1"), 400, "limit")


def ends():
    """the server ends cleanly"""
    assert server.stop() == 0


run([sums, filters, many, hidden, facets, refusals, ends])
