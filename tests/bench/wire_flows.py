#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Traffic for wire.sh, and what the kernel says that it cost.

    wire_flows.py plain|tls CERT KEY       many flows take turns for some seconds
    wire_flows.py report BEFORE AFTER KIND

BEFORE and AFTER are what `bpftool prog show -j` printed.
"""

import json
import socket
import ssl
import sys
import threading
import time

FLOWS, SECONDS = 100, 4


def pairs(kind):
    listener = socket.create_server(("127.0.0.1", 0))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(sys.argv[2], sys.argv[3])
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    for _ in range(FLOWS):
        a = socket.create_connection(listener.getsockname())
        b, _ = listener.accept()
        if kind == "tls":
            wrapped = []
            t = threading.Thread(
                target=lambda s=b: wrapped.append(server.wrap_socket(s, server_side=True)))
            t.start()
            a = client.wrap_socket(a)
            t.join()
            b = wrapped[0]
        yield a, b


def talk(kind):
    flows = list(pairs(kind))
    message = b"x" * 200
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        for a, b in flows:
            a.sendall(message)
            b.recv(1000)


def spent(name):
    with open(name, encoding="utf-8") as file:
        return {p["id"]: (p["name"], p.get("run_time_ns", 0), p.get("run_cnt", 0))
                for p in json.load(file) if p.get("name") in ("wire_in", "wire_out", "floor_packet")}


def report(before, after, kind):
    cost = {}
    for ident, (name, ns, runs) in after.items():
        ns, runs = ns - before[ident][1], runs - before[ident][2]
        if runs and (name not in cost or runs > cost[name][1]):
            cost[name] = ns / runs, runs
    floor = cost["floor_packet"][0]
    print("wire      %s, %d flows: a packet costs %.0f ns in and %.0f ns out above an empty program "
          "(%.1f and %.1f of one), %d packets"
          % (kind, FLOWS, cost["wire_in"][0] - floor, cost["wire_out"][0] - floor,
             cost["wire_in"][0] / floor, cost["wire_out"][0] / floor, cost["wire_out"][1]))


if sys.argv[1] == "report":
    report(spent(sys.argv[2]), spent(sys.argv[3]), sys.argv[4])
else:
    talk(sys.argv[1])
