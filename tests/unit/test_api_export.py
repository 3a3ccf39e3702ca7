#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Exports: HAR against its own rules, pcapng as Wireshark's dissectors see it."""
import base64
import collections
import datetime
import json
import re
import shutil
import subprocess
import time

from api_lib import TOKEN, Server, Skip, run, wait_for

COUNT = 200
server = Server()
server.append(COUNT)


def check(value, shape, where="har"):
    """HAR 1.2: {name: shape}, [shape], a type or a test; a name that ends in ? may be missing."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), where
        for name, inner in shape.items():
            key = name.rstrip("?")
            if key in value:
                check(value[key], inner, where + "." + key)
            else:
                assert name.endswith("?"), where + " lacks " + key
        known = {n.rstrip("?") for n in shape} | {"comment"}
        for name in value:
            assert name in known or name.startswith("_"), where + " has " + name
    elif isinstance(shape, list):
        assert isinstance(value, list), where
        for i, v in enumerate(value):
            check(v, shape[0], "%s[%d]" % (where, i))
    elif isinstance(shape, type):
        assert isinstance(value, shape) and not (shape is int and isinstance(value, bool)), where
    else:
        assert shape(value), "%s: %r" % (where, value)


def is_time(s):
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", s)


def is_span(n):
    return isinstance(n, (int, float)) and n >= 0


PAIR = {"name": str, "value": str}
MESSAGE = {"httpVersion": str, "cookies": [PAIR], "headers": [PAIR], "headersSize": int,
           "bodySize": int}
ENTRY = {
    "startedDateTime": is_time, "time": is_span,
    "request": {**MESSAGE, "method": str, "url": lambda u: re.match(r"https?://[^/]+/", u),
                "queryString": [PAIR], "postData?": {"mimeType": str, "text": str}},
    "response": {**MESSAGE, "status": int, "statusText": str, "redirectURL": str,
                 "content": {"size": int, "mimeType": str, "text?": str, "encoding?": str}},
    "cache": dict, "timings": {"send": is_span, "wait": is_span, "receive": is_span},
    "serverIPAddress?": str, "connection?": str}
HAR = {"log": {"version": lambda v: v == "1.2", "creator": {"name": str, "version": str},
               "entries": [ENTRY]}}


def har():
    """the archive keeps to HAR 1.2 and holds every HTTP entry"""
    a = server.get("/api/export/har")
    assert a.status == 200 and a.headers["content-type"] == "application/json"
    assert re.fullmatch(r'attachment; filename="cleartap-\w+\.har"',
                        a.headers["content-disposition"])
    h = a.json()
    check(h, HAR)
    ids = [e["_id"] for e in h["log"]["entries"]]
    assert ids == [i for i in range(1, COUNT + 1) if i % 10 != 9]
    assert h["log"]["comment"].startswith("%d " % (COUNT // 10))
    times = [e["startedDateTime"] for e in h["log"]["entries"]]
    assert times == sorted(times)


def har_content():
    """bodies are decoded, binary ones in base64, missing bytes are told"""
    e = {e["_id"]: e for e in server.get("/api/export/har").json()["log"]["entries"]}
    html = "<html><script>alert(1)</script></html>"
    assert e[3]["response"]["content"]["text"] == html
    assert e[3]["response"]["content"]["size"] == len(html)
    c = e[2]["response"]["content"]
    assert c["encoding"] == "base64" and base64.b64decode(c["text"]) == b"\x89PNG\0\xff"
    assert "100000 bytes" in e[4]["response"]["content"]["comment"]
    assert e[4]["response"]["content"]["size"] == len(html) + 100000
    assert e[3]["request"]["postData"]["text"] == '{"name":"value"}'
    assert e[3]["request"]["url"] == "https://example.net/item/3?a=1&b=%20"
    assert {"name": "b", "value": " "} in e[3]["request"]["queryString"]
    assert e[8]["response"]["status"] == 0 and e[8]["comment"]
    assert e[8]["response"]["httpVersion"] == "" and e[8]["request"]["httpVersion"] == "HTTP/1.1"
    c = e[53]["response"]["content"]
    assert base64.b64decode(c["text"]) == b"\x1f\x8b is no gzip" and "decoded" in c["comment"], c
    assert e[5]["response"]["status"] == 500
    t = e[123]
    assert abs(t["timings"]["wait"] - 0.19) < 0.001 and abs(t["timings"]["receive"] - 1.23) < 0.001
    assert abs(t["time"] - sum(t["timings"].values())) < 0.001


def har_filtered():
    """a filter, its limit and its redactions hold for the file"""
    h = server.get("/api/export/har?q=status_code==500").json()["log"]["entries"]
    assert [e["_id"] for e in h] == [i for i in range(1, COUNT + 1) if i % 10 == 5]
    h = server.get("/api/export/har?q=http+and+limit(3)").json()["log"]["entries"]
    assert [e["_id"] for e in h] == [1, 2, 3]
    h = server.get("/api/export/har?q=status_code==299").json()
    check(h, HAR)
    assert not h["log"]["entries"]
    q = "redact(%22request.headers.cookie%22,%22response.body%22)"
    a = server.get("/api/export/har?q=" + q)
    for e in a.json()["log"]["entries"]:
        assert "text" not in e["response"]["content"], e["response"]
        assert {h["name"]: h["value"] for h in e["request"]["headers"]}["Cookie"] == "[redacted]"
    assert server.get("/api/export/har?q=((").json()["parameter"] == "q"
    assert server.get("/api/export/pcapng?limit=1").json()["parameter"] == "limit"


def capture(query=""):
    path = server.dir + "/out.pcapng"
    a = server.get("/api/export/pcapng" + query)
    assert a.status == 200 and a.headers["content-type"] == "application/x-pcapng"
    with open(path, "wb") as f:
        f.write(a.body)
    return path


def tshark(path, display, *fields, options=()):
    if not shutil.which("tshark"):
        raise Skip("tshark is not installed")
    args = ["tshark", "-r", path, "-n", *options, "-Y", display, "-T", "fields", "-E",
            "separator=|"]
    for f in fields:
        args += ["-e", f]
    done = subprocess.run(args, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [line.split("|") for line in done.stdout.splitlines()]


def packets_not_kept():
    """packets that nobody keeps, and keys of none, are refused with the reason"""
    for query, status, parameter in (("packets=1", 409, "packets"), ("keys=1", 400, "keys"),
                                     ("packets=1&keys=1", 409, "packets"),
                                     ("packets=2", 400, "packets")):
        a = server.get("/api/export/pcapng?" + query)
        assert (a.status, a.json()["parameter"]) == (status, parameter), (query, a.json())
    assert server.get("/api/export/pcapng?packets=0&keys=0").status == 200
    assert server.get("/api/export/har?packets=1").json()["parameter"] == "packets"


def kind(n):
    return n % 10


def known(n):
    return n % 20 // 2 != 9


def pcapng_requests():
    """tshark shows each request between the right ends at the right time"""
    path = capture()
    rows = tshark(path, "http.request", "http.request.uri", "ip.src", "ip.dst", "ipv6.src",
                  "ipv6.dst", "tcp.srcport", "tcp.dstport", "frame.time_epoch",
                  "http.request.method", "http.file_data")
    want = [n for n in range(1, COUNT + 1) if kind(n) != 9 and known(n)]
    assert [r[0] for r in rows] == ["/item/%d?a=1&b=%%20" % n for n in want], len(rows)
    times = {e["id"]: e["timestamp"] for e in server.get("/api/entries?limit=1000").json()["entries"]}
    for n, r in zip(want, rows):
        ends = ["", "", "2001:db8::1", "2001:db8::5"] if kind(n) in (6, 7) else [
            "127.0.0.1", "192.0.2.7", "", ""]
        assert r[1:5] == ends, (n, r)
        assert r[5:7] == [str(40000 + n // 2), "443"], (n, r)
        t = datetime.datetime.fromisoformat(times[n].replace("Z", "+00:00")).timestamp()
        assert abs(float(r[7]) - t) < 2e-6, (n, r[7], t)
        assert r[8] == ("GET" if n % 3 else "POST")


def pcapng_responses():
    """tshark shows each answer, whatever its framing, next to its request"""
    path = capture()
    rows = tshark(path, "http.response", "http.response.code", "tcp.stream", "http.request_in",
                  "http.response_in")
    want = [n for n in range(1, COUNT + 1) if kind(n) not in (8, 9) and known(n)]
    codes = {4: "404", 5: "500"}
    assert [r[0] for r in rows] == [codes.get(kind(n), "200") for n in want], len(rows)
    assert all(r[2] for r in rows)
    large = tshark(path, "http.response and http.content_length > 100000",
                   "http.content_length", "http.response.code")
    assert large.count(["108890", "200"]) == sum(1 for n in want if kind(n) == 0), large[:3]
    cut = tshark(path, "http.response.code == 404", "frame.cap_len", "frame.len",
                 "frame.comment")
    for r in cut:
        assert int(r[0]) < int(r[1]) and "100000 bytes" in r[2], r


def pcapng_sound():
    """headers have right checksums and sequences, and every dissector is content"""
    path = capture()
    rows = tshark(path, "tcp", "ip.checksum.status", "tcp.checksum.status", "tcp.analysis.flags",
                  "_ws.malformed", "frame.len", "frame.cap_len", "ip.version",
                  options=("-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"))
    assert len(rows) > COUNT
    for r in rows:
        assert r[0] == "1" or r[6] == "6", r
        assert r[1] == "1" or r[4] != r[5], r
        assert not r[3], r
    flagged = tshark(path, "tcp.analysis.lost_segment or tcp.analysis.retransmission or "
                     "tcp.analysis.ack_lost_segment or tcp.analysis.out_of_order", "tcp.srcport")
    cut = {str(40000 + n // 2) for n in range(1, COUNT + 1) if kind(n) == 4}
    assert cut and all(r[0] in cut or r[0] == "443" for r in flagged), flagged
    assert len(flagged) <= 2 * len(cut)
    starts = tshark(path, "tcp.flags.syn == 1 and tcp.flags.ack == 0", "tcp.stream")
    assert len(starts) == len({n // 2 for n in range(1, COUNT + 1) if known(n)})


def pcapng_opaque():
    """bytes of no known protocol are there as they were"""
    rows = tshark(capture("?q=protocol==%22tls%22"), "tcp.len > 0", "tcp.payload")
    want = sum(1 for n in range(1, COUNT + 1) if kind(n) == 9 and known(n))
    ping, pong = b"PING\r\n".hex(), b"+PONG\r\n".hex()
    assert [r[0] for r in rows] == [ping, pong] * want, rows[:4]


def pcapng_left_out():
    """entries without addresses are left out and counted"""
    body = server.get("/api/export/pcapng").body
    left_out = sum(1 for n in range(1, COUNT + 1) if not known(n))
    assert b"%d entries whose addresses are not known" % left_out in body
    body = server.get("/api/export/pcapng?q=redact(%22src.ip%22)").body
    assert b"%d entries whose addresses are not known" % COUNT in body
    assert body[:4] == b"\x0a\x0d\x0d\x0a" and len(body) % 4 == 0


def sent(path, *display):
    """Bytes per message: (stream, from the client?, payload) with the stream's bytes in order."""
    rows = tshark(path, " and ".join(("tcp.len > 0",) + display), "tcp.stream", "tcp.dstport",
                  "tcp.payload")
    out = collections.OrderedDict()
    for stream, port, payload in rows:
        key = (stream, port == "443")
        out[key] = out.get(key, b"") + bytes.fromhex(payload)
    return out


