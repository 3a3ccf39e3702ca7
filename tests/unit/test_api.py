#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The API over a store of made-up entries: what is answered, what is refused."""
import json
import os
import re
import socket
import stat
import time
import urllib.parse

from api_lib import TOKEN, WAIT, Server, Stream, problem, run, wait_for

server = Server()
server.append(500)


def entries_page():
    """a page is newest first and goes on at next"""
    a = server.get("/api/entries?limit=10")
    page = a.json()
    assert a.status == 200 and a.headers["content-type"] == "application/json"
    assert [e["id"] for e in page["entries"]] == list(range(500, 490, -1)), page["entries"]
    assert page["partial"] is False
    ids, nxt = [], 0
    while nxt is not None:
        page = server.get("/api/entries?limit=90" + ("&before=%d" % nxt if nxt else "")).json()
        ids += [e["id"] for e in page["entries"]]
        nxt = page["next"]
    assert ids == list(range(500, 0, -1)), ids
    ids = [e["id"] for e in server.get("/api/entries?after=495").json()["entries"]]
    assert ids == [500, 499, 498, 497, 496], ids


def entries_parameters():
    """what a parameter may not be is said with its name"""
    for bad in ("limit=0", "limit=1001", "limit=abc", "limit=-1", "limit=", "limit=1e3", "limit=+5",
                "limit=99999999999999999999"):
        problem(server.get("/api/entries?" + bad), 400, "limit")
    problem(server.get("/api/entries?before=x"), 400, "before")
    problem(server.get("/api/entries?wrong=1"), 400, "wrong")
    problem(server.get("/api/entries?limit=1&limit=2"), 400, "limit")
    for bad in ("%00", "%ff", "%2", "%zz", "%", "a%ED%A0%80"):
        problem(server.get("/api/entries?limit=1&q=" + bad), 400, "q")
    problem(server.get("/api/entries?%zz=1"), 400)
    problem(server.get("/api/entries?" + "&".join("a%d=" % i for i in range(40))), 400)
    p = problem(server.get("/api/map?x=1"), 400, "x")
    assert p["detail"].endswith("there are: q"), p
    for last in (2 ** 63 - 1, 2 ** 63 - 2):
        assert server.get("/api/entries?after=%d" % last).json()["entries"] == []
        assert len(server.get("/api/entries?before=%d" % last).json()["entries"]) == 100
    both = server.raw(("POST /api/capture HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer "
                       "secret-token\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"
                       % server.port).encode())
    assert both.startswith(b"HTTP/1.1 400 "), both
    problem(server.get("/healthz?x=1"), 400, "x")
    assert server.get("/api/entries?limit=1000").status == 200


def entries_filter():
    """a filter finds what it should, and its error has a place"""
    page = server.get("/api/entries?q=status_code+%3E%3D+500&limit=100").json()
    assert len(page["entries"]) == 50 and all(e["status_code"] == 500 for e in page["entries"])
    assert server.get("/api/entries?q=status_code==299").json() == {
        "entries": [], "next": None, "partial": False}
    p = problem(server.get("/api/entries?q=status_code+%3D%3D+%22abc%22"), 400, "q")
    assert p["column"] >= 1 and p["length"] >= 1
    problem(server.get("/api/entries?q=" + "(" * 10000), 400, "q")
    problem(server.get("/api/entries?q=" + "x" * 100000), 400, "q")
    page = server.get("/api/entries?q=http+and+limit(3)").json()
    assert len(page["entries"]) == 3 and page["next"] is None, page["next"]


def pages_of(q, size):
    """The ids of all pages, as next leads through them."""
    ids, before = [], ""
    while True:
        page = server.get("/api/entries?q=%s&limit=%d%s" % (q, size, before)).json()
        ids.append([e["id"] for e in page["entries"]])
        assert len(ids[-1]) <= size
        if page["next"] is None:
            return ids
        before = "&before=%d" % page["next"]


