#!/usr/bin/env python3
"""kill -9 of either process of cleartap, at a random moment of its life, round after round.

    kill_rounds.py CLEARTAP DIRECTORY ROUNDS SEED [SECONDS]

CLEARTAP is a copy of its own, by which its processes are known; DIRECTORY has key.pem and cert.pem.
Traffic comes from this process and returns to it. A round starts cleartap on the store of the one
before, lets it go on for a while, or not even become ready, kills the server or the tracer, and looks
at what is left. Prints a line for each thing that is not as HACKING says, then a summary; status 1
when there was one. SECONDS ends it sooner, which the summary says.
"""

import glob
import http.client
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time

END_S = 12  # LIMIT_STOP_MS and some
KERNEL_S = 90  # the kernel takes the probes of a killed process out, as slowly as others let it
READY_S = 30
SETTING = "/sys/kernel/rcu_expedited"
NEW_STORE = 40  # rounds


class Traffic:
    """Requests with numbers, one after the other, and one that never ends at a time."""

    def __init__(self, folder):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.asked = 0
        for work in (self.accept, self.ask, self.hold):
            threading.Thread(target=work, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            with self.context.wrap_socket(client, server_side=True) as tls:
                while tls.recv(65536).endswith(b"\r\n\r\n"):
                    tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" + b"k" * 3000)
                tls.recv(1)
        except OSError:
            pass

    def connect(self):
        context = ssl._create_unverified_context()
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.port)))

    def ask(self):
        while True:
            with self.connect() as tls:
                for _ in range(50):
                    tls.sendall(b"GET /kill/%d HTTP/1.1\r\nHost: k\r\n\r\n" % self.asked)
                    answer = b""
                    while not answer.endswith(b"k" * 3000):
                        part = tls.recv(65536)
                        if not part:
                            return  # which is a problem: nothing is asked any more
                        answer += part
                    self.asked += 1
                    time.sleep(0.005)

    def hold(self):
        n = 0
        while True:
            n += 1
            with self.connect() as tls:
                tls.sendall(b"POST /held/%d HTTP/1.1\r\nHost: k\r\nContent-Length: 99\r\n\r\nhalf" % n)
                time.sleep(2)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.path)


def processes_of(binary):
    """Of the program, but no zombies: {pid: its arguments}."""
    found = {}
    for link in glob.glob("/proc/[0-9]*/exe"):
        try:
            if os.readlink(link).split(" (deleted)")[0] == binary:
                with open(link[:-3] + "cmdline", "rb") as f:
                    found[int(link.split("/")[2])] = f.read().split(b"\0")
        except OSError:
            pass
    return found


def kernel_ids(pids):
    """Programs and links of BPF that processes hold: {("prog", 17), ...}."""
    held = set()
    for pid in pids:
        for info in glob.glob("/proc/%d/fdinfo/*" % pid):
            try:
                with open(info) as f:
                    for line in f:
                        kind, _, value = line.partition(":")
                        if kind in ("prog_id", "link_id") and int(value):
                            held.add((kind[:4], int(value)))
            except (OSError, ValueError):
                pass
    return held


def kernel_has(held):
    there = set()
    for kind in ("prog", "link"):
        out = subprocess.run(["bpftool", "-j", kind, "show"], capture_output=True, timeout=20)
        try:
            there |= {(kind, o["id"]) for o in json.loads(out.stdout or b"[]") if "id" in o}
        except ValueError:
            pass
    return held & there


