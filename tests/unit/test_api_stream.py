#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The live stream: what each reader gets, whatever the others do."""
import re
import socket
import threading
import time

from api_lib import TOKEN, Server, Stream, run, wait_for

server = Server()
server.append(100)
made = 100


def append(n):
    global made
    server.append(n)
    made += n


def stat(name):
    return server.get("/api/stats").json()["api"][name]


def live():
    """what is appended comes, once, in order, with its id"""
    s = Stream(server)
    assert s.head.status == 200 and s.head.headers["content-type"] == "text/event-stream"
    assert s.head.headers["cache-control"] == "no-store"
    first = made + 1
    for n in (1, 1, 10, 100, 1500):
        append(n)
    assert s.entries(made - first + 1) == list(range(first, made + 1))
    s.close()


def statistics():
    """a reader is told how things stand each second"""
    assert wait_for(lambda: stat("readers") == 0)
    s = Stream(server)
    s.until("stats")
    kinds = [s.until("stats")[-1] for _ in range(2)]
    for _, ident, data in kinds:
        assert ident is None and data["state"] == "running"
        assert data["entries"] == made and data["readers"] == 1, data
        assert data["dropped"] == 3 and data["lost_bytes"] == 77
        assert data["entries_per_second"] >= 0
    s.close()


def filtered():
    """each reader gets what its filter lets through"""
    first = made + 1
    queries = {"status_code+%3E%3D+500": lambda i: i % 10 == 5,
               "http": lambda i: i % 10 != 9,
               "tls+and+method+%3D%3D+%22POST%22": lambda i: i % 3 == 0 and i % 10 != 9,
               "request.body.contains(%22value%22)": lambda i: i % 3 == 0 and i % 10 != 9,
               "": lambda i: True}
    streams = [(Stream(server, "/api/stream?q=" + q), want) for q, want in queries.items()]
    append(300)
    for s, want in streams:
        ids = [i for i in range(first, made + 1) if want(i)]
        assert s.entries(len(ids)) == ids
        s.close()


def shared():
    """filters of the same meaning are one filter"""
    assert wait_for(lambda: stat("readers") == 0)
    streams = [Stream(server, "/api/stream?q=" + q) for q in
               ("http", "http", "+http++", "status_code+==+200", "status_code++==++200", "")]
    assert stat("readers") == 6 and stat("live_queries") == 3, stat("live_queries")
    for s in streams:
        s.close()
    assert wait_for(lambda: stat("readers") == 0 and stat("live_queries") == 0)


def wrong():
    """a filter with an error, a wrong id and a wrong parameter are refused"""
    assert server.get("/api/stream?q=((").status == 400
    assert server.get("/api/stream?after=x").json()["parameter"] == "after"
    assert server.get("/api/stream", headers={"Last-Event-ID": "x"}).status == 400
    assert server.get("/api/stream?limit=3").json()["parameter"] == "limit"


def resumed():
    """a reader that comes back gets what it missed, then what is new, each once"""
    for start, header in ((made - 50, True), (made - 50, False), (0, True), (made, True),
                          (made + 1000, True)):
        append(3)
        stop = threading.Event()
        feeder = threading.Thread(target=lambda: [append(7) for _ in range(40)])
        feeder.start()
        s = Stream(server, "/api/stream" + ("" if header else "?after=%d" % start),
                   headers={"Last-Event-ID": str(start)} if header else None)
        feeder.join()
        append(1)
        begin = start
        if start > made:
            continue
        got = []
        while not got or got[-1] < made:
            kind, ident, data = s.event()
            assert kind in ("entry", "stats"), (kind, data)
            if kind == "entry":
                got.append(data["id"])
        assert got == list(range(start + 1, made + 1)), (start, got[:5], got[-5:], len(got))
        s.close()


def resumed_filtered():
    """a resumed reader's filter holds for what it missed as well"""
    start = made - 500
    s = Stream(server, "/api/stream?q=status_code==500&after=%d" % start)
    append(100)
    ids = [i for i in range(start + 1, made + 1) if i % 10 == 5]
    assert s.entries(len(ids)) == ids
    s.close()


