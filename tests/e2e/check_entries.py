#!/usr/bin/env python3
"""Check what cleartap has stored against what is known to have been sent.

    check_entries.py --socket PATH --method GET --path /x --status 200 --role client ...
    check_entries.py --json FILE ...

Every option names what an entry must hold; FIELD=VALUE names any other field (src.name=, bind=).
Exactly --count entries (1) must hold all of it, else the nearest one is shown with what differs.
With --socket the question is asked again until it is answered right, twice in a row, or --wait
seconds are over.
A FILE holds answers of /api/entries, or of /api/entries/ID, which have the bodies.
"""

import argparse
import http.client
import json
import socket
import sys
import time
import urllib.parse

# option: field of the entry
FIELDS = {
    "protocol": "protocol", "version": "version", "method": "method", "path": "summary",
    "status": "status_code", "role": "role", "library": "library", "bind": "bind",
    "src-ip": "src.ip", "src-port": "src.port", "src-pid": "src.pid",
    "src-process": "src.process", "dst-ip": "dst.ip", "dst-port": "dst.port",
    "dst-pid": "dst.pid", "dst-process": "dst.process", "goroutine": "goroutine",
    "request-size": "request_size", "response-size": "response_size",
}


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


class Api:
    """Entries of a running cleartap."""

    def __init__(self, path):
        self.path = path

    def get(self, target):
        connection = UnixConnection(self.path)
        connection.request("GET", target)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        if response.status == 404 and target.endswith("/body") and b"has no body" in body:
            return b""
        if response.status != 200:
            raise OSError("GET %s: %d %s" % (target, response.status, body[:200]))
        return body

    def entries(self, expected):
        """Those that a filter leaves; on a busy machine there are many others."""
        terms = ["%s == %s" % (name, json.dumps(expected[name]) if name == "summary"
                               else expected[name])
                 for name in ("summary", "src.port", "dst.port")
                 if expected.get(name, "!")[:1] != "!"]
        return self.matching(" and ".join(terms))

    def matching(self, query):
        found, before, query = [], "", urllib.parse.quote(query)
        while True:
            page = json.loads(self.get("/api/entries?limit=1000&q=" + query + before))
            found += page["entries"]
            if page["next"] is None:
                return found
            before = "&before=%s" % page["next"]

    def latest(self):
        return json.loads(self.get("/api/entries?limit=1000"))["entries"]

    def body(self, entry, side):
        return self.get("/api/entries/%d/%s/body" % (entry["id"], side))


class File:
    """Entries that were written to a file."""

    def __init__(self, path):
        self.values = []
        with open(path, encoding="utf-8") as file:
            text = file.read().strip()
        while text:
            value, end = json.JSONDecoder().raw_decode(text)
            text = text[end:].lstrip()
            if isinstance(value, dict):
                value = value.get("entries", [value])
            self.values += value

    def entries(self, expected):
        return self.values

    def latest(self):
        return self.values

    def body(self, entry, side):
        return entry.get(side, {}).get("body", "").encode()


def field_of(entry, path):
    for name in path.split("."):
        entry = entry.get(name) if isinstance(entry, dict) else None
    return entry


def text_of(value):
    return json.dumps(value) if isinstance(value, (bool, type(None))) else str(value)


def differences(source, entry, expected, bodies):
    """What is not as expected, as sentences; bodies are asked for when all else fits."""
    found = []
    for path, value in expected.items():
        have = text_of(field_of(entry, path))
        if value.startswith("!"):
            if have == value[1:]:
                found.append("%s is %s" % (path, have))
        elif have != value:
            found.append("%s is %s, expected %s" % (path, have, value))
    if found:
        return found
    for side, body in bodies.items():
        have = source.body(entry, side)
        if have != body:
            at = next((i for i, pair in enumerate(zip(have, body)) if pair[0] != pair[1]),
                      min(len(have), len(body)))
            found.append("%s body of %d bytes differs from the expected %d bytes at %d: %r, %r"
                         % (side, len(have), len(body), at, have[at:at + 40], body[at:at + 40]))
    return found


def check(source, args):
    """Empty when all is right, else the diagnosis."""
    def judge(entries):
        return [(differences(source, entry, args.expected, args.bodies), entry)
                for entry in entries]

    judged = judge(source.entries(args.expected))
    right = [entry for wrong, entry in judged if not wrong]
    if len(right) == args.count:
        return ""
    lines = ["%d entries are as expected, not %d" % (len(right), args.count)]
    judged = judged or judge(source.latest())
    lines += ["as expected: " + json.dumps(entry) for entry in right[:4]]
    judged = sorted((pair for pair in judged if pair[0]), key=lambda pair: len(pair[0]))
    for wrong, entry in judged[:2 if len(right) < args.count else 0]:
        lines += ["near: " + json.dumps(entry)] + ["    " + line for line in wrong]
    return "\n".join(lines)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--socket", help="unix socket of a running cleartap")
    where.add_argument("--json", help="file with entries")
    for option, path in FIELDS.items():
        parser.add_argument("--" + option, dest=path, metavar="VALUE")
    parser.add_argument("--complete", action="store_true", help="complete, and nothing lost")
    parser.add_argument("--incomplete", action="store_true")
    parser.add_argument("--request-body", metavar="FILE", help="decoded body, byte by byte")
    parser.add_argument("--response-body", metavar="FILE")
    parser.add_argument("--count", type=int, default=1, help="entries that must fit")
    parser.add_argument("--wait", type=float, default=20, help="seconds to ask again")
    parser.add_argument("field", nargs="*", metavar="FIELD=VALUE", help="FIELD=!VALUE for not")
    args = parser.parse_intermixed_args()

    args.expected = {path: getattr(args, path) for path in FIELDS.values()
                     if getattr(args, path) is not None}
    if args.complete:
        args.expected.update({"complete": "true", "lost_bytes": "0", "truncated_bytes": "0"})
    if args.incomplete:
        args.expected["complete"] = "false"
    for pair in args.field:
        path, equals, value = pair.partition("=")
        if not equals:
            parser.error("%s is not FIELD=VALUE" % pair)
        args.expected[path] = value
    args.bodies = {}
    for side in ("request", "response"):
        path = getattr(args, side + "_body")
        if path:
            with open(path, "rb") as file:
                args.bodies[side] = file.read()
    return args


def main():
    args = parse_arguments()
    source = File(args.json) if args.json else Api(args.socket)
    deadline = time.monotonic() + (args.wait if args.socket else 0)
    answers = []
    while True:
        try:
            answers.append(check(source, args))
        except OSError as error:
            answers.append(str(error))
        if args.json or answers[-2:] == ["", ""] or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    if answers[-1]:
        sys.exit(answers[-1])


if __name__ == "__main__":
    main()
