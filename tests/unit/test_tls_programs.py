#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Handshakes of real programs, made now, read by us and by tshark: both must say the same.

Programs talk over loopback through a relay that writes down what passes. Of that a pcap is made for
tshark, and a transcript for tls_tool.
"""
import hashlib
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

TOOL = os.path.join(os.environ.get("builddir", "."), "tests/unit/tls_tool")
WORK = tempfile.mkdtemp(prefix="cleartap-tls-")
SECONDS = 20  # no program takes longer


def path(name):
    return os.path.join(WORK, name)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Relay:
    """One connection from its port to another; said: [(from the client?, bytes)] in order."""

    def __init__(self, to):
        self.to, self.said, self.lock = to, [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        self.listener.settimeout(SECONDS)
        try:
            client = self.listener.accept()[0]
        except OSError:
            return
        server = socket.create_connection(("127.0.0.1", self.to), SECONDS)
        ways = [threading.Thread(target=self.pump, args=a, daemon=True)
                for a in ((client, server, True), (server, client, False))]
        for t in ways:
            t.start()
        for t in ways:
            t.join(SECONDS)
        client.close()
        server.close()

    def pump(self, a, b, from_client):
        a.settimeout(SECONDS)
        try:
            while data := a.recv(65536):
                with self.lock:
                    self.said.append((from_client, data))
                    b.sendall(data)
        except OSError:
            pass
        try:
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def done(self):
        self.thread.join(SECONDS)
        self.listener.close()
        return self.said


def transcript(said):
    return "".join("%s %s\n" % ("c" if c else "s", data.hex()) for c, data in said)


def pcap(all_said, name):
    """Ethernet, IPv4, TCP from ports 10000, ... to 443; checksums are left out."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)]

    def packet(end, seq, c, flags, data=b""):
        (src, sport), (dst, dport) = end[c], end[not c]
        tcp = struct.pack(">HHIIBBHHH", sport, dport, seq[c], seq[not c], 80, flags, 65535, 0, 0)
        ip = struct.pack(">BBHHHBBH4s4s", 69, 0, 40 + len(data), 0, 0, 64, 6, 0,
                         socket.inet_aton(src), socket.inet_aton(dst))
        frame = b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + ip + tcp + data
        out.append(struct.pack("<IIII", len(out), 0, len(frame), len(frame)) + frame)
        seq[c] += len(data) + bool(flags & 2)

    for n, said in enumerate(all_said):
        end = {True: ("10.0.0.1", 10000 + n), False: ("10.0.0.2", 443)}
        seq = {True: 1000, False: 5000}
        packet(end, seq, True, 2)
        packet(end, seq, False, 18)
        packet(end, seq, True, 16)
        for c, data in said:
            for at in range(0, len(data), 30000):
                packet(end, seq, c, 24, data[at:at + 30000])
    with open(name, "wb") as f:
        f.write(b"".join(out))


FIELDS = ["tcp.port", "tls.handshake.type", "tls.handshake.ja3", "tls.handshake.ja3s", "tls.handshake.ja4",
          "tls.handshake.ciphersuite", "tls.handshake.extension.type",
          "tls.handshake.extensions_server_name", "tls.handshake.extensions_alpn_str",
          "tls.handshake.extensions_supported_group", "tls.handshake.sig_hash_alg",
          "tls.handshake.extensions_key_share_group", "tls.handshake.extensions.supported_version",
          "tls.handshake.version", "tls.alert_message.desc", "tls.handshake.random"]


def tshark_fields():
    """Those of FIELDS that this tshark has: JA4 came with 4.2."""
    known = subprocess.run(["tshark", "-G", "fields"], capture_output=True, text=True).stdout
    names = {line.split("\t")[2] for line in known.splitlines() if line.startswith("F\t")}
    return [f for f in FIELDS if f in names]


def tshark(all_said):
    """Of each: [{field: [values]}], one for each packet with a handshake message or an alert."""
    have = tshark_fields()
    pcap(all_said, path("c.pcap"))
    command = ["tshark", "-n", "-r", path("c.pcap"), "-d", "tcp.port==443,tls", "-T", "fields",
               "-Y", "tls.handshake.type or tls.alert_message.desc", "-E", "occurrence=a",
               "-E", "aggregator=|"]
    for f in have:
        command += ["-e", f]
    out = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    packets = [[] for _ in all_said]
    for line in out.splitlines():
        p = dict(zip(have, ([v for v in column.split("|") if v] for column in line.split("\t"))))
        port = next(int(v) for v in p["tcp.port"] if v != "443")
        packets[port - 10000].append(p)
    return packets


