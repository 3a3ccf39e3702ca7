#!/usr/bin/env python3
"""Exchanges that last, and what cleartap tells of them while they go on.

    live_talk.py talk CERTS            server and clients in one process; commands on standard input
    live_talk.py watch SOCKET FILE     the live stream, each event with the time when it came
    live_talk.py look SOCKET FILE      entries that go on, by `open`, each 0.1 s
    live_talk.py judge SOCKET TALK WATCH LOOK
    live_talk.py each SOCKET ROUND ROLES open|closed   of everything that lasts, one entry for each role

The talker prints its port, then takes lines: "go" (all kinds, some 4 s each), "hang" (one of each
kind that is not answered). For each exchange it prints its path and the time when it began, for an
upgraded connection both; "done" when they are over.
"""

import json
import socket
import ssl
import sys
import threading
import time

from check_entries import Api, UnixConnection

SECONDS = 4
SOON = 1.2
UPLOAD = 1000


def say(*words):
    print(*words, flush=True)


def read_head(conn):
    data = b""
    while b"\r\n\r\n" not in data:
        more = conn.recv(4096)
        if not more:
            raise OSError("closed in a head")
        data += more
    return data


def answer(conn, path, head):
    if path.startswith("/wait"):
        time.sleep(SECONDS)
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
    elif path.startswith("/events"):
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n")
        for i in range(SECONDS * 4):
            conn.sendall(b"9\r\ndata: %d\n\n\r\n" % (i % 10))
            time.sleep(0.25)
        conn.sendall(b"0\r\n\r\n")
    elif path.startswith(("/upload", "/dies")):
        size = len(head.partition(b"\r\n\r\n")[2])
        while size < UPLOAD:
            more = conn.recv(4096)
            if not more:
                return
            size += len(more)
        conn.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
    elif path.startswith("/upgrade"):
        conn.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                     b"Upgrade: raw\r\n\r\n")
        for _ in range(SECONDS * 4):
            conn.sendall(b"\x81\x05hello")
            time.sleep(0.25)
    else:
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def serve_one(conn):
    try:
        head = read_head(conn)
        answer(conn, head.split(b" ")[1].decode(), head)
        conn.close()
    except OSError:
        pass


def serve(listener):
    while True:
        try:
            conn, _ = listener.accept()
        except OSError:
            continue
        threading.Thread(target=serve_one, args=(conn,), daemon=True).start()


