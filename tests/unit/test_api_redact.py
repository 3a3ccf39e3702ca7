#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What redact() names is nowhere in what its query returns."""
import gzip
import json
import re
import time
import urllib.parse

from api_lib import Server, Stream, run

server = Server("-b")
server.append(60)
FIELDS = server.get("/api/kfl/fields").json()["fields"]
FULL = 46  # has a value in every field


def quote(q):
    return urllib.parse.quote(q, safe="")


def redact(*paths):
    return "redact(%s)" % ", ".join(json.dumps(p) for p in paths)


def listed(q, ident=FULL):
    page = server.get("/api/entries?q=" + quote("id == %d and %s" % (ident, q))).json()
    return json.dumps(page["entries"][0]) if page["entries"] else None


def streamed(target):
    """Its first entry. That a reader has left is seen when it is next written to."""
    while True:
        s = Stream(server, target)
        if s.head.status == 200:
            break
        s.close()
        time.sleep(0.3)
    event = s.until("entry")[-1]
    s.close()
    return json.dumps(event)


def everywhere(q, ident=FULL):
    """All that the query's answers say of one entry: list, entry, bodies, file, stream."""
    qq = quote(q)
    out = [listed(q, ident)]
    for path in ("", "/request/body", "/response/body", "/request/body?raw=1",
                 "/response/body?raw=1"):
        target = "/api/entries/%d%s" % (ident, path)
        body = server.get(target + ("&" if "?" in path else "?") + "q=" + qq).body
        text = (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode("latin-1")
        out.append(re.sub(r'"body_url":"[^"]*"', "", text))
    one = quote("id == %d and %s" % (ident, q))
    for kind in ("har", "pcapng"):
        out.append(server.get("/api/export/%s?q=%s" % (kind, one)).body.decode("latin-1"))
    out.append(streamed("/api/stream?after=%d&q=%s" % (ident - 1, one)))
    for what, members in ("connections", ["connections"]), ("map", ["nodes", "edges"]):
        answer = server.get("/api/%s?q=%s" % (what, one)).json()
        out.append(json.dumps([answer[m] for m in members]))
    return out


PLAIN = everywhere("true")


# What other protocols than that of entry 46 call a column which it has.
OF_OTHERS = ("grpc_method", "grpc_status", "redis_command", "redis_type", "mail_from", "mail_to", "sql")


def every_field():
    """each field can be hidden, or says that it cannot be"""
    for f in FIELDS:
        q = redact(f["name"])
        answer = server.get("/api/entries?q=" + quote(q))
        if f["name"] in ("id", "lock") or f["type"] == "bool":
            assert answer.status == 400 and "cannot be redacted" in answer.json()["detail"], f
            continue
        assert answer.status == 200, (f["name"], answer.body)
        if not f["available"] and not listed("%s != nil" % f["name"]):
            continue
        if f["type"] not in ("group",):
            there = listed("%s != nil" % f["name"])
            assert there or f["name"] in OF_OTHERS, "entry %d has no %s" % (FULL, f["name"])
        now = everywhere(q)
        assert now[0] != PLAIN[0] or now[1] != PLAIN[1] or now[3] != PLAIN[3], f["name"]
        for alias in f.get("aliases", []):
            assert everywhere(redact(alias))[:2] == now[:2], alias


SECRETS = [
    # path, what must be gone, what must still be there
    ("src.process", ["curl"], ["nginx"]),
    ("src.pid", ["4242"], ["777"]),
    ("pid", ["4242", "777"], []),
    ("src", ["curl", "4242", "2001:db8::1", "c0ffee", "src.example"], ["nginx", "decaf"]),
    ("src.*", ["curl", "4242", "2001:db8::1", "c0ffee", "src.example"], ["nginx"]),
    ("dst", ["nginx", "777", "2001:db8::5", "decaf"], ["curl", "src.example"]),
    ("server_elapsed_time", ["123101"], ["123457"]),
    ("ends", ["\"both\""], []),
    ("path", ["/item/46"], ["c00kie"]),
    ("request.path[1]", ["/item/46"], []),
    ("request.path.*", ["/item/46"], []),
    ("url", ["/item/46", "a=1", "\"example.net\"]"], []),
    ("query_string", ["a=1", "[\"a\", \"1\"]", "[\"a\",\"1\"]"], ["headerkey"]),
    ("request.query.a", ["a=1", "[\"a\",\"1\"]"], ["[\"b\",\" \"]"]),
    ("summary", ["/item/46"], []),
    ("request.headers", ["c00kie", "headerkey", "[\"Host\",\"example.net\"]"], ["biscuit"]),
    ("request.headers.cookie", ["c00kie"], ["headerkey"]),
    ("request.headers[\"x-key\"]", ["headerkey"], ["c00kie"]),
    ("request.headers['X-KEY'].json().a", ["headerkey"], ["c00kie"]),
    ("request.headers.*", ["c00kie", "headerkey"], []),
    ("request.cookies", ["c00kie"], ["headerkey"]),
    ("request.cookies.s", ["c00kie"], []),
    ("response.cookies", ["biscuit"], ["c00kie"]),
    ("response.headers[\"SET-cookie\"]", ["biscuit"], ["c00kie"]),
    ("request.body", ["K3Y", "Ann", "user", "GetItem"], ["T0KEN"]),
    ("request.body.msgpack()", ["K3Y", "Ann", "user", "GetItem"], ["T0KEN"]),
    ("request.body.protobuf()[\"1\"]", ["K3Y", "Ann", "user"], ["T0KEN"]),
    ("graphql_operation", ["GetItem"], ["/item/46", "K3Y"]),
    ("request.body.json()", ["K3Y", "Ann", "user"], ["T0KEN"]),
    ("request.body.json().user.key", ["K3Y"], ["Ann", "one", "two"]),
    ("request.body.json().user.*", ["K3Y", "Ann"], ["one", "two"]),
    ("request.body.json()..key", ["K3Y", "one", "two"], ["Ann"]),
    ("request.body.json().list[1]", ["two"], ["K3Y", "one"]),
    ("request.body.json().list.*.key", ["one", "two"], ["K3Y", "Ann"]),
    ("request.body.json()[\"list\"][1][\"x\"][0]", ["[7"], ["K3Y", "one", "two"]),
    ("request.body.json().none", [], ["K3Y", "Ann", "one"]),
    ("request.body.xml().user", ["K3Y", "Ann"], []),
    ("response.body.json().token", ["T0KEN"], ["plain"]),
    ("response.body.json().token.json().x", ["T0KEN"], ["plain"]),
    ("response.body", ["T0KEN", "plain"], ["K3Y"]),
    ("request", ["K3Y", "c00kie", "headerkey", "/item/46", "a=1"], ["T0KEN", "biscuit"]),
    ("request.*", ["K3Y", "c00kie", "headerkey", "/item/46", "a=1"], ["T0KEN"]),
    ("request..key", ["K3Y", "headerkey", "/item/46"], []),
    ("response", ["T0KEN", "biscuit", "Why"], ["K3Y"]),
    ("status_code", ["\"status\": 200", "\"status_code\": 200", "\"200\"", "Why"], []),
    ("host", ["[\"Host\",\"example.net\"]", "\"host\": \"example.net\""], []),
    ("connection", ["4242-7f3a10-23"], ["4242"]),
    ("elapsed_time", ["123457", "time_us"], []),
    ("timestamp", ["time_us", "2026-", "T0"], []),
    ("ja3", ["ja3ja3"], ["ja4ja4"]),
    ("tlsx_sni", ["sni.example"], []),
    ("tlsx_cipher_suites", ["RC4"], ["TLS_CIPHER"]),
    ("reason", ["a reason"], []),
    ("messages", ["said thrice"], ["31415", "T0KEN"]),
    ("message_count", ["31415", "31414"], ["said thrice"]),
    ("response", ["said thrice"], []),
    ("response.body.json().token", ["said thrice"], []),
    ("request.body", ["said thrice"], ["T0KEN"]),
]


def nothing_left():
    """what is hidden is in no answer, and what is not is still there"""
    for path, gone, kept in SECRETS:
        said = everywhere(redact(path))
        if path == "timestamp":
            gone = ["time_us", json.loads(PLAIN[0])["timestamp"][:10]]
        else:  # its fraction may have any digits, and so may microseconds since 1970
            said = [re.sub(r"\.\d{3,6}Z|\b\d{16}\b", "Z", text) for text in said]
        for g in gone:
            shown = [i for i, text in enumerate(said) if g in text]
            assert not shown, (path, g, shown, said[shown[0]][:600])
        for k in kept:
            assert any(k in text for text in said), (path, k)


def several():
    """paths add up, within one redact() and over several"""
    for q in (redact("request.body.json().user.key", "request.body.json().list"),
              redact("request.body.json().user.key") + " and " + redact("request.body.json().list"),
              redact("request.body.json().list") + " or "
              + redact("request.body.json().user.key", "src.ip")):
        said = everywhere(q)
        assert not any("K3Y" in t or "one" in t.replace("none", "") for t in said[:6]), said[:6]
        assert any("Ann" in t for t in said)


def body_in_detail():
    """a masked body is shown decoded, with an address that masks the same; a hidden one is not"""
    q = redact("response.body.json().token")
    e = server.get("/api/entries/%d?q=%s" % (FULL, quote(q))).json()
    r = e["response"]
    assert json.loads(r["body"]) == {"token": "[redacted]", "rest": "plain"}
    assert r["decoded"] == "gzip" and "content_encoding" not in r
    assert r["body_stored"] == len(r["body"])
    assert json.loads(server.get(r["body_url"]).body) == json.loads(r["body"])
    raw = server.get(r["body_url"] + "&raw=1")
    assert raw.body.decode() == r["body"]
    e = server.get("/api/entries/%d?q=%s" % (FULL, quote(redact("response.body")))).json()
    assert e["response"]["body_redacted"] is True
    assert "body" not in e["response"] and "body_url" not in e["response"]
    gone = server.get("/api/entries/%d/response/body?q=%s" % (FULL, quote(redact("response.body"))))
    assert gone.status == 404 and "redact()" in gone.json()["detail"]


def not_json():
    """a body that is no JSON, or not whole, is hidden as a whole"""
    q = redact("response.body.json().token")
    said = everywhere(q, 1)  # HTML
    assert not any("alert" in t for t in said)
    e = server.get("/api/entries/1?q=" + quote(q)).json()
    assert e["response"]["body_redacted"] is True


def many_ways():
    """a path that leads through a body in too many ways hides all of it, and soon"""
    whole = server.get("/api/entries/56?q=" + quote(redact("response.body.json()" + "..a" * 40))).json()
    assert whole["response"]["body_redacted"] is True
    part = server.get("/api/entries/56?q=" + quote(redact("response.body.json()" + ".a" * 40))).json()
    assert part["response"]["body"].count("{") == 40 and "deep" not in part["response"]["body"]
    none = server.get("/api/entries/56?q=" + quote(redact("response.body.json()" + "[0]" * 40))).json()
    assert none["response"]["body"].count("{") == 200


def tags():
    """the ETag is of what is shown"""
    a = server.get("/api/entries/%d" % FULL).headers["etag"]
    b = server.get("/api/entries/%d?q=%s" % (FULL, quote(redact("src.ip")))).headers["etag"]
    same = server.get("/api/entries/%d?q=http" % FULL).headers["etag"]
    assert a != b and a == same
    again = server.get("/api/entries/%d?q=%s" % (FULL, quote(redact("src.ip"))),
                       headers={"If-None-Match": b})
    assert again.status == 304


def refused():
    """a q that is none is an error here too"""
    for target in ("/api/entries/46", "/api/entries/46/request/body", "/api/entries/46/response/body"):
        a = server.get(target + "?q=" + quote("redact(\"frob\")"))
        assert a.status == 400 and a.json()["parameter"] == "q", a.body
    assert server.get("/api/entries/4600?q=http").status == 404


def decoded_in_pcapng():
    """where a part of a coded body is masked, the file says no coding"""
    q = quote("id == %d and %s" % (FULL, redact("response.body.json().token")))
    text = server.get("/api/export/pcapng?q=" + q).body
    assert b"[redacted]" in text and b"Content-Encoding" not in text
    assert b"Content-Encoding" in server.get("/api/export/pcapng?q=id==%d" % FULL).body
    assert re.search(rb"[0-9A-Za-z]", text)


def ends():
    """the server ends cleanly"""
    assert server.stop() == 0


run([every_field, nothing_left, several, body_in_detail, not_json, many_ways, tags, refused,
     decoded_in_pcapng, ends])