def ours(said, cut=0):
    r = subprocess.run([TOOL, str(cut), NOW], input=transcript(said), capture_output=True, text=True,
                       timeout=60)
    assert r.returncode == 0, (r.returncode, r.stderr)
    return json.loads(r.stdout)


GREASE = {0x0A0A + 0x1010 * i for i in range(16)}
RETRY = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"


def numbers(values):
    return [int(v, 0) for v in values if int(v, 0) not in GREASE]


def codes():
    """{kind: {name: code}} of our table."""
    table = {}
    here = os.path.join(os.environ.get("srcdir", "."), "src/tls/tls_names.def")
    for line in open(here):
        if line.startswith("NAME("):
            kind, code, name = line[5:line.rindex(")")].split(", ", 2)
            table.setdefault(kind, {})[name.strip('"')] = int(code, 0)
    return table


def to_codes(kind, names):
    return [CODES[kind][n] if n in CODES[kind] else int(n, 16) for n in names]


def first(packets, kind, retry=False):
    """The first packet with this message; of a ServerHello, the one that is (not) a retry."""
    for p in packets:
        if str(kind) not in p["tls.handshake.type"]:
            continue
        random = p["tls.handshake.random"][0].replace(":", "")
        if kind != 2 or (random == RETRY) == retry:
            return p
    return None


def compare(said, packets):
    """Ours with tshark's, member by member. Entry and tls_info, for more to be asked of them."""
    mine = ours(said)
    for cut in (1, 3, 100):
        assert ours(said, cut) == mine, "in pieces of %d it is another" % cut
    t = mine["detail"]["tls_info"]
    hello, server = first(packets, 1), first(packets, 2)

    def same(name, kind, values):
        a, b = to_codes(kind, t.get(name, [])), numbers(values)
        assert a == b, (name, a, b)

    # Of a packet with both hellos of a retry all values would be there twice.
    assert t["ja3"] == hello["tls.handshake.ja3"][0], (t["ja3"], hello)
    if hello.get("tls.handshake.ja4"):
        assert t["ja4"] == hello["tls.handshake.ja4"][0], (t["ja4"], hello)
    same("cipher_suites", "SUITES", hello["tls.handshake.ciphersuite"])
    same("extensions", "EXTENSIONS", hello["tls.handshake.extension.type"])
    same("groups", "GROUPS", hello["tls.handshake.extensions_supported_group"])
    same("key_shares", "GROUPS", hello["tls.handshake.extensions_key_share_group"])
    signatures = t.get("signatures", []) + t.get("certificate_signatures", [])
    assert sorted(to_codes("SIGNATURES", signatures)) == \
        sorted(numbers(hello["tls.handshake.sig_hash_alg"])), t["signatures"]
    versions = hello["tls.handshake.extensions.supported_version"] or \
        hello["tls.handshake.version"]
    same("versions", "VERSIONS", versions)
    assert t.get("alpn_offered", []) == hello["tls.handshake.extensions_alpn_str"]
    assert t.get("sni", "") == "".join(hello["tls.handshake.extensions_server_name"])
    if server:
        assert t["ja3s"] == server["tls.handshake.ja3s"][0], (t["ja3s"], server)
        assert to_codes("SUITES", [t["cipher"]]) == numbers(server["tls.handshake.ciphersuite"])
        version = server["tls.handshake.extensions.supported_version"] or \
            server["tls.handshake.version"]
        assert to_codes("VERSIONS", [t["version"]]) == numbers(version[:1])
    else:
        assert "version" not in t
    assert ("hello_retry_request" in t) == (first(packets, 2, True) is not None)
    return mine["entry"], t


def wait_for(port):
    end = time.time() + SECONDS
    while time.time() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("no server on %d" % port)


def openssl_server(*options, key="rsa"):
    port = free_port()
    p = subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-quiet",
                          "-cert", path(key + ".pem"), "-key", path(key + ".key"), *options],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    return p, port