def limited():
    """limit(n) ends after n entries, and says so"""
    s = Stream(server, "/api/stream?q=limit(5)")
    first = made + 1
    append(20)
    events = s.until("end")
    assert [e[2]["id"] for e in events[:-1]] == list(range(first, first + 5)), events
    append(20)
    assert s.event()[0] == "stats"
    s.close()
    s = Stream(server, "/api/stream?q=limit(5)&after=10")
    assert [e[2]["id"] for e in s.until("end")[:-1]] == [11, 12, 13, 14, 15]
    s.close()


def begin(n):
    global made
    assert server.tell("begin %d" % n) == "ok"
    made += n
    return list(range(made - n + 1, made + 1))


def updates(stream, n):
    """The next n updates as (id, data): none moves a reader's place."""
    got, end = [], time.monotonic() + 30
    while len(got) < n:
        assert time.monotonic() < end, got
        kind, ident, data = stream.event()
        assert kind in ("update", "stats"), (kind, data)
        if kind == "update":
            assert ident is None
            got.append((data["id"], data))
    return got


def updated():
    """what goes on is told again under its id, to whom the new version is for"""
    every = Stream(server)
    hangs = Stream(server, "/api/stream?q=open")
    failed = Stream(server, "/api/stream?q=status_code+%3E%3D+500")
    masked = Stream(server, "/api/stream?q=redact(%22path%22,%22summary%22)")
    ids = begin(10)
    for s in (every, hangs, masked):
        assert s.entries(10) == ids
    assert server.tell("grow 4") == "ok"
    for s in (every, hangs):
        got = updates(s, 4)
        assert [i for i, _ in got] == ids[:4]
        for _, e in got:
            assert e["open"] is True and e["response_size"] == 1 and e["status"] == ""
            assert e["outcome"] == "open", e
    assert all(e["summary"] == "[redacted]" for _, e in updates(masked, 4))
    # None of these was for it before; nobody remembers that.
    assert updates(failed, 4) == [(i, {"id": i, "gone": True}) for i in ids[:4]]
    assert server.tell("finish 10") == "ok"
    got = updates(every, 10)
    assert [i for i, _ in got] == ids and not any(e["open"] for _, e in got)
    for i, e in got:
        assert e["outcome"] == {4: "client_error", 5: "server_error", 8: "incomplete"}.get(
            i % 10, "ok"), e
    assert updates(hangs, 10) == [(i, {"id": i, "gone": True}) for i in ids]
    for i, e in updates(failed, 10):
        assert e.get("gone") is not (i % 10 == 5) and ("status" in e) is (i % 10 == 5), e
    page = server.get("/api/entries?limit=10").json()["entries"]
    assert [e["id"] for e in page] == ids[::-1] and not any(e["open"] for e in page)
    for s in (every, hangs, failed, masked):
        s.close()


def updated_at_once():
    """what is told again before a reader saw it comes once, as it is then"""
    s = Stream(server)
    s.until("stats")
    ids = begin(3)
    server.tell("grow 3")
    server.tell("finish 3")
    assert s.entries(3) == ids
    append(1)
    seen = set()
    while True:
        kind, _, data = s.event()
        if kind == "entry":
            break
        if kind == "update": # at most the last version again
            seen.add(data["open"])
    assert data["id"] == made and seen <= {False}, seen
    s.close()


def updated_once_per_filter():
    """readers of one filter share the look at what changed, and a change apart is found"""
    ids = begin(1)
    append(3000)
    ids += begin(1)
    append(10)
    readers = [Stream(server, "/api/stream?q=open") for _ in range(20)]
    assert wait_for(lambda: stat("readers") == 20) and stat("live_queries") == 1
    sent = stat("events_sent")
    server.tell("grow 2")
    for s in readers:
        assert [i for i, _ in updates(s, 2)] == ids
    assert stat("events_sent") == sent + 40
    server.tell("finish 2")
    for s in readers:
        s.close()
    assert wait_for(lambda: stat("readers") == 0)


