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
    more = [server.connect() for _ in range(120)]
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
    """a request that drips is cut off, though each byte is in time"""
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
    assert cut


def clean_end():
    """the server ends cleanly with readers in every state"""
    some = [Stream(server, read=False, rcvbuf=4096) for _ in range(50)]
    some += [Stream(server, "/api/stream?after=1") for _ in range(10)]
    server.tell("append 5000")
    assert server.stop() == 0
    for s in some:
        s.close()


run([live, statistics, filtered, shared, wrong, resumed, resumed_filtered, limited, too_long_ago,
     behind, dead_readers, reset_readers, too_many, too_many_queries, many_alike, slow_requests,
     clean_end])
