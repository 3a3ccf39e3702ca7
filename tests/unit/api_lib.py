# SPDX-License-Identifier: GPL-2.0-or-later
"""Drives tests/unit/api_server: requests, raw sockets, event streams, TAP."""
import atexit
import gzip
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback

TOKEN = "secret-token"
WAIT = 30  # seconds until something that must happen is taken not to


class Skip(Exception):
    """What a test needs is not here."""


class Answer:
    def __init__(self, raw, method="GET"):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1]) if len(lines[0].split()) > 1 else 0
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers.setdefault(name.lower(), value.strip())
        if self.headers.get("transfer-encoding") == "chunked" and method != "HEAD":
            self.body = unchunk(self.body)
        self.encoded = self.body
        if self.headers.get("content-encoding") == "gzip" and self.body:
            self.body = gzip.decompress(self.body)

    def json(self):
        return json.loads(self.body)


def unchunk(data):
    out, at = [], 0
    while at < len(data):
        end = data.index(b"\r\n", at)
        n = int(data[at:end], 16)
        if not n:
            return b"".join(out)
        out.append(data[end + 2:end + 2 + n])
        at = end + n + 4
    raise ValueError("the answer was cut")


class Server:
    def __init__(self, *args, binary=None, path=None):
        self.dir = path or tempfile.mkdtemp(prefix="cleartap-api.")
        atexit.register(shutil.rmtree, self.dir, ignore_errors=True)
        binary = binary or os.path.join(os.environ.get("builddir", "."), "tests/unit/api_server")
        self.proc = subprocess.Popen([binary, "-s", self.dir + "/db", *args],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.proc.stdout.readline()
        if not line.strip().isdigit():
            self.proc.wait(WAIT)
            raise RuntimeError("the test server did not start: " + line)
        self.port = int(line)

    def tell(self, command):
        self.proc.stdin.write(command + "\n")
        self.proc.stdin.flush()
        return self.proc.stdout.readline().strip()

    def append(self, n):
        assert self.tell("append %d" % n) == "ok"

    def stop(self, keep=False):
        """Its exit status; not 0 when a sanitizer or MHD complained. keep: the store's directory,
        which is there until the test ends."""
        try:
            self.proc.stdin.write("quit\n")
            self.proc.stdin.close()
        except BrokenPipeError:
            pass
        status = self.proc.wait(WAIT)
        if keep:
            assert status == 0
            return self.dir
        return status

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port))
        s.settimeout(WAIT)
        return s

    def raw(self, data, sock=None):
        """Send bytes, read until the server closes."""
        s = sock or self.connect()
        out = []
        with s:
            try:
                s.sendall(data)
                while True:
                    part = s.recv(1 << 20)
                    if not part:
                        break
                    out.append(part)
            except ConnectionError:
                pass
        return b"".join(out)

    def request(self, method, target, headers=None, body=None, token=TOKEN, host=None, sock=None):
        head = "%s %s HTTP/1.1\r\n" % (method, target)
        fields = {"Host": host or "127.0.0.1:%d" % self.port, "Connection": "close"}
        if token:
            fields["Authorization"] = "Bearer " + token
        if body is not None:
            fields["Content-Length"] = str(len(body))
        fields.update(headers or {})
        head += "".join("%s: %s\r\n" % (n, v) for n, v in fields.items() if v is not None)
        raw = self.raw(head.encode() + b"\r\n" + (body or b""), sock)
        return Answer(raw, method)

    def get(self, target, **kw):
        return self.request("GET", target, **kw)


class Stream:
    """An open event stream."""

    def __init__(self, server, target="/api/stream", headers=None, read=True, rcvbuf=None):
        self.sock = socket.socket()
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.settimeout(WAIT)
        self.sock.connect(("127.0.0.1", server.port))
        fields = {"Host": "127.0.0.1:%d" % server.port, "Authorization": "Bearer " + TOKEN}
        fields.update(headers or {})
        self.sock.sendall(("GET %s HTTP/1.1\r\n" % target + "".join(
            "%s: %s\r\n" % f for f in fields.items()) + "\r\n").encode())
        self.buffer, self.text, self.head = b"", b"", None
        if read:
            self.read_head()

    def read_head(self):
        while b"\r\n\r\n" not in self.buffer:
            part = self.sock.recv(65536)
            if not part:
                raise EOFError("no answer")
            self.buffer += part
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.head = Answer(head + b"\r\n\r\n", "HEAD")

    def _fill(self):
        while True:
            size, sep, rest = self.buffer.partition(b"\r\n")
            if sep and len(rest) >= int(size, 16) + 2:
                n = int(size, 16)
                self.text += rest[:n]
                self.buffer = rest[n + 2:]
                if not n:
                    raise EOFError
                return
            part = self.sock.recv(1 << 20)
            if not part:
                raise EOFError
            self.buffer += part

    def event(self):
        """The next (event, id, data); comments are left out."""
        while True:
            while b"\n\n" not in self.text:
                self._fill()
            block, _, self.text = self.text.partition(b"\n\n")
            fields = {}
            for line in block.decode().split("\n"):
                if not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    fields[name] = value
            if "event" in fields:
                return fields["event"], fields.get("id"), json.loads(fields["data"])

    def until(self, kind):
        """Events up to and with the first of this kind, without stats."""
        out, end = [], time.monotonic() + WAIT
        while time.monotonic() < end:
            e = self.event()
            if e[0] != "stats" or kind == "stats":
                out.append(e)
            if e[0] == kind:
                return out
        raise TimeoutError("no event " + kind)

    def entries(self, n):
        """Ids of the next n entries; other events but stats are an error."""
        ids, end = [], time.monotonic() + WAIT
        while len(ids) < n:
            assert time.monotonic() < end, "%d of %d entries came" % (len(ids), n)
            kind, ident, data = self.event()
            assert kind in ("entry", "stats"), kind
            if kind == "entry":
                assert int(ident) == data["id"]
                ids.append(data["id"])
        return ids

    def close(self):
        self.sock.close()


def wait_for(check):
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.05)
    return False


def problem(a, status, parameter=None):
    assert a.status == status, (a.status, a.body[:300])
    assert a.headers["content-type"] == "application/problem+json", a.headers
    p = a.json()
    assert p["status"] == status and p["title"] and p["detail"], p
    assert p.get("parameter") == parameter, p
    return p


def run(tests):
    print("1..%d" % len(tests))
    failed = 0
    for i, test in enumerate(tests, 1):
        name = (test.__doc__ or test.__name__).strip().split("\n")[0]
        try:
            test()
            print("ok %d - %s" % (i, name), flush=True)
        except Skip as why:
            print("ok %d - %s # SKIP %s" % (i, name, why), flush=True)
        except Exception:
            failed += 1
            print("not ok %d - %s" % (i, name))
            print("".join("# " + x + "\n" for x in traceback.format_exc().splitlines()), flush=True)
    sys.exit(failed > 0)