def updated_while_away():
    """a reader that comes back is told what changed of what it had"""
    s = Stream(server)
    ids = begin(5)
    assert s.entries(5) == ids
    s.close()
    server.tell("grow 2")
    append(20)
    server.tell("finish 4")
    back = Stream(server, headers={"Last-Event-ID": str(ids[-1])})
    got = updates(back, 4)
    assert [i for i, _ in got] == ids[:4] and not any(e["open"] for _, e in got), got
    assert back.entries(20) == list(range(made - 19, made + 1))
    back.close()
    back = Stream(server, "/api/stream?q=open&after=%d" % ids[-1])
    assert updates(back, 4) == [(i, {"id": i, "gone": True}) for i in ids[:4]]
    server.tell("finish 1")
    while updates(back, 1) != [(ids[4], {"id": ids[4], "gone": True})]:
        pass # a change may be told again to who came in the middle of it
    back.close()
    # With all of it seen there is nothing to tell but what came since.
    append(1)
    back = Stream(server, headers={"Last-Event-ID": str(made)})
    back.until("stats")
    append(1)
    assert back.entries(1) == [made]
    back.close()


def updated_too_much():
    """changes that a reader is too slow for are counted; a long absence is told as one"""
    slow, quick = Stream(server, rcvbuf=4096), Stream(server)
    ids = begin(1000)
    assert quick.entries(1000) == ids
    skipped = stat("events_skipped")
    for _ in range(20):
        server.tell("grow 1000")
        assert [i for i, _ in updates(quick, 1000)] == ids
    assert wait_for(lambda: stat("events_skipped") > skipped)
    told, last = [], {}
    server.tell("finish 1000")
    assert len(updates(quick, 1000)) == 1000
    while len(last) < 1000 or any(last.values()):
        kind, _, data = slow.event()
        if kind == "skipped":
            told.append(data)
        elif kind == "update":
            last[data["id"]] = data["open"]
    assert told and not told[0]["exact"], told[:1]
    assert all(t["after"] < ids[0] and t["before"] > ids[-1] for t in told), (told, ids[0])
    slow.close()
    quick.close()
    back = Stream(server, headers={"Last-Event-ID": str(ids[-1])})
    kind, _, data = back.event()
    while kind == "stats":
        kind, _, data = back.event()
    assert kind == "skipped" and data["before"] == ids[-1] + 1 and not data["exact"], data
    back.close()


def too_long_ago():
    """a reader that was away for too long is told what is not replayed, and can page it"""
    append(12000)
    s = Stream(server, "/api/stream?after=0")
    kind, _, skip = s.event()
    while kind == "stats":
        kind, _, skip = s.event()
    assert kind == "skipped" and skip["after"] == 0 and skip["exact"] is True, skip
    assert skip["count"] == skip["before"] - 1
    assert s.entries(3) == [skip["before"], skip["before"] + 1, skip["before"] + 2]
    page = server.get("/api/entries?limit=3&before=%d&after=%d" % (skip["before"], skip["after"]))
    assert [e["id"] for e in page.json()["entries"]] == [skip["before"] - i for i in (1, 2, 3)]
    s.close()


def behind():
    """a reader that falls behind is told how many it missed, and nothing comes twice"""
    slow, quick = Stream(server, rcvbuf=4096), Stream(server)
    first = made + 1
    for _ in range(30):
        append(500)
        quick.entries(500)
    assert stat("events_skipped") > 0
    got, skips = [], []
    while not got or got[-1] < made:
        kind, _, data = slow.event()
        if kind == "entry":
            got.append(data["id"])
        elif kind == "skipped":
            skips.append(data)
            assert data["after"] == (got[-1] if got else first - 1), (data, got[-1:])
            assert data["count"] == data["before"] - data["after"] - 1 and data["exact"]
            got += range(data["after"] + 1, data["before"])
    assert skips and got == list(range(first, made + 1))
    slow.close()
    quick.close()