def once(extra):
    """Each HTTP exchange of extra (a server of its own) is in both files once."""
    wanted = [n for n in range(1, 41) if kind(n) != 9]
    h = extra.get("/api/export/har").json()["log"]["entries"]
    paths = [re.sub(r".*/item/(\d+)\?.*", r"\1", e["request"]["url"]) for e in h]
    # Without addresses nobody knows who the other end is.
    assert [p for p in paths if known(int(p))] == [str(n) for n in wanted if known(n)], paths
    path = extra.dir + "/both.pcapng"
    with open(path, "wb") as f:
        f.write(extra.get("/api/export/pcapng").body)
    rows = tshark(path, "http.request", "http.request.uri")
    assert [r[0] for r in rows] == ["/item/%d?a=1&b=%%20" % n for n in wanted if known(n)], rows
    flagged = tshark(path, "tcp.analysis.retransmission or tcp.analysis.fast_retransmission or "
                     "tcp.analysis.spurious_retransmission or tcp.analysis.out_of_order or "
                     "tcp.analysis.reused_ports", "tcp.srcport", "tcp.seq")
    assert not flagged, flagged
    starts = tshark(path, "tcp.flags.syn == 1 and tcp.flags.ack == 0", "tcp.stream")
    assert len(starts) == len({n // 2 for n in range(1, 41) if known(n)}), len(starts)


def both_ends():
    """an exchange of two local programs is there once, paired or as each end saw it"""
    for command, entries in (("both", 40), ("split", 80)):
        extra = Server()
        extra.tell(command)
        extra.append(entries)
        assert len(extra.get("/api/entries?limit=1000").json()["entries"]) == entries
        once(extra)
        assert extra.stop() == 0


def one_end_missing():
    """what only one of the ends saw is there as well"""
    extra = Server()
    extra.tell("split")
    extra.append(80)
    # The client's end of three exchanges, the server's of three others.
    q = "not+(id+in+[1,7,25,+4,+10,+50])"
    path = extra.dir + "/some.pcapng"
    with open(path, "wb") as f:
        f.write(extra.get("/api/export/pcapng?q=" + q).body)
    assert len(tshark(path, "http.request", "http.request.uri")) == len(
        [n for n in range(1, 41) if kind(n) != 9 and known(n)])
    assert extra.stop() == 0


def reused_ports():
    """a port that is used again is another conversation"""
    extra = Server("-b")
    extra.append(2)
    extra.append(40000) # the port of 2 is 40001, as that of 40002
    path = extra.dir + "/reused.pcapng"
    with open(path, "wb") as f:
        f.write(extra.get("/api/export/pcapng?q=src.port==40001").body)
    uris = tshark(path, "http.request", "http.request.uri", "tcp.stream")
    assert {r[0].split("?")[0] for r in uris} == {"/item/2", "/item/3", "/item/40002"}, uris
    assert len({r[1] for r in uris}) == 2, uris
    assert not tshark(path, "tcp.analysis.retransmission", "tcp.seq")
    assert extra.stop() == 0


def whole_bodies():
    """all that is stored of a large body is there, also when bytes are missing behind it"""
    extra = Server()
    extra.tell("huge %d" % (1 << 20))
    extra.append(6)
    body = extra.get("/api/entries/4/response/body").body
    assert len(body) >= 1 << 20
    path = extra.dir + "/huge.pcapng"
    with open(path, "wb") as f:
        f.write(extra.get("/api/export/pcapng?q=id==4").body)
    message = sent(path)[("0", False)]
    assert message.startswith(b"HTTP/1.1 404 Reason\r\n") and message.endswith(body[-100:])
    assert message.partition(b"\r\n\r\n")[2] == body
    cut = tshark(path, "frame.comment", "frame.cap_len", "frame.len", "frame.comment")
    assert len(cut) == 1 and "100000 bytes" in cut[0][2] and int(cut[0][0]) < int(cut[0][1]), cut
    assert extra.stop() == 0


def add_websocket(extra):
    """One whole conversation, with a message that is not whole; then an entry of Redis."""
    t = 1795288218000000
    says = [("client", "text", {"text": "hi"}), ("server", "binary", {"hex": "00ff80"}),
            ("server", "ping", {}), ("server", "text", {"text": "long " * 100}),
            ("client", "text", {"text": "cut", "cut": True}),
            ("client", "close", {"text": "bye", "name": "1000 normal closure"})]
    ends = {"src_ip": "192.0.2.1", "src_port": 40123, "dst_ip": "192.0.2.2", "dst_port": 443}
    extra.tell("add " + json.dumps({
        **ends, "protocol": "websocket", "method": "GET", "status_code": 101, "detail": {
            "request": {"method": "GET", "target": "/chat", "http_version": "1.1", "headers": [
                ["Host", "h"], ["Connection", "Upgrade"], ["Upgrade", "websocket"],
                ["Sec-WebSocket-Version", "13"],
                ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="]]},
            "response": {"status": 101, "reason": "Switching Protocols", "http_version": "1.1",
                         "headers": [["Connection", "Upgrade"], ["Upgrade", "websocket"],
                                     ["Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]]},
            "messages": [{"from": by, "time_us": t + n * 1000, "size": 1, "kind": kind, **more}
                         for n, (by, kind, more) in enumerate(says)],
            "messages_total": 8, "messages_omitted": 2},
        "request_body": "", "response_body": ""}))
    extra.tell("add " + json.dumps({**ends, "protocol": "redis", "request_body": "GET a",
                                    "detail": {"request": {}, "response": {}}}))


def websocket():
    """messages of a WebSocket are frames to tshark, and what Chromium writes to HAR"""
    extra = Server()
    add_websocket(extra)
    q = "?q=protocol==%22websocket%22+or+protocol==%22redis%22"
    e = extra.get("/api/export/har" + q).json()["log"]["entries"]
    assert len(e) == 1 and e[0]["_resourceType"] == "websocket", e
    m = e[0]["_webSocketMessages"]
    assert [(x["type"], x["opcode"], x["data"][:6]) for x in m] == [
        ("send", 1, "hi"), ("receive", 2, "AP+A"), ("receive", 9, ""), ("receive", 1, "long l"),
        ("send", 1, "cut"), ("send", 8, "bye")], m
    assert abs(m[1]["time"] - 1795288218.001) < 1e-5 and m[4]["comment"]
    assert e[0]["_messagesOmitted"] == 2
    path = extra.dir + "/websocket.pcapng"
    with open(path, "wb") as f:
        f.write(extra.get("/api/export/pcapng" + q).body)
    comment = (b"0 entries whose addresses are not known are left out, 1 of protocols of which no "
               b"bytes are kept, and 3 messages of WebSockets that are not whole")
    with open(path, "rb") as f:
        assert comment in f.read()
    rows = tshark(path, "websocket", "tcp.srcport", "websocket.opcode", "websocket.payload_length",
                  "websocket.mask", "websocket.payload.close.status_code", "_ws.malformed",
                  "websocket.payload_length_ext_16")
    true = rows and rows[0][3]
    assert true in ("1", "True"), rows
    assert [[r[0], r[1], r[6] or r[2], r[3] == true, r[4], r[5]] for r in rows] == [
        ["40123", "1", "2", True, "", ""], ["443", "2", "3", False, "", ""],
        ["443", "9", "0", False, "", ""], ["443", "1", "500", False, "", ""],
        ["40123", "8", "5", True, "1000", ""]], rows
    assert not tshark(path, "resp or tcp.analysis.flags", "frame.number")
    assert extra.stop() == 0


def add_streams(extra):
    """Streams of one connection, whose entries come in the order of their ends, and a call of gRPC."""
    ends = {"src_ip": "192.0.2.1", "src_port": 40124, "dst_ip": "192.0.2.2", "dst_port": 443,
            "connection": "4242-7f3a10-1"}
    of = {"http_version": "2"}
    def add(protocol, stream, asks, says, **more):
        path, kind, answer = more.pop("path"), more.pop("type"), more
        extra.tell("add " + json.dumps({
            **ends, "protocol": protocol, "method": "POST", "status_code": 200, "detail": {
                "request": {**of, "stream": stream, "method": "POST", "target": path,
                            "headers": [["content-type", kind], [":scheme", "https"]]},
                "response": {**of, "status": 200, "headers": [["content-type", kind]], **answer}},
            "request_body": asks, "response_body": says}))
    add("http2", 3, "asks 3", "says 3", path="/3", type="text/plain")
    add("grpc", 5, "\0\0\0\0\2\x08\1", "\0\0\0\0\2\x08\2", path="/a.B/C",
        type="application/grpc", trailers=[["grpc-status", "0"]])
    add("http2", 1, "asks 1", "says 1", path="/1", type="text/plain",
        gaps=[{"offset": 4, "length": 5, "why": "lost"}])


def streams():
    """exchanges of HTTP/2 and gRPC are one behind the other on their connection, as text of HTTP/1.1"""
    extra = Server()
    add_streams(extra)
    path = extra.dir + "/streams.pcapng"
    with open(path, "wb") as f:
        f.write(extra.get("/api/export/pcapng?q=http2").body)
    asked = tshark(path, "http.request", "http.request.uri", "http.file_data", "tcp.stream")
    assert [r[0] for r in asked] == ["/3", "/a.B/C", "/1"] and {r[2] for r in asked} == {"0"}, asked
    assert (asked[0][1], asked[2][1]) == ("asks 3", "asks 1"), asked
    said = tshark(path, "http.response", "http.response.code", "http.content_type", "http.file_data",
                  "_ws.malformed")
    assert [r[:2] for r in said] == [["200", "text/plain"], ["200", "application/grpc"],
                                     ["200", "text/plain"]] and said[0][2] == "says 3", said
    assert not any(r[3] for r in said), said
    assert tshark(path, "frame.comment", "frame.comment")[0][0].startswith("5 bytes")
    calls = tshark(path, "grpc", "grpc.message_length")
    assert [r[0] for r in calls] == ["2", "2"], calls
    assert not tshark(path, "tcp.analysis.retransmission", "frame.number")
    assert extra.stop() == 0


def large():
    """a large export comes while the API goes on, and ends when nobody reads it"""
    server.append(1500)
    for kind_of in ("har", "pcapng"):
        a = server.get("/api/export/%s?q=method==%%22GET%%22" % kind_of)
        assert len(a.body) > 1 << 20
    sock = server.connect()
    sock.sendall(("GET /api/export/har HTTP/1.1\r\nHost: localhost:%d\r\nAuthorization: Bearer %s"
                  "\r\n\r\n" % (server.port, TOKEN)).encode())
    sock.recv(1000)
    assert server.get("/api/entries?limit=10").status == 200
    sock.close()
    some = []
    for _ in range(8):
        s = server.connect()
        s.sendall(("GET /api/export/har HTTP/1.1\r\nHost: localhost:%d\r\nAuthorization: Bearer %s"
                   "\r\n\r\n" % (server.port, TOKEN)).encode())
        some.append(s)
    assert wait_for(lambda: server.get("/api/export/har?q=limit(1)").status == 503)
    assert server.get("/api/entries?limit=10").status == 200
    for s in some:
        s.close()
    assert wait_for(lambda: server.get("/api/export/har?q=limit(1)").status == 200)


def clean_end():
    """the server ends cleanly in the middle of exports"""
    some = []
    for kind_of in ("har", "pcapng") * 3:
        s = server.connect()
        s.sendall(("GET /api/export/%s HTTP/1.1\r\nHost: localhost:%d\r\nAuthorization: Bearer %s"
                   "\r\n\r\n" % (kind_of, server.port, TOKEN)).encode())
        some.append(s)
    assert server.stop() == 0
    for s in some:
        s.close()


run([har, har_content, har_filtered, packets_not_kept, pcapng_requests, pcapng_responses, pcapng_sound,
     pcapng_opaque, pcapng_left_out, both_ends, one_end_missing, reused_ports, whole_bodies, websocket, streams,
     large, clean_end])
