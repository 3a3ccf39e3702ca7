#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What live readers cost: 200 readers with 20 distinct filters at 2,000 entries a second.

Prints processor time of the test server as a ratio to real time, with and without the readers;
their difference is what filtering and sending costs. Rounds are interleaved; medians.
"""
import os
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.environ.get("srcdir", "."), "tests/unit"))
from api_lib import Server, Stream  # noqa: E402

READERS, QUERIES, RATE, SECONDS, ROUNDS = 200, 20, 2000, 5, 3
# Some that let everything through, some that let little through; on columns and on bodies.
FILTERS = (["status_code >= 500", "status_code == 404", "method == \"POST\"", "http and not error",
            "path.startsWith(\"/item/1\")", "summary.contains(\"77\")", "tls", "",
            "src.process == \"curl\" and dst.port == 443", "elapsed_time > 5000",
            "request.body.contains(\"value\")", "path == r\"/item/[0-9]*5$\""] +
           ["path.endsWith(\"%d\") and status_code == 200" % i for i in range(10)])[:QUERIES]


class Reader(threading.Thread):
    """Reads bytes and counts events; one thread for many sockets, to cost little."""

    def __init__(self, streams):
        super().__init__(daemon=True)
        self.streams, self.events, self.stop = streams, 0, False

    def run(self):
        import select
        poll = select.epoll()
        socks = {s.sock.fileno(): s.sock for s in self.streams}
        for fd in socks:
            socks[fd].setblocking(False)
            poll.register(fd, select.EPOLLIN)
        while not self.stop:
            for fd, _ in poll.poll(0.2):
                data = socks[fd].recv(1 << 20)
                self.events += data.count(b"event: entry")
            time.sleep(0.02)


def measure(server):
    cpu, begin, made = int(server.tell("cpu")), time.monotonic(), int(server.tell("made"))
    time.sleep(SECONDS)
    took = time.monotonic() - begin
    used = (int(server.tell("cpu")) - cpu) / 1e6
    return used / took, (int(server.tell("made")) - made) / took


def main():
    server = Server("-b")
    server.append(1000)
    server.tell("rate %d" % RATE)
    alone, served, events = [], [], 0
    for _ in range(ROUNDS):
        alone.append(measure(server)[0])
        streams = [Stream(server, "/api/stream?q=" + requote(FILTERS[i % QUERIES]))
                   for i in range(READERS)]
        reader = Reader(streams)
        reader.start()
        time.sleep(1)
        before = reader.events
        cpu, rate = measure(server)
        served.append(cpu)
        events = (reader.events - before) / SECONDS
        reader.stop = True
        reader.join()
        for s in streams:
            s.close()
        time.sleep(2)
    skipped = server.get("/api/stats").json()["api"]["events_skipped"]
    a, b = statistics.median(alone), statistics.median(served)
    print("entries/s %.0f  readers %d  filters %d  events/s sent %.0f  skipped %d" %
          (rate, READERS, QUERIES, events, skipped))
    print("cores: storing alone %.3f, with readers %.3f, readers %.3f (want below 1)" % (a, b, b - a))
    print("readers cost %.1f us an entry, %.2f us an event" %
          ((b - a) / RATE * 1e6, (b - a) / max(events, 1) * 1e6))
    server.stop()
    return b - a >= 1


def requote(text):
    from urllib.parse import quote
    return quote(text)


sys.exit(main())