def dead_readers():
    """two hundred readers that never read hold nobody back and are cleaned up"""
    dead = [Stream(server, read=False, rcvbuf=4096) for _ in range(200)]
    assert wait_for(lambda: stat("readers") == 200)
    alive = Stream(server)
    for _ in range(20):
        first = made + 1
        append(1000)
        assert alive.entries(1000) == list(range(first, first + 1000))
    assert server.get("/api/entries?limit=10").status == 200
    for s in dead:
        s.close()
    alive.close()
    assert wait_for(lambda: (append(1), stat("readers") == 0)[1])


def reset_readers():
    """readers that vanish while nothing happens are noticed"""
    for linger in (b"\1\0\0\0\0\0\0\0", None):
        some = [Stream(server) for _ in range(10)]
        for s in some:
            if linger:
                s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            s.close()
        assert wait_for(lambda: stat("readers") == 0)


def too_many():
    """more readers than there is room for are refused clearly, the rest of the API goes on"""
    some = [Stream(server, read=False) for _ in range(400)]
    assert wait_for(lambda: stat("readers") == 400)
    a = server.get("/api/stream")
    assert a.status == 503 and a.headers["retry-after"] and "400" in a.json()["detail"]
    # Who has shown nothing yet takes no room of those who have.
    more = [server.connect() for _ in range(120)]
    for i in range(112):
        assert server.get("/healthz").status == 200, i
        more.append(server.connect())
        more[-1].sendall(("GET /api/kfl/validate HTTP/1.1\r\nHost: localhost:%d\r\n"
                          "Authorization: Bearer %s\r\n\r\n" % (server.port, TOKEN)).encode())
        assert b" 200 " in more[-1].recv(4096)
    def full():
        a = server.get("/healthz")
        return a.status == 503 and "512" in a.json()["detail"]
    assert wait_for(full)
    for s in some + more:
        s.close()
    assert wait_for(lambda: server.get("/healthz").status == 200)
    assert wait_for(lambda: (append(1), stat("readers") == 0)[1])


def too_many_queries():
    """more distinct filters than there is room for are refused"""
    some = [Stream(server, "/api/stream?q=status_code==%d" % i) for i in range(100)]
    assert server.get("/api/stream?q=status_code==9999").status == 503
    again = Stream(server, "/api/stream?q=status_code==7")
    for s in some + [again]:
        s.close()
    assert wait_for(lambda: (append(1), stat("readers") == 0)[1])


def many_alike():
    """two hundred readers of twenty filters each get theirs"""
    queries = ["id+%%25+20+==+%d" % i for i in range(20)]
    some = [Stream(server, "/api/stream?q=" + queries[i % 20]) for i in range(200)]
    first = made + 1
    append(1000)
    for i, s in enumerate(some):
        want = [n for n in range(first, made + 1) if n % 20 == i % 20]
        assert s.entries(len(want)) == want
        s.close()


def slow_requests():
    """a head that drips is cut off after 5 s, though each byte is in time"""
    s = server.connect()
    begin, cut = time.monotonic(), False
    s.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
    while time.monotonic() - begin < 60 and not cut:
        try:
            s.sendall(b"y")
            s.settimeout(0.5)
            cut = s.recv(1) == b""
        except TimeoutError:
            pass
        except ConnectionError:
            cut = True
    assert cut and 4 < time.monotonic() - begin < 8, time.monotonic() - begin


def clean_end():
    """the server ends cleanly with readers in every state"""
    some = [Stream(server, read=False, rcvbuf=4096) for _ in range(50)]
    some += [Stream(server, "/api/stream?after=1") for _ in range(10)]
    server.tell("append 5000")
    assert server.stop() == 0
    for s in some:
        s.close()


run([live, statistics, filtered, shared, wrong, resumed, resumed_filtered, limited, updated,
     updated_at_once, updated_once_per_filter, updated_while_away, updated_too_much, too_long_ago,
     behind, dead_readers, reset_readers, too_many, too_many_queries, many_alike, slow_requests,
     clean_end])