def entries_limited():
    """limit(n) is n results, over however many pages"""
    for q, want in (("", list(range(500, 0, -1))),
                    ("status_code==500+and+", list(range(495, 0, -10))),
                    ("response.body.contains(%22alert%22)+and+", None)):
        want = want or sum(pages_of(q + "true", 1000), [])
        for n in (1, 6, 7, 49, 50, 51, 99, 100, 101, 499, 500, 501, 100000):
            for size in (7, 50, 1000):
                pages = pages_of("%slimit(%d)" % (q, n), size)
                assert sum(pages, []) == want[:n], (q, n, size)
                # No empty page behind the last result that the limit allows.
                assert n > len(want) or len(pages) == max(1, -(-n // size)), (q, n, size)
    a = server.get("/api/entries?q=limit(20)&before=490").json()
    assert [e["id"] for e in a["entries"]] == list(range(489, 480, -1)) and a["next"] is None
    assert server.get("/api/entries?q=limit(20)&before=100").json()["entries"] == []
    assert server.get("/api/map?q=limit(3)").json()["window"]["entries"] == 3
    assert server.get("/api/map?q=limit(3)").json()["partial"] is False
    rows = server.get("/api/connections?q=limit(7)").json()
    assert sum(c["entries"] for c in rows["connections"]) == 7
    assert {c["ends"] for c in rows["connections"]} <= {"client", "server"}


def entries_hopeless():
    """a filter that cannot be run is the asker's mistake, and is told so"""
    q = urllib.parse.quote('response.body == r"(?s).*.*.*.*=.*Q"', safe="")
    for path in ("entries", "entries?limit=3", "map", "connections", "histogram"):
        p = problem(server.get("/api/%s%sq=%s" % (path, "&" if "?" in path else "?", q)), 400, "q")
        assert "regular expression" in p["detail"], p
    late = urllib.parse.quote('response.body == r"(?s).*.*.*.*=.*Q" and limit(5)', safe="")
    problem(server.get("/api/entries?before=100&q=" + late), 400, "q")


def entries_redacted():
    """redact() hides a field in what the query returns"""
    page = server.get("/api/entries?limit=2&q=redact(%22src.process%22)").json()
    assert [e["src"]["process"] for e in page["entries"]] == ["[redacted]"] * 2, page


def coverage():
    """a program has one name; one that has said nothing is listed; both ends of an entry count"""
    rows = {(w["process"], w["container"]): w
            for w in server.get("/api/coverage").json()["workloads"]}
    assert sorted(rows) == [("curl", ""), ("curl", "c0ffee"), ("idle", ""),
                            ("nginx", "decaf")], rows
    curl, idle, nginx = rows["curl", ""], rows["idle", ""], rows["nginx", "decaf"]
    assert nginx["entries"] == nginx["connections"] == 1
    assert curl["entries"] == 499 and curl["library"] == "openssl"
    assert idle["connections"] == 0 and idle["library"] == "openssl"


def connections_wire():
    """what a connection carried is told apart from the connection itself, which has the lock"""
    wire = Server()
    said = {"connection": "1-a-1", "lock": 1, "tls": True, "request_size": 10, "response_size": 20}
    tcp = {"protocol": "tcp", "tls": True, "method": "", "status_code": 0, "elapsed_us": 5000000,
           "tls_version": "TLS 1.3", "request_size": 700, "response_size": 900, "packets": 9}
    for e in ({**said, "protocol": "redis", "status_code": 0},
              {**tcp, **{k: said[k] for k in ("connection", "lock")}, "tls_sni": "a.example"},
              {**tcp, "connection": "wire-7", "lock": 2, "reason": "it is QUIC"},
              {"protocol": "tlsx", "connection": "wire-7", "lock": 0, "tls_sni": "b.example",
               "status_code": 0, "failed": True}):
        wire.tell("add " + json.dumps(e))
    rows = {c["connection"]: c for c in wire.get("/api/connections").json()["connections"]}
    a, b = rows["1-a-1"], rows["wire-7"]
    assert (a["protocol"], a["lock"], a["entries"]) == ("redis", "open", 1), a
    assert (a["request_bytes"], a["response_bytes"], a["packets"]) == (10, 20, 9), a
    assert (a["wire_request_bytes"], a["wire_response_bytes"]) == (700, 900), a
    assert (a["tls_version"], a["sni"], a["reason"]) == ("TLS 1.3", "a.example", ""), a
    assert (b["lock"], b["entries"], b["errors"], b["request_bytes"]) == ("closed", 0, 0, 0), b
    assert (b["reason"], b["sni"]) == ("it is QUIC", "b.example"), b
    assert b["last_us"] - b["first_us"] >= 5000000, b
    stats = wire.get("/api/stats").json()
    assert stats["scope"] == "" and stats["wire_watched"] is False
    wire.stop()


def validate():
    """a filter is validated with the place of its error"""
    assert server.get("/api/kfl/validate?q=tls").json() == {"valid": True}
    assert server.get("/api/kfl/validate").json() == {"valid": True}
    v = server.get("/api/kfl/validate?q=tls+and+%3D%3D").json()
    assert v["valid"] is False and v["message"] and v["column"] > 1 and v["length"] >= 1, v
    f = server.get("/api/kfl/fields").json()
    assert f["fields"] and f["functions"] and f["flags"]


def one_entry():
    """an entry has its messages, decoded bodies and where to fetch them"""
    e = server.get("/api/entries/3").json()
    assert e["id"] == 3 and e["request"]["headers"][0] == ["Host", "example.net"]
    assert e["response"]["body"] == "<html><script>alert(1)</script></html>"
    assert e["response"]["body_url"] == "/api/entries/3/response/body"
    assert e["request"]["body"] == '{"name":"value"}'
    assert e["tls_info"]["version"] == "TLSv1.3" and e["events"]
    e = server.get("/api/entries/2").json()
    assert "body" not in e["response"] and e["response"]["body_url"]
    e = server.get("/api/entries/8").json()
    assert "response" not in e and e["complete"] is False and e["reason"]


def no_entry():
    """a missing entry is 404, a wrong id 400, an empty list 200"""
    problem(server.get("/api/entries/999999"), 404, "id")
    problem(server.get("/api/entries/999999/request/body"), 404, "id")
    problem(server.get("/api/entries/8/response/body"), 404)
    for bad in ("0", "-1", "x", "1x", "99999999999999999999999"):
        problem(server.get("/api/entries/" + bad), 400, "id")
    problem(server.get("/api/nothing"), 404)
    problem(server.get("/api/entries/1/nothing"), 404)
    problem(server.get("/api/entries/"), 404)
    problem(server.get("/nothing.js"), 404)
    for up in ("/../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/x", "//etc/passwd",
               "/api/entries/..%2f1"):
        assert server.get(up).status in (400, 404), up


def revalidation():
    """an entry that did not change is not sent twice"""
    for path in ("/api/entries/1", "/api/entries/1/response/body", "/api/kfl/fields",
                 "/api/openapi.json"):
        a = server.get(path)
        tag = a.headers["etag"]
        b = server.get(path, headers={"If-None-Match": '"zzz", ' + tag})
        assert b.status == 304 and not b.body and b.headers["etag"] == tag, path
        assert server.get(path, headers={"If-None-Match": '"zzz"'}).status == 200
        assert server.get(path, headers={"If-None-Match": "*"}).status == 304


def compression():
    """large lists are packed for those who accept it"""
    plain = server.get("/api/entries?limit=100")
    assert "content-encoding" not in plain.headers and plain.headers["vary"] == "Accept-Encoding"
    for accept, packed in (("gzip", 1), ("deflate, gzip;q=0.5", 1), ("gzip;q=0", 0), ("*", 1),
                           ("br", 0), ("identity", 0), ("gzip;q=0.000", 0), ("xgzip", 0)):
        a = server.get("/api/entries?limit=100", headers={"Accept-Encoding": accept})
        assert ("content-encoding" in a.headers) == bool(packed), accept
        assert a.json() == plain.json()
    assert len(a.encoded) > 5 * len(server.get(
        "/api/entries?limit=100", headers={"Accept-Encoding": "gzip"}).encoded)
    plain = server.get("/api/kfl/fields").headers["etag"]
    packed = server.get("/api/kfl/fields", headers={"Accept-Encoding": "gzip"}).headers["etag"]
    assert packed == "W/" + plain, (packed, plain)
    for tag in (plain, packed):
        assert server.get("/api/kfl/fields", headers={"If-None-Match": tag}).status == 304
    small = server.get("/healthz", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in small.headers


GETS = ["/", "/api/entries", "/api/entries/1", "/api/entries/1/response/body", "/api/stream",
        "/api/kfl/validate", "/api/kfl/fields", "/api/targets", "/api/stats", "/api/openapi.json",
        "/metrics"]


def token_needed():
    """nothing but health is told without the token"""
    for path in GETS + ["/api/nothing", "/nothing"]:
        for token in (None, "", "wrong", TOKEN + "x", TOKEN[:-1], TOKEN.upper()):
            a = server.get(path, token=token)
            problem(a, 401)
            assert a.headers["www-authenticate"].startswith("Bearer")
    problem(server.request("POST", "/api/capture", body=b'{"state":"paused"}', token=None), 401)
    assert server.get("/healthz", token=None).status == 200
    assert server.get("/readyz", token=None).status == 200
    for value in ("Basic " + TOKEN, TOKEN, "Bearer", "Bearer  ", "bearer\t" + TOKEN):
        problem(server.get("/api/stats", token=None, headers={"Authorization": value}), 401)
    ok = server.get("/api/stats", token=None, headers={"Authorization": "bearer " + TOKEN})
    assert ok.status == 200


def security_headers():
    """every answer carries the headers that keep it out of other pages and caches"""
    for path in GETS[:4] + ["/api/nothing", "/healthz", "/api/entries?limit=0", "/metrics"]:
        a = server.get(path)
        h = a.headers
        csp = h["content-security-policy"]
        assert "default-src 'none'" in csp and "frame-ancestors 'none'" in csp, path
        assert "unsafe" not in csp
        assert h["x-content-type-options"] == "nosniff" and h["x-frame-options"] == "DENY"
        assert h["referrer-policy"] == "no-referrer"
        assert h["cross-origin-opener-policy"] == "same-origin"
        assert h["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in h
        assert h["cache-control"] in ("no-store", "no-cache")


def methods():
    """HEAD is GET without a body, OPTIONS tells, the rest is 405 with Allow"""
    for path in GETS[1:] + ["/healthz", "/readyz"]:
        if path != "/api/stream":
            get, head = server.get(path), server.request("HEAD", path)
            assert head.status == get.status and not head.body, path
            if path not in ("/api/stats", "/metrics"):
                assert head.headers["content-length"] == get.headers["content-length"], path
            assert head.headers["content-type"] == get.headers["content-type"], path
        o = server.request("OPTIONS", path)
        assert o.status == 204 and o.headers["allow"] == "GET, HEAD, OPTIONS" and not o.body
        for method in ("PUT", "DELETE", "PATCH", "POST", "TRACE", "FOO", "get"):
            a = server.request(method, path, body=b"" if method != "TRACE" else None)
            problem(a, 405)
            assert a.headers["allow"] == "GET, HEAD, OPTIONS", path
    head = server.request("HEAD", "/api/stream")
    assert head.status == 200 and head.headers["content-type"] == "text/event-stream"
    a = server.get("/api/capture")
    problem(a, 405)
    assert a.headers["allow"] == "POST, OPTIONS"
    assert server.request("OPTIONS", "/api/capture").headers["allow"] == "POST, OPTIONS"
    assert server.request("OPTIONS", "*").status == 204
    for path in ("/api/stream", "/api/export/har", "/api/export/pcapng"):
        # How long it would be is not known: to say 0 would be wrong.
        head = server.request("HEAD", path)
        assert head.status == 200 and "content-length" not in head.headers and not head.body, path
    assert server.request("HEAD", "/api/entries/999999").status == 404


def capture():
    """capture is paused and resumed, and a tracer that is gone is told"""
    def post(body):
        return server.request("POST", "/api/capture", body=body)
    assert post(b'{"state":"paused"}').json() == {"state": "paused"}
    assert server.get("/api/stats").json()["state"] == "paused"
    assert post(b'{"state":"running"}').json() == {"state": "running"}
    for bad in (b"", b"{}", b"[]", b'{"state":"x"}', b'{"state":1}', b'{"state":"paused","x":1}',
                b'{"state":"paused","state":"running"}', b"\xff", b"{" * 60000):
        problem(post(bad), 400, "state")
    problem(post(b" " * (64 << 10) + b"x"), 413)
    server.tell("break")
    problem(post(b'{"state":"paused"}'), 503)
    server.tell("break")
    problem(server.request("POST", "/api/capture?state=paused", body=b"{}"), 400, "state")


def health():
    """readyz is 503 until the first probes are in"""
    assert server.get("/healthz").json() == {"status": "ok"}
    assert server.get("/readyz").json() == {"status": "ready"}
    server.tell("unready")
    problem(server.get("/readyz"), 503)
    assert server.get("/healthz").status == 200
    server.tell("unready")


def stats():
    """stats, targets and metrics tell what the parts tell"""
    s = server.get("/api/stats").json()
    assert s["dropped"] == 3 and s["lost_bytes"] == 77 and s["state"] == "running"
    assert s["store"]["entries"] == 500 and s["store"]["last_id"] == 500
    assert s["api"]["connections"] >= 1
    t = server.get("/api/targets").json()["targets"]
    assert t[0]["processes"][0]["pid"] == 4242
    m = server.get("/metrics")
    assert m.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = m.body.decode()
    seen = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            assert name not in seen, name
            seen.add(name)
            assert not (kind == "counter") ^ name.endswith("_total"), line
        elif not line.startswith("# HELP "):
            assert re.fullmatch(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+', line), line
            base = re.sub(r"(_bucket|_sum|_count)?(\{.*)? .*", "", line)
            assert base in seen, line
    count = int(re.search(r"cleartap_query_duration_seconds_count (\d+)", text).group(1))
    inf = int(re.search(r'_seconds_bucket\{le="\+Inf"\} (\d+)', text).group(1))
    assert count == inf > 0
    assert 'cleartap_http_requests_total{route="/api/entries",code="4xx"}' in text
    assert "cleartap_captured_calls_total 5\n" in text
    assert 'cleartap_drops_total{cause="ring_full"} 3\n' in text
    assert 'cleartap_missing_bytes_total{cause="lost"} 77\n' in text
    assert s["both_ends"]["paired"] == 1200 and s["both_ends"]["unpaired_late"] == 4
    assert 'cleartap_unpaired_total{cause="late"} 4\n' in text
    before = s["live"]["updates"]
    opened = s["store"]["open_exchanges"]
    server.tell("begin 1")
    assert server.get("/api/stats").json()["store"]["open_exchanges"] == opened + 1
    server.tell("grow 1")
    assert server.get("/api/stats").json()["live"]["updates"] == before + 1
    server.tell("finish 1")
    assert ('cleartap_probe_hits_total{target="1",path="/usr/lib/libssl.so.3",library="openssl"} 9'
            in text)
    # Names that dashboards and alerts of others may hold.
    names = """captured_bytes_total captured_calls_total ring_records_total ring_used_bytes
        ring_size_bytes queue_bytes cut_entries_total sessions_active sessions_opened_total
        entries_total targets_attached targets_failed paused uptime_seconds resident_memory_bytes
        drops_total missing_bytes_total http_requests_total query_duration_seconds store_entries
        store_size_bytes store_segments store_expired_entries_total store_failed_batches_total
        store_lost_entries_total http_connections stream_readers stream_queries
        stream_events_total stream_skipped_total probe_hits_total build_info"""
    assert not {"cleartap_" + n for n in names.split()} - seen
    members = {"capture": """state records bytes calls dropped_records dropped_bytes truncated_bytes
                   faults connections_full threads_full nested_too_deep returns_without_entry
                   filtered_calls bad_records""",
               "ring": "used size", "queue": "bytes cut_entries", "targets": "attached failed",
               "redaction": "over_budget not_decoded opaque",
               "sessions": """active opened closed entries lost_bytes truncated_bytes bad_records
                   refused""",
               "store": """first_id last_id entries size segments dropped_entries failed_batches
                   lost_entries error""",
               "wire": "watched open seen read gave_way no_memory misfits handshake_bytes refused_bytes",
               "api": "connections readers live_queries events_sent events_skipped refused"}
    for group, names in members.items():
        assert not set(names.split()) - set(s[group]), group
    assert s["wire"]["watched"] is False
    assert {"version", "state", "ready", "uptime_s", "resident_bytes"} < set(s)


def sizes():
    """what is too large is refused with the right status"""
    problem(server.get("/api/entries?q=" + "x" * (129 << 10)), 414)
    problem(server.get("/api/stats", headers={"X": "y" * (33 << 10)}), 431)
    many = {"X-%d" % i: "y" * 100 for i in range(400)}
    problem(server.get("/api/stats", headers=many), 431)
    a = server.raw(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * (1 << 20) + b"\r\n\r\n")
    assert b" 431 " in a[:40] or b" 413 " in a[:40] or not a, a[:40]
    a = server.raw(b"GET /" + b"y" * (1 << 20) + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 414 " in a[:40] or not a, a[:40]
    problem(server.request("POST", "/api/capture", headers={"Content-Length": "999999999999"},
                           body=b""), 413)
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    head = "POST /api/capture HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n" \
           "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" % (server.port, TOKEN)
    a = server.raw(head.encode() + chunk * 3 + b"0\r\n\r\n")
    assert b" 413 " in a[:40], a[:40]
    problem(server.get("/api/entries?" + "&".join("a%d=1" % i for i in range(40))), 400)


def garbage():
    """bytes that are no HTTP do no harm"""
    for junk in (b"\0" * 1000, b"\xff" * 1000, b"GET\r\n\r\n", b"\r\n\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" * 20,
                 b"GET " + b"/" * 100000 + b" HTTP/1.1\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
                 b"POST /api/capture HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                 b"POST /api/capture HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n"):
        sock = server.connect()
        sock.sendall(junk)
        sock.shutdown(socket.SHUT_WR)
        server.raw(b"", sock)
    a = server.request("GET", "http://127.0.0.1:%d/api/stats" % server.port)
    assert a.status == 200
    assert server.get("/healthz").status == 200


def pipelining():
    """several requests on one connection are answered in order"""
    one = "GET /api/entries/%d HTTP/1.1\r\nHost: localhost:%d\r\nAuthorization: Bearer %s\r\n%s\r\n"
    data = "".join(one % (i, server.port, TOKEN, "Connection: close\r\n" if i == 20 else "")
                   for i in range(1, 21))
    raw = server.raw(data.encode())
    assert [int(x) for x in re.findall(rb'\r\n\r\n\{"id":(\d+),', raw)] == list(range(1, 21))


def unix_socket():
    """the unix socket needs no token, its file's mode does"""
    path = server.dir + "/sock"
    other = Server("-u", path, "-l", "")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    for host in ("localhost", "anything"):
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        assert other.request("GET", "/api/stats", token=None, host=host, sock=s).status == 200
    assert other.port == 0 and other.stop() == 0
    assert not os.path.exists(path)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    other = Server("-u", path)
    try:
        Server("-u", path)
        raise AssertionError("two servers on one socket")
    except RuntimeError:
        pass
    assert other.stop() == 0


def half_sent(at, n, sources):
    """Connections that begin a request and do not end it, from these addresses."""
    out = []
    for i in range(n):
        s = socket.socket()
        s.settimeout(WAIT)
        s.bind((sources[i % len(sources)], 0))
        s.connect(("127.0.0.1", at.port))
        s.sendall(b"GET /healthz HTTP/1.1\r\nHo")
        out.append(s)
    return out


def answers_at_once(at, path):
    """The unix socket, another address and the same one: each within a second."""
    for source in (path, "127.0.0.2", "127.0.0.1"):
        begin = time.monotonic()
        s = socket.socket(socket.AF_UNIX if source == path else socket.AF_INET)
        s.settimeout(5)
        if source == path:
            s.connect(path)
        else:
            s.bind((source, 0))
            s.connect(("127.0.0.1", at.port))
        a = at.get("/api/stats", sock=s)
        assert a.status == 200, (source, a.status)
        assert time.monotonic() - begin < 1, (source, time.monotonic() - begin)


def half_open():
    """requests that never end take room from nobody, and end after 5 s"""
    path = server.dir + "/sock2"
    other = Server("-u", path)
    for sources in (["127.0.0.1"], ["127.0.1.%d" % i for i in range(1, 200)]):
        held = half_sent(other, 600, sources)
        answers_at_once(other, path)
        before = other.get("/api/stats").json()["api"]
        assert before["displaced"] >= 300, before
        assert before["connections"] <= 64 + 10 or len(sources) > 1, before
        begin = time.monotonic()
        for s in held:
            try:
                assert s.recv(1) == b""
            except ConnectionError:
                pass
            s.close()
        assert time.monotonic() - begin < 8
        assert other.get("/api/stats").json()["api"]["late"] > before["late"]
    assert 'cleartap_http_cut_total{cause="late"}' in other.get("/metrics").body.decode()
    assert other.stop() == 0


def listen_refused():
    """beyond loopback only with TLS; nonsense is refused"""
    for listen in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0", "1.2.3.4", ":1", "127.0.0.1:65536",
                   "127.0.0.1:x", "[::1:5", "name:1", "127.0.0.1:%d" % server.port):
        try:
            Server("-l", listen)
            raise AssertionError(listen)
        except RuntimeError:
            pass
    six = Server("-l", "[::1]:0")
    s = socket.create_connection(("::1", six.port))
    assert six.request("GET", "/healthz", host="[::1]:%d" % six.port, sock=s).status == 200
    assert six.stop() == 0


def clean_end():
    """the server ends cleanly with requests and streams open"""
    streams = [Stream(server) for _ in range(5)]
    idle = [server.connect() for _ in range(5)]
    assert server.stop() == 0
    for s in streams:
        try:
            s.until("never")
        except (EOFError, ConnectionError):
            continue
        raise AssertionError("the stream went on")
    for s in idle:
        s.close()


run([entries_page, entries_parameters, entries_filter, entries_limited, entries_hopeless, entries_redacted, coverage, connections_wire, validate, one_entry,
     no_entry, revalidation, compression, token_needed, security_headers, methods, capture, health, stats, sizes, garbage, pipelining,
     unix_socket, half_open, listen_refused, clean_end])