def run_client(command, text=b"Q\n", env=None):
    p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, env=dict(os.environ, **(env or {})))
    try:
        p.communicate(text, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        p.kill()
        p.wait()


def talk(client, *server_options, key="rsa", server=openssl_server, text=b"Q\n", env=None):
    """What was said between a server and client(port), a command."""
    p, port = server(*server_options, key=key)
    try:
        wait_for(port)
        relay = Relay(port)
        run_client(client(relay.port), text, env)
        return relay.done()
    finally:
        p.terminate()
        p.wait()


def s_client(*options):
    return lambda port: ["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, *options]


# A test says first what was talked, a list; once tshark has read it all, it asks of each.


def make_keys():
    def certificate(name, kind, *more):
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-newkey", kind, "-subj",
                        "/O=Tests/CN=%s.example" % name, "-addext",
                        "subjectAltName=DNS:%s.example,DNS:*.%s.example,IP:127.0.0.1,IP:::1"
                        % (name, name), "-keyout", path(name + ".key"),
                        "-out", path(name + ".pem"), *more], check=True, capture_output=True)
    certificate("rsa", "rsa:2048", "-days", "90")
    certificate("short", "rsa:1024", "-days", "10", "-sha1")
    certificate("ec", "ec:" + path("ec.parameters"), "-days", "400")


def openssl_1_3():
    """TLS 1.3 of OpenSSL"""
    [(e, t)] = yield [talk(s_client("-servername", "one.example", "-alpn", "h2,http/1.1"),
                           "-alpn", "h2")]
    assert e["status"] == "TLS 1.3" and e["summary"] == "one.example" and e["complete"], e
    assert e["elapsed_us"] > 0 and e["protocol"] == "tlsx" and e["version"] == "1.3", e
    assert t["sni"] == "one.example" and t["alpn_offered"] == ["h2", "http/1.1"]
    assert t["group"] == "x25519" and "alpn" not in t and "certificate" not in t, t
    assert t["post_quantum"] is False and t["resumed"] is False and "weak" not in t, t


def openssl_1_2():
    """TLS 1.2 of OpenSSL, with its certificate"""
    said = talk(s_client("-tls1_2", "-alpn", "h2", "-servername", "two.example"), "-alpn", "h2")
    [(e, t)] = yield [said]
    assert e["status"] == "TLS 1.2" and e["complete"] and e["tls_alpn"] == "h2", e
    c = t["certificate"]
    assert c["subject"] == "CN=rsa.example,O=Tests" and c["self_signed"], c
    assert c["names"] == ["rsa.example", "*.rsa.example", "127.0.0.1", "::1"], c
    assert c["key"] == "RSA" and c["key_bits"] == 2048 and c["signature"] == "RSA-SHA256", c
    assert c["chain"] == 1 and t["group"] == "x25519" and t["ticket_length"] > 0, t
    assert t["signature"] == "rsa_pss_rsae_sha256" and t["not_after"] == c["not_after"], t
    der = subprocess.run(["openssl", "x509", "-in", path("rsa.pem"), "-outform", "DER"],
                         capture_output=True, check=True).stdout
    assert c["sha256"] == hashlib.sha256(der).hexdigest() and c["size"] == len(der)
    assert [v["name"] for v in ours(said)["detail"]["events"]] == [
        "client_hello", "server_hello", "client_change_cipher_spec", "server_change_cipher_spec",
        "handshake_done"]


def old_versions():
    """TLS 1.0 and 1.1: weak"""
    names = {"-tls1": "TLS 1.0", "-tls1_1": "TLS 1.1"}
    answers = yield [talk(s_client(o, "-cipher", "ALL:@SECLEVEL=0"), o, "-cipher",
                          "ALL:@SECLEVEL=0") for o in names]
    for name, (e, t) in zip(names.values(), answers):
        assert e["status"] == name and name in t["weak"] and name in t["weak_offered"], t
        assert e["tls_weak"] == name and "signature" not in t, e


def weak_certificate():
    """a short key, SHA-1, soon expiring"""
    [(e, t)] = yield [talk(s_client("-tls1_2", "-cipher", "ALL:@SECLEVEL=0"), "-cipher",
                           "ALL:@SECLEVEL=0", key="short")]
    assert t["weak"] == ["SHA-1", "RSA below 2048", "soon expiring"], t["weak"]


def suites():
    """CBC, CCM, ChaCha20, DHE, ECDSA, anonymous, PSK, NULL"""
    ciphers = (("ECDHE-RSA-AES128-SHA", "rsa", None), ("ECDHE-ECDSA-AES256-CCM8", "ec", None),
               ("ECDHE-ECDSA-CHACHA20-POLY1305", "ec", None),
               ("DHE-RSA-AES128-GCM-SHA256", "rsa", None), ("AES256-SHA256", "rsa", None),
               ("NULL-SHA256", "rsa", "NULL"), ("ADH-AES128-SHA", "rsa", "anonymous"))
    psk = ("-psk", "0011223344", "-cipher", "ECDHE-PSK-AES128-CBC-SHA256")
    said = []
    for cipher, key, _ in ciphers:
        c = cipher + ":@SECLEVEL=0"
        said.append(talk(s_client("-tls1_2", "-cipher", c), "-cipher", c, key=key))
    answers = yield said + [talk(s_client("-tls1_2", *psk), "-nocert", *psk)]
    for (cipher, _, weak), (e, t) in zip(ciphers, answers):
        assert e["complete"], (cipher, e)
        assert (weak in t.get("weak", [])) == (weak is not None), (cipher, t)
        if cipher.startswith("DHE"):
            assert t["dh_bits"] == 2048, t
        if cipher == "ECDHE-RSA-AES128-SHA":
            assert t["encrypt_then_mac"], t
    e, t = answers[-1]
    assert e["complete"] and t["group"] == "x25519", t