def until(seconds, condition):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def is_there(pid):
    """A zombie is not."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def setting_is_off():
    with open(SETTING) as f:
        return f.read().strip() == "0"


class Rounds:
    def __init__(self, binary, folder, seed):
        self.binary, self.folder = os.path.realpath(binary), folder
        self.random = random.Random(seed)
        self.traffic = Traffic(folder)
        self.round = self.problems = self.ready = self.told_all = self.held_all = 0
        self.killed = {"server": 0, "tracer": 0}
        self.slowest = 0
        self.new_store()

    def new_store(self):
        self.store = os.path.join(self.folder, "s")
        shutil.rmtree(self.store, ignore_errors=True)
        os.mkdir(self.store, 0o755)
        self.told, self.held = {}, set()

    def complain(self, what):
        self.problems += 1
        print("# round %d: %s" % (self.round, what), flush=True)
        with open(self.folder + "/log") as f:
            for line in f.read().splitlines()[-8:]:
                print("#     " + line)

    def start(self):
        self.out = open(self.folder + "/out", "wb")
        self.log = open(self.folder + "/log", "wb")
        self.child = subprocess.Popen(
            [self.binary, "--store", self.store + "/store.db", "--listen", "127.0.0.1:0",
             "--unix-socket", self.folder + "/sock", "--token-file", self.folder + "/token",
             "--pid", str(os.getpid()), "--split-ends"], stdout=self.out, stderr=self.log)

    def get(self, path):
        connection = UnixConnection(self.folder + "/sock")
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    def is_ready(self):
        try:
            return self.get("/readyz")[0] == 200
        except (OSError, ValueError, http.client.HTTPException):
            return False

    def await_ready(self):
        began = time.monotonic()
        if not until(READY_S, lambda: self.child.poll() is not None or self.is_ready()):
            self.complain("it did not become ready")
        elif self.child.poll() is not None:
            self.complain("it did not start: status %s" % self.child.returncode)
        else:
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.ready += 1
            return True
        return False

    def check_told(self):
        """What was told before is there as it was, and what went on then has ended."""
        for ident, summary in self.told.items():
            status, entry = self.get("/api/entries/%d" % ident)
            if status != 200 or entry["summary"] != summary:
                self.complain("entry %d (%s) is gone: %d" % (ident, summary, status))
        for ident in self.held:
            status, entry = self.get("/api/entries/%d" % ident)
            # its end may have been stored, but not told any more
            if status != 200 or entry["open"] or entry["complete"] or not entry["reason"]:
                self.complain("entry %d is still open: %s" % (ident, json.dumps(entry)[:300]))
        self.told_all += len(self.told)
        self.held_all += len(self.held)
        self.told, self.held = {}, set()

    def watch(self, seconds):
        """For as long, note what is told."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                entries = self.get("/api/entries?limit=100")[1]["entries"]
            except (OSError, ValueError, KeyError, http.client.HTTPException) as e:
                self.complain("the API: %r" % e)
                return
            # what is said of a connection grows with it, and it may end well, with the server
            entries = [e for e in entries if e["protocol"] != "tcp"]
            self.held = {e["id"] for e in entries if e["open"]}
            self.told.update({e["id"]: e["summary"] for e in entries})
            time.sleep(min(0.05, max(0, end - time.monotonic())))

    def server(self):
        own = processes_of(self.binary)
        pids = [p for p, a in own.items() if p != self.child.pid and b"--helper" not in a]
        return pids[0] if pids else None

    def kill(self):
        victim = self.random.choice(["server", "tracer"])
        server = self.server()
        if not server:
            victim = "tracer"
        held = kernel_ids([self.child.pid] + ([server] if server else []))
        os.kill(server if victim == "server" else self.child.pid, signal.SIGKILL)
        self.killed[victim] += 1
        if server and not until(END_S, lambda: not is_there(server)):
            self.complain("kill of the %s: the server is still there" % victim)
        try:
            status = self.child.wait(KERNEL_S if victim == "tracer" else END_S)
        except subprocess.TimeoutExpired:
            status = "it did not end"
            self.child.kill()
            self.child.wait()
        if status != (3 if victim == "server" else -signal.SIGKILL):
            self.complain("kill of the %s: status %s" % (victim, status))
        return held

    def check_left(self, held):
        if not until(END_S, lambda: not processes_of(self.binary)):
            left = processes_of(self.binary)
            self.complain("left: %s" % left)
            for pid in left:
                os.kill(pid, signal.SIGKILL)
        asked = self.traffic.asked
        if not until(5, lambda: self.traffic.asked > asked):
            self.complain("the traced program does not go on")
        # another cleartap may be attaching just now
        if not until(3, setting_is_off):
            self.complain("rcu_expedited was left")
        if held and not until(10, lambda: not kernel_has(held)):
            self.complain("left in the kernel: %s" % sorted(kernel_has(held))[:9])

    def check_store(self):
        """A copy, so that it is not this look that repairs it."""
        if not os.path.exists(self.store + "/store.db"):
            return
        copy = os.path.join(self.folder, "copy")
        shutil.rmtree(copy, ignore_errors=True)
        os.mkdir(copy)
        for name in ("store.db", "store.db-wal"):
            if os.path.exists(self.store + "/" + name):
                shutil.copy(self.store + "/" + name, copy)
        try:
            db = sqlite3.connect(copy + "/store.db")
            said = db.execute("PRAGMA integrity_check").fetchall()
            db.close()
        except sqlite3.Error as e:
            said = repr(e)
        if said != [("ok",)]:
            self.complain("the database: %s" % said)

    def run(self):
        self.round += 1
        self.start()
        if self.random.random() < 0.35:
            time.sleep(self.random.uniform(0, 0.8))
        elif self.await_ready():
            self.check_told()
            self.watch(self.random.choice((0, 0.3, 1)) * self.random.random() * 1.5)
        held = set()
        if self.child.poll() is None:
            held = self.kill()
        else:
            self.complain("it ended by itself: status %s" % self.child.returncode)
        self.check_left(held)
        self.check_store()
        self.out.close()
        self.log.close()

    def last(self):
        """The end of all: it starts once more, has everything, and ends well."""
        self.start()
        if self.await_ready():
            self.check_told()
            self.child.terminate()
        try:
            status = self.child.wait(END_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            status = "it did not end"
        if status:
            self.complain("at the end: status %s" % status)
        self.check_left(set())


def main():
    binary, folder, rounds, seed = sys.argv[1:5]
    end = time.monotonic() + (float(sys.argv[5]) if len(sys.argv) > 5 else 7 * 86400)
    r = Rounds(binary, folder, seed)
    while r.round < int(rounds) and time.monotonic() < end and r.problems < 20:
        if r.round and r.round % NEW_STORE == 0:
            r.new_store()
        r.run()
    r.last()
    print("# %d rounds of %s (seed %s): the server was killed %d times, the tracer %d; %d became ready,"
          " the slowest in %.1f s; %d entries were told before and looked for, %d of them open" %
          (r.round, rounds, seed, r.killed["server"], r.killed["tracer"], r.ready, r.slowest,
           r.told_all, r.held_all))
    print("# %d problems" % r.problems)
    sys.exit(r.problems > 0 or r.told_all == 0)


main()