def ask(port, certs, path):
    context = ssl.create_default_context(cafile=certs + "/cert.pem")
    raw = socket.create_connection(("127.0.0.1", port))
    upload = path.startswith(("/upload", "/dies"))
    lines = ["%s %s HTTP/1.1" % ("POST" if upload else "GET", path), "Host: localhost",
             "Cookie: key=SECRET1"]
    if upload:
        lines.append("Content-Length: %d" % UPLOAD)
    if path.startswith("/upgrade"):
        lines += ["Connection: Upgrade", "Upgrade: raw"]
    with context.wrap_socket(raw, server_hostname="localhost") as conn:
        say(path, time.time())
        conn.sendall("\r\n".join(lines + ["", ""]).encode())
        if upload:
            for part in range(4):
                time.sleep(SECONDS / 4 if part else 0.1)
                if part == 3 and path.startswith("/dies"):
                    raw = conn.detach()
                    socket.socket(fileno=raw).close()
                    return
                conn.sendall(b"u" * (UPLOAD // 4))
        while conn.recv(4096):
            pass


def talk(certs):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certs + "/cert.pem", certs + "/key.pem")
    listener = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)
    port = listener.getsockname()[1]
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    say(port)
    for line in sys.stdin:
        threads = [threading.Thread(target=ask, args=(port, certs, kind + "-" + line.strip()))
                   for kind in ("/quick", "/wait", "/events", "/upload", "/dies", "/upgrade")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        say("done")


def watch(path, out):
    conn = UnixConnection(path)
    conn.request("GET", "/api/stream")
    response = conn.getresponse()
    name = None
    # From here on nothing is missed, which the file says.
    with open(out, "w", encoding="utf-8") as file:
        while True:
            line = response.readline().decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: ") and name in ("entry", "update"):
                print(time.time(), name, line[6:], file=file, flush=True)


def look(path, out):
    api = Api(path)
    with open(out, "w", encoding="utf-8") as file:
        while True:
            for entry in api.matching("open"):
                print(time.time(), "open", json.dumps(entry), file=file, flush=True)
            time.sleep(0.1)


def read_events(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            at, name, data = line.split(" ", 2)
            yield float(at), name, json.loads(data)


def of_path(events, path, ports):
    """What was said of an exchange; of the bytes after an upgrade, by their connection."""
    for at, name, entry in events:
        if path == "frames":
            if entry["protocol"] == "tls" and entry.get("src", {}).get("port") in ports:
                yield at, name, entry
        elif entry.get("summary") == path:
            yield at, name, entry


WANT = {
    "/quick-go": {"status": "200", "response_size": None},
    "/upgrade-go": {"status": "101"},
    "/wait-go": {"status": "200"},
    "/events-go": {"status": "200"},
    "/upload-go": {"status": "201"},
    "/dies-go": {"complete": False},
    "frames": {"protocol": "tls", "response_size": SECONDS * 4 * 7},
}
# What is known of an exchange from its first version on.
FIRST = {
    "/wait-go": {"method": "GET", "status": "", "complete": True},
    "/events-go": {"method": "GET", "status": "200", "complete": True},
    "/upload-go": {"method": "POST", "status": ""},
    "/dies-go": {"method": "POST", "status": ""},
    "frames": {"protocol": "tls"},
}
GROWS = {"/events-go": "response_size", "/upload-go": "request_size", "/dies-go": "request_size",
         "frames": "response_size"}
BODIES = {
    "/wait-go": ("response", b"done"),
    "/events-go": ("response", b"".join(b"data: %d\n\n" % (i % 10) for i in range(SECONDS * 4))),
    "/upload-go": ("request", b"u" * UPLOAD),
    "/dies-go": ("request", b"u" * (UPLOAD * 3 // 4)),
    "frames": ("response", b"\x81\x05hello" * SECONDS * 4),
}


def differs(entry, want):
    return ["%s is %s, not %s" % (name, entry.get(name), value) for name, value in want.items()
            if value is not None and entry.get(name) != value]


def judge_versions(path, began, events):
    """From the live stream: versions of one id, the first soon, in order, each later an update."""
    if not events:
        yield "it was never told"
        return
    if len({entry["id"] for _, _, entry in events}) != 1:
        yield "several ids: %s" % sorted({entry["id"] for _, _, entry in events})
    names = [name for _, name, _ in events]
    if names[0] != "entry" or set(names[1:]) - {"update"}:
        yield "events %s" % names
    if events[-1][2]["open"]:
        yield "it still goes on: %s" % json.dumps(events[-1][2])
    if path not in FIRST:
        if len(events) != 1:
            yield "told %d times" % len(events)
        return
    at, _, first = events[0]
    if at - began > SOON:
        yield "first told after %.2f s" % (at - began)
    if not first["open"] or first["elapsed_us"] is not None:
        yield "the first version does not go on: %s" % json.dumps(first)
    yield from differs(first, FIRST[path])
    sizes = [entry[GROWS[path]] for _, _, entry in events] if path in GROWS else []
    if sizes != sorted(sizes) or (sizes and len(set(sizes)) < 3):
        yield "%s were %s" % (GROWS[path], sizes)


def judge_end(api, path, entry):
    wrong = differs(entry, WANT[path])
    if entry["ends"] != "both" or entry["role"] != "client":
        wrong.append("ends %s, role %s" % (entry["ends"], entry["role"]))
    if "complete" not in WANT[path] and not entry["complete"]:
        wrong.append("incomplete: " + entry["reason"])
    if not entry["complete"] and not entry["reason"]:
        wrong.append("no reason")
    if path in BODIES:
        side, body = BODIES[path]
        have = api.body(entry, side)
        if have != body:
            wrong.append("%s body is %r" % (side, have[:80]))
    if path == "/wait-go" and not entry["elapsed_us"] > SECONDS * 900000:
        wrong.append("elapsed %s" % entry["elapsed_us"])
    return wrong


def judge(socket_path, talked, watched, looked):
    began = {}
    with open(talked, encoding="utf-8") as file:
        for line in file:
            if line.startswith("/"):
                path, at = line.split()
                began[path] = float(at)
    began["frames"] = began["/upgrade-go"]
    api = Api(socket_path)
    events, found = list(read_events(watched)), list(read_events(looked))
    ports = {entry["src"]["port"] for entry in api.latest() if entry["summary"] == "/upgrade-go"}
    failed = False
    for path in WANT:
        told = list(of_path(events, path, ports))
        wrong = list(judge_versions(path, began[path], told))
        seen = list(of_path(found, path, ports))
        if path in FIRST and (not seen or seen[0][0] - began[path] > SOON):
            wrong.append("`open` found it after %s s"
                         % (seen[0][0] - began[path] if seen else "no"))
        if path not in FIRST and seen:
            wrong.append("`open` found it")
        stored = [entry for entry in api.latest()
                  if list(of_path([(0, "", entry)], path, ports))]
        if len(stored) != 1:
            wrong.append("%d entries" % len(stored))
        for entry in stored:
            wrong += judge_end(api, path, entry)
        print("%s: %d versions, ids %s" % (path, len(told), {e["id"] for _, _, e in told}))
        for line in wrong:
            print("    " + line)
        failed |= bool(wrong)
    sys.exit(failed)


def not_each(api, round_name, roles, state):
    want = {"open": state == "open"}
    if state == "open":
        want["elapsed_us"] = None
        want["reason"] = ""
    else:
        want["complete"] = False
        want["reason"] = "cleartap ended while it went on"
    entries = api.latest()
    for kind in ("wait", "events", "upload", "dies"):
        for role in roles.split():
            path = "/%s-%s" % (kind, round_name)
            found = [e for e in entries if e["summary"] == path and e["role"] == role]
            if len(found) != 1:
                yield "%s of the %s: %d entries" % (path, role, len(found))
            for entry in found:
                have = {name: entry[name] for name in want}
                if have != want:
                    yield "%s of the %s: %s" % (path, role, have)


def each(socket_path, *what):
    api, until = Api(socket_path), time.monotonic() + 2
    wrong = list(not_each(api, *what))
    while wrong and time.monotonic() < until:
        time.sleep(0.1)
        wrong = list(not_each(api, *what))
    sys.exit("\n".join(wrong) or 0)


{"talk": talk, "each": each, "watch": watch, "look": look, "judge": judge}[sys.argv[1]](*sys.argv[2:])
