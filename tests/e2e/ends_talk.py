#!/usr/bin/env python3
"""Requests with an id of their own over TLS, and what cleartap tells of them.

    ends_talk.py load PORT FIRST COUNT [--connections N] [--per-connection N] [--ahead N] [--port P]
                 [--pause SECONDS] [--until FILE]
    ends_talk.py hang PORT ID --until FILE
    ends_talk.py check SOCKET FIRST COUNT FRONT BACK [--some | --joined]

load asks for /e/ID; `ahead` requests are sent before an answer is read; with --port all connections
have that local port, one after the other. hang sends the last byte of an upload once FILE is there. check wants
exactly one entry of both ends for each id and hop; with --some an exchange may be told by one end,
but must say that records were lost; with --joined an answer whose request came before cleartap is none too many.
"""

import argparse
import json
import os
import socket
import ssl
import struct
import sys
import threading
import time

from check_entries import Api


def connect(args):
    raw = socket.socket()
    if args.port:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for attempt in range(200):
            try:
                raw.bind(("127.0.0.1", args.port))
                break
            except OSError:
                time.sleep(0.01)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    raw.settimeout(20)
    raw.connect(("127.0.0.1", args.server))
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(raw)


def read_answer(tls, data):
    """One answer off the front of what came, and the rest."""
    while True:
        head, blank, rest = data.partition(b"\r\n\r\n")
        if blank:
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            if len(rest) >= length:
                return rest[:length], rest[length:]
        more = tls.recv(65536)
        if not more:
            raise OSError("closed in an answer")
        data += more


def converse(args, ids):
    tls, rest = connect(args), b""
    for i in range(0, len(ids), args.ahead):
        group = ids[i:i + args.ahead]
        tls.sendall(b"".join(b"GET /e/%d HTTP/1.1\r\nHost: ends\r\nX-Id: %d\r\n\r\n" % (n, n)
                             for n in group))
        for n in group:
            body, rest = read_answer(tls, rest)
            if not body.startswith(b"id %d." % n):
                raise OSError("the answer to %d is %r" % (n, body[:40]))
        if args.pause:
            time.sleep(args.pause)
        if args.until and os.path.exists(args.until):
            print(group[-1])
            break
    tls.close()


def load(args):
    ids = list(range(args.first, args.first + args.count))
    parts = [ids[i:i + args.per_connection] for i in range(0, len(ids), args.per_connection)]
    failed = []

    def work(own):
        try:
            for part in own:
                converse(args, part)
        except (OSError, ValueError, IndexError) as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(parts[i::args.connections],))
               for i in range(args.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        sys.exit("%d connections failed: %s" % (len(failed), failed[0]))


def hang(args):
    tls = connect(args)
    tls.sendall(b"POST /e/%d HTTP/1.1\r\nHost: ends\r\nX-Id: %d\r\nContent-Length: 4\r\n\r\nabc"
                % (args.id, args.id))
    while not os.path.exists(args.until):
        time.sleep(0.05)
    tls.sendall(b"d")
    read_answer(tls, b"")
    tls.close()


def faults(entry, ports):
    """What contradicts that an entry of both ends is one exchange of these programs."""
    hop = ports.index(entry["dst"]["port"])
    want = {
        "role": "client", "complete": True, "status_code": 200, "lost_bytes": 0, "open": False,
        "src.process": "nginx" if hop else "python3", "dst.process": "nginx",
    }
    for name, value in want.items():
        have = entry
        for part in name.split("."):
            have = have.get(part)
        if have != value:
            yield "%s is %s" % (name, have)
    if not 0 <= entry["server_elapsed_us"] or not entry["elapsed_us"] >= 0:
        yield "elapsed %s, at the server %s" % (entry["elapsed_us"], entry["server_elapsed_us"])
    if entry["src"]["pid"] == entry["dst"]["pid"] or not entry["src"]["pid"]:
        yield "pids %d and %d" % (entry["src"]["pid"], entry["dst"]["pid"])


def says_why(api, entry):
    detail = json.loads(api.get("/api/entries/%d" % entry["id"]))
    text = " ".join(detail.get("notes", [])) + entry["reason"]
    return "lost" in text or "not copied" in text or "not seen" in text


def judge(api, args):
    """Lines of what is wrong, and what was counted."""
    ports = [args.front, args.back]
    told = {(n, p): [] for n in range(args.first, args.first + args.count) for p in ports}
    count = {"both": 0, "client": 0, "server": 0, "": 0}
    wrong = []
    query = ("(dst.port == %d or dst.port == %d) and (path == nil or path.startsWith(\"/e/%d\")) and !tcp and !tlsx"
             % (*ports, args.first // 100000))
    for entry in api.matching(query):
        path = entry["summary"]
        key = (int(path[3:]) if path.startswith("/e/") else -1, entry["dst"]["port"])
        if key not in told:
            if key[0] == -1 and args.some and says_why(api, entry):
                continue
            if key[0] == -1 and args.joined and entry["reason"] == "the request was not seen":
                continue
            if key[0] == -1:
                wrong.append("not asked for: %s" % json.dumps(entry))
            continue
        told[key].append(entry)
        count[entry["ends"]] += 1
    for key, entries in told.items():
        both = [entry for entry in entries if entry["ends"] == "both"]
        if not args.some:
            wrong += ["%s %s: %s" % (*key, fault) for entry in both
                      for fault in faults(entry, ports)]
        if len(both) == 1 and len(entries) == 1:
            continue
        if not args.some or len(both) > 1:
            wrong.append("%s: %d entries of both ends, %d in all"
                         % (key, len(both), len(entries)))
            continue
        wrong += ["%s does not say why it is alone: %s" % (key, json.dumps(entry))
                  for entry in entries if entry not in both and not says_why(api, entry)]
    return wrong, count


def check(args):
    api = Api(args.socket)
    deadline = time.monotonic() + 30
    last = None
    while True:
        wrong, count = judge(api, args)
        if (not wrong and count == last) or time.monotonic() > deadline:
            break
        last = count
        time.sleep(1)
    print("of both ends %(both)d, of the client %(client)d, of the server %(server)d" % count)
    print("\n".join(wrong[:8]))
    sys.exit(bool(wrong))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("load")
    one.set_defaults(run=load)
    for name in "server", "first", "count":
        one.add_argument(name, type=int)
    one.add_argument("--connections", type=int, default=4)
    one.add_argument("--per-connection", type=int, default=1000000)
    one.add_argument("--ahead", type=int, default=1)
    one.add_argument("--port", type=int, default=0)
    one.add_argument("--pause", type=float, default=0)
    one.add_argument("--until", default="")
    hanging = commands.add_parser("hang")
    hanging.set_defaults(run=hang, port=0)
    hanging.add_argument("server", type=int)
    hanging.add_argument("id", type=int)
    hanging.add_argument("--until", required=True)
    two = commands.add_parser("check")
    two.set_defaults(run=check)
    two.add_argument("socket")
    for name in "first", "count", "front", "back":
        two.add_argument(name, type=int)
    two.add_argument("--some", action="store_true")
    two.add_argument("--joined", action="store_true")
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
