#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bodies over the API: as bytes, as trees, and those that are made to cost."""
import gzip
import json
import time

from api_lib import Server, problem, run

server = Server()
server.append(500)


def bodies():
    """captured bytes are never a page of ours"""
    a = server.get("/api/entries/1/response/body")
    assert a.body == b"<html><script>alert(1)</script></html>"
    assert a.headers["content-type"] == "application/octet-stream"
    assert a.headers["content-disposition"].startswith("attachment")
    assert a.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in a.headers["content-security-policy"]
    assert a.headers["cache-control"] == "no-store"
    assert server.get("/api/entries/3/response/body").body == a.body
    raw = server.get("/api/entries/3/response/body?raw=1")
    assert raw.body[:2] == b"\x1f\x8b" and "content-encoding" not in raw.headers
    problem(server.get("/api/entries/3/response/body?raw=2"), 400, "raw")
    assert server.get("/api/entries/2/response/body").body == b"\x89PNG\0\xff"


bodies_server = Server()


def add(body, type, more={}):
    """an entry with a request of that body; its path"""
    told = {"content_type": type, "body_size": len(body), "body_stored": len(body), **more}
    return "/api/entries/%s/request/body" % bodies_server.tell("add " + json.dumps(
        {"detail": {"request": told}, "request_body": {"hex": body.hex()}}))


def trees():
    """what is in a body whose format is understood, with its codings undone"""
    body = bytes.fromhex("a2616101616282f5f6")
    path = add(body=body, type="application/cbor; x=1")
    a = bodies_server.get(path + "?as=tree")
    assert a.status == 200 and a.headers["content-type"] == "application/json", a.headers
    assert "default-src 'none'" in a.headers["content-security-policy"]
    assert a.json() == {"format": "cbor", "tree": {"type": "map", "members": [
        {"name": "a", "type": "unsigned", "value": 1},
        {"name": "b", "type": "array", "elements": [{"type": "bool", "value": True},
                                                    {"type": "null", "value": None}]}]}}
    assert bodies_server.get(path + "?as=tree", headers={"If-None-Match": a.headers["etag"]}).status == 304
    zipped = add(body=gzip.compress(body), type="application/cbor",
                 more={"content_encoding": "gzip"})
    assert bodies_server.get(zipped + "?as=tree").body == a.body
    # another format, whatever the type says; no format at all
    assert bodies_server.get(path + "?as=msgpack").json()["cut"]["offset"] == 3
    problem(bodies_server.get(path + "?as=xml"), 400, "as")
    problem(bodies_server.get(path + "?as="), 400, "as")
    plain = add(body=b"<a>", type="text/plain")
    problem(bodies_server.get(plain + "?as=tree"), 406, "as")
    untyped = add(body=b"\x08\x96\x01", type="")
    problem(bodies_server.get(untyped + "?as=tree"), 406, "as")
    a = bodies_server.get(untyped + "?as=protobuf").json()
    assert a["guessed"] and a["tree"]["members"][0] == {"name": "1", "type": "varint", "value": 150}
    # what redact() hides stays hidden
    hidden = "&q=redact(%22request.body.cbor().a%22)"
    problem(bodies_server.get(path + "?as=tree" + hidden), 404)


def tree_bomb():
    """nested 100,000 deep, counts that lie, a body that grows without end: an answer at once"""
    start = time.monotonic()
    a = bodies_server.get(add(body=b"\x81" * 100000, type="application/cbor") + "?as=tree").json()
    assert a["cut"] == {"why": "nested deeper than 64", "offset": 64}, a["cut"]
    a = bodies_server.get(add(body=b"\xdd" + b"\xff" * 4 + b"\xc0" * 100000, type="application/msgpack")
                   + "?as=tree").json()
    assert a["cut"]["why"] == "more values than are shown" and len(a["tree"]["elements"]) == 49999
    a = bodies_server.get(add(body=gzip.compress(b"\x9f" + b"\x78\xff" + b"x" * 255 + bytes(1 << 25)),
                       type="application/cbor", more={"content_encoding": "gzip"})
                   + "?as=tree").json()
    assert a["cut"]["why"] == "more values than are shown"
    assert time.monotonic() - start < 5
    assert bodies_server.stop() == 0


def bomb():
    """a body that grows without end is cut, and that is said"""
    a = server.get("/api/entries/13/response/body")
    assert a.status == 200 and len(a.body) == 32 << 20, len(a.body)
    assert "cut" in a.headers["x-cleartap-note"]
    e = server.get("/api/entries/13").json()
    assert "body" not in e["response"] and e["response"]["body_url"]
    assert server.stop() == 0


run([bodies, trees, tree_bomb, bomb])