def retry():
    """HelloRetryRequest"""
    [(e, t)] = yield [talk(s_client("-groups", "X448:P-256"), "-groups", "P-256")]
    assert t["hello_retry_request"]["group"] == "secp256r1" and t["key_shares"] == ["x448"], t
    assert t["group"] == "secp256r1" and e["complete"] and e["elapsed_us"] > 0, (e, t)


def resume(option):
    """What is said when a session is resumed, with early data where there can be."""
    session = path("session" + option)
    p, port = openssl_server("-early_data")
    try:
        wait_for(port)
        for n in range(2):
            relay = Relay(port)
            more = ["-sess_in" if n else "-sess_out", session]
            if n and option == "-tls1_3":
                with open(path("early"), "w") as f:
                    f.write("early\n")
                more += ["-early_data", path("early")]
            q = subprocess.Popen(s_client(option, *more)(relay.port), stdin=subprocess.PIPE,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            # The ticket comes after the handshake: wait for it.
            end = time.time() + SECONDS
            while not os.path.exists(session) and time.time() < end:
                time.sleep(0.05)
            q.communicate(b"Q\n", timeout=SECONDS)
            said = relay.done()
        return said
    finally:
        p.terminate()
        p.wait()


def resumption():
    """sessions that are resumed, and early data"""
    answers = yield [resume("-tls1_2"), resume("-tls1_3")]
    for new, (e, t) in enumerate(answers):
        assert t["resumed"] is True and "certificate" not in t and e["complete"], (new, e, t)
        assert t["psk_identities"] == 1 if new else t["ticket_offered_length"], t
        assert t.get("early_data", False) == bool(new), t


def failures():
    """alerts: no common version, no common suite, unknown authority"""
    a, b, c = yield [
        talk(s_client("-tls1_3"), "-tls1_2"),
        talk(s_client("-tls1_2", "-cipher", "AES128-SHA"), "-cipher", "AES256-SHA"),
        talk(s_client("-tls1_2", "-verify_return_error", "-verify", "1"))]
    e, t = a
    assert e["status"] == "protocol_version" and e["failed"] and e["complete"], e
    assert t["alerts"] == [{"from": "server", "level": "fatal", "alert": "protocol_version"}], t
    e, t = b
    assert e["status"] == "handshake_failure" and "version" not in t, e
    e, t = c
    assert e["failed"] and t["alerts"][0]["from"] == "client", (e, t)


def client_certificate():
    """a client with a certificate"""
    [(e, t)] = yield [talk(s_client("-tls1_2", "-cert", path("ec.pem"), "-key", path("ec.key")),
                           "-verify", "1")]
    assert t["certificate_asked"] and t["client_certificate"]["key"] == "EC/ECDSA", t
    assert t["client_certificate"]["subject"] == "CN=ec.example,O=Tests", t


def gnutls():
    """gnutls-cli, several priorities"""
    def cli(priority):
        return lambda port: ["gnutls-cli", "--insecure", "--priority", priority, "--alpn", "h2",
                             "-p", str(port), "127.0.0.1"]
    priorities = ("NORMAL", "NORMAL:-VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2:%NO_ETM",
                  "PERFORMANCE:%NO_EXTENSIONS:-VERS-ALL:+VERS-TLS1.2",
                  "NORMAL:-GROUP-ALL:+GROUP-FFDHE3072")
    answers = yield [talk(cli(p), text=b"") for p in priorities]
    for priority, (e, t) in zip(priorities, answers):
        assert e["complete"], (priority, e)
        # Without signature algorithms it offers SHA-1, which the server refuses.
        assert e["failed" if "NO_EXT" in priority else "elapsed_us"], (priority, e)


def curl():
    """curl"""
    [(e, t)] = yield [talk(lambda port: [
        "curl", "-sk", "--resolve", "three.example:%d:127.0.0.1" % port, "-m", "5",
        "https://three.example:%d/" % port], "-www")]
    assert e["summary"] == "three.example" and t["alpn_offered"] == ["h2", "http/1.1"], t


def python():
    """Python's ssl"""
    script = ("import socket, ssl, sys\nc = ssl._create_unverified_context()\n"
              "c.set_alpn_protocols(['http/1.1'])\n"
              "s = c.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1]))),"
              " server_hostname='four.example')\ns.close()\n")
    [(e, t)] = yield [talk(lambda port: [sys.executable, "-c", script, str(port)])]
    assert e["summary"] == "four.example" and e["complete"], e


def node():
    """Node.js"""
    script = ("const s = require('tls').connect({port: +process.argv[1], host: '127.0.0.1',"
              " servername: 'five.example', rejectUnauthorized: false, ALPNProtocols: ['h2']},"
              " () => s.end());")
    [(e, t)] = yield [talk(lambda port: ["node", "-e", script, str(port)])]
    assert e["summary"] == "five.example" and e["complete"], e


def go():
    """Go"""
    with open(path("client.go"), "w") as f:
        f.write('package main\n\nimport (\n\t"crypto/tls"\n\t"os"\n)\n\nfunc main() {\n'
                '\tc, err := tls.Dial("tcp", "127.0.0.1:"+os.Args[1], &tls.Config{'
                'InsecureSkipVerify: true, ServerName: "six.example", '
                'NextProtos: []string{"h2"}})\n\tif err == nil {\n\t\tc.Close()\n\t}\n}\n')
    subprocess.run(["go", "build", "-o", path("client"), path("client.go")], check=True,
                   capture_output=True, env=dict(os.environ, GO111MODULE="off",
                                                 GOCACHE=path("cache"), GOFLAGS=""))
    [(e, t)] = yield [talk(lambda port: [path("client"), str(port)])]
    assert e["summary"] == "six.example" and t["alpn_offered"] == ["h2"] and e["complete"], e


def gnutls_server(*options, key="rsa"):
    port = free_port()
    p = subprocess.Popen(["gnutls-serv", "-q", "-p", str(port), "--x509certfile",
                          path(key + ".pem"), "--x509keyfile", path(key + ".key"), "--http",
                          *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    return p, port


def gnutls_as_server():
    """a server of GnuTLS, TLS 1.3 and 1.2"""
    answers = yield [talk(s_client(o), server=gnutls_server) for o in ("-tls1_3", "-tls1_2")]
    assert [e["status"] for e, _ in answers] == ["TLS 1.3", "TLS 1.2"], answers
    assert all(e["complete"] for e, _ in answers), answers


class Test:
    """One generator: what it said, and how it ended."""

    def __init__(self, needs, function):
        self.name, self.steps, self.said, self.error = function.__doc__, function(), [], None
        self.missing = next((p for p in needs if not shutil.which(p)), None)

    def attempt(self, step):
        if self.missing or self.error:
            return
        try:
            step()
        except StopIteration:
            pass
        except Exception:  # it is told, and the others go on
            self.error = traceback.format_exc()

    def talk(self):
        self.said = next(self.steps)

    def judge(self, packets):
        self.steps.send([compare(s, p) for s, p in zip(self.said, packets)])

    def print(self, n):
        print("%s %d - %s%s" % ("not ok" if self.error else "ok", n, self.name,
                                " # SKIP no " + self.missing if self.missing else ""))
        for line in (self.error or "").splitlines():
            print("# " + line)


def exercise(tests):
    for t in tests:
        t.attempt(t.talk)
    packets = tshark([s for t in tests for s in t.said])
    print("1..%d" % len(tests))
    for n, t in enumerate(tests, 1):
        mine, packets = packets[:len(t.said)], packets[len(t.said):]
        t.attempt(lambda: t.judge(mine))
        t.print(n)
    return any(t.error for t in tests)


for program in ("tshark", "openssl"):
    if not shutil.which(program):
        print("1..0 # SKIP no %s" % program)
        sys.exit(0)
try:
    with open(path("ec.parameters"), "w") as f:
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1"], stdout=f, check=True)
    make_keys()
    CODES, NOW = codes(), str(int(time.time()) + 1)
    status = exercise([Test(*t) for t in (
        ((), openssl_1_3), ((), openssl_1_2), ((), old_versions), ((), weak_certificate),
        ((), suites), ((), retry), ((), resumption), ((), failures), ((), client_certificate),
        (("gnutls-cli",), gnutls), (("gnutls-serv",), gnutls_as_server), (("curl",), curl),
        ((), python), (("node",), node), (("go",), go))])
finally:
    shutil.rmtree(WORK, ignore_errors=True)
sys.exit(1 if status else 0)
