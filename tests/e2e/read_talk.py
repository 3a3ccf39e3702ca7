#!/usr/bin/env python3
"""Traffic for read.sh, and what must be read of it.

    read_talk.py talk DIR GOPROGRAM     in a network of its own, while tcpdump listens: makes
                                        DIR/all.pcap, DIR/keys and DIR/said.json
    read_talk.py check SOCKET DIR [TIMES]   the entries of a running cleartap are what was said
    read_talk.py never-wrong SOCKET DIR     as far as they are complete, and none has other bytes
    read_talk.py paths SOCKET           paths of all requests, sorted
    read_talk.py hellos SOCKET          port, JA3 and SNI of all ClientHellos, sorted; entries of
                                        their connections agree with them

DIR has cert.pem and key.pem.
"""

import hashlib
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time

from check_entries import Api

HOST = "127.0.0.1"


class Said:
    """What was said: path, the body sent, the body answered."""

    def __init__(self, folder):
        self.folder, self.all = folder, []

    def add(self, path, sent, answered, **more):
        self.all.append(dict(path=path, sent=digest(sent), answered=digest(answered), **more))

    def write(self):
        with open(self.folder + "/said.json", "w", encoding="ascii") as file:
            json.dump(self.all, file)


def pattern(n, size):
    """As gotest/keylog makes bodies; random bytes may look like secrets, which are masked."""
    return bytes((i * 7 + n) % 251 for i in range(size))


def digest(body):
    return hashlib.sha256(body).hexdigest() if body else ""


def await_port(port):
    for _ in range(200):
        with open("/proc/net/tcp", encoding="ascii") as file:
            if ":%04X 00000000:0000 0A" % port in file.read():
                return
        time.sleep(0.02)
    raise OSError("nothing listens on %d" % port)


def start(*command, **options):
    return subprocess.Popen(command, stdin=options.pop("stdin", subprocess.DEVNULL),
                            stdout=options.pop("stdout", subprocess.DEVNULL),
                            stderr=subprocess.DEVNULL, **options)


# nginx and curl

NGINX = """
daemon off; master_process off; pid %(d)s/nginx.pid; error_log %(d)s/nginx.log;
events {}
http {
	access_log off; root %(d)s/www; ssl_protocols TLSv1.2 TLSv1.3;
	client_body_temp_path %(d)s; proxy_temp_path %(d)s; fastcgi_temp_path %(d)s;
	uwsgi_temp_path %(d)s; scgi_temp_path %(d)s;
	ssl_certificate %(d)s/cert.pem; ssl_certificate_key %(d)s/key.pem;
	ssl_ciphers ALL:@SECLEVEL=0;
	server { listen 127.0.0.1:9443 ssl http2; listen [::1]:9443 ssl http2; }
}
"""


def nginx(said):
    folder = said.folder
    os.makedirs(folder + "/www", exist_ok=True)
    files = {"small": b"hello\n", "large": pattern(5, 700000)}
    for name, content in files.items():
        with open("%s/www/%s" % (folder, name), "wb") as file:
            file.write(content)
    with open(folder + "/nginx.conf", "w", encoding="ascii") as file:
        file.write(NGINX % {"d": folder})
    server = start("nginx", "-c", folder + "/nginx.conf", "-p", folder)
    await_port(9443)
    ways = [["--http1.1", "--tlsv1.3"], ["--http2", "--tlsv1.3"],
            ["--http1.1", "--tlsv1.3", "--tls13-ciphers", "TLS_CHACHA20_POLY1305_SHA256"],
            ["--http1.1", "--tlsv1.3", "--tls13-ciphers", "TLS_AES_128_GCM_SHA256"]]
    ways += [["--http1.1", "--tls-max", "1.2", "--ciphers", name + ":@SECLEVEL=0"] for name in (
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384",
        "ECDHE-ECDSA-AES128-CCM", "ECDHE-ECDSA-AES256-CCM8")]
    ways += [["--http2", "--tls-max", "1.2"]]
    for i, way in enumerate(ways):
        host = "[::1]" if i % 2 else HOST
        urls = ["https://%s:9443/%s?%d" % (host, name, i) for name in ("small", "large", "small")]
        subprocess.run(["curl", "-sSk", "-o", "/dev/null", "-o", "/dev/null", "-o", "/dev/null",
                        *way, *urls], check=True, timeout=20,
                       env=dict(os.environ, SSLKEYLOGFILE=folder + "/keys"))
        for name in ("small", "large", "small"):
            said.add("/%s?%d" % (name, i), b"", files[name])
    # nobody has the secrets of this one
    secret = "https://%s:9443/small?closed" % HOST
    subprocess.run(["curl", "-sSk", "-o", "/dev/null", secret], check=True, timeout=20)
    server.terminate()
    server.wait()


# OpenSSL's own programs: KeyUpdate, resumption, early data

class SServer:
    """openssl s_server: what its client says is answered by hand."""

    def __init__(self, folder, port, *options):
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", "%s:%d" % (HOST, port), "-cert", folder + "/cert.pem",
             "-key", folder + "/key.pem", "-keylogfile", folder + "/keys", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        await_port(port)

    def answer(self, until, body):
        had = b""
        while until not in had:
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                raise OSError("s_server ended")
            had += more
        self.process.stdin.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def end(self):
        self.process.kill()
        self.process.wait()


def get(path):
    return b"GET %s HTTP/1.1\r\nHost: h\r\n\r\n" % path.encode()


def client(port, *options):
    return subprocess.Popen(["openssl", "s_client", "-connect", "%s:%d" % (HOST, port), *options],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)


def read_until(process, text):
    had = b""
    while text not in had:
        more = os.read(process.stdout.fileno(), 65536)
        if not more:
            raise OSError("s_client ended before %r" % text)
        had += more


def put(process, data):
    process.stdin.write(data)
    process.stdin.flush()


def key_update(said, port=9444):
    server = SServer(said.folder, port)
    c = client(port, "-tls1_3")
    read_until(c, b"---\n")
    for i in range(4):
        path, body = "/update/%d" % i, b"update %d\n" % i
        if i:
            time.sleep(0.1)
            put(c, b"K\n")  # both sides change their keys
            time.sleep(0.1)
        put(c, get(path))
        server.answer(b"\r\n\r\n", body)
        read_until(c, body)
        said.add(path, b"", body)
    c.kill()
    c.wait()
    server.end()


def resumption(said, port=9445):
    folder = said.folder
    for version in ("-tls1_2", "-tls1_3"):
        early = ["-early_data"] if version == "-tls1_3" else []
        server = SServer(folder, port, *early)
        for again in (False, True):
            name = "%s/session%s" % (folder, version)
            path = "/resumed/%s/%s" % (version[1:], again)
            options = ["-sess_in", name] if again else ["-sess_out", name]
            sent = get(path)
            if again and early:
                with open(folder + "/early", "wb") as file:
                    file.write(sent)
                options += ["-early_data", folder + "/early"]
                sent = b""
            c = client(port, version, *options)
            if sent:
                read_until(c, b"---\n")
                put(c, sent)
            server.answer(b"\r\n\r\n", b"resumed %d\n" % again)
            read_until(c, b"resumed %d\n" % again)
            said.add(path, b"", b"resumed %d\n" % again, early=bool(again and early))
            put(c, b"Q\n")  # else the server forgets the session
            c.wait()
        server.end()
        port += 1


# Python

def echo(context, listener, count):
    for _ in range(count):
        conn = context.wrap_socket(listener.accept()[0], server_side=True)
        with conn, conn.makefile("rb") as lines:
            while True:
                head = lines.readline()
                if not head:
                    break
                length = 0
                while (line := lines.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                body = lines.read(length)
                conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def python(said):
    folder = said.folder
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")
    context.keylog_filename = folder + "/keys"
    with socket.create_server((HOST, 9450)) as listener:
        thread = threading.Thread(target=echo, args=(context, listener, 2), daemon=True)
        thread.start()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            outside = ssl._create_unverified_context()
            outside.minimum_version = outside.maximum_version = version
            with outside.wrap_socket(socket.create_connection((HOST, 9450))) as conn:
                for i in range(12):
                    body = pattern(i, (1, 100, 16384, 16385, 60000)[i % 5])
                    path = "/python/%s/%d" % (version.name, i)
                    conn.sendall(b"POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n"
                                 % (path.encode(), len(body)) + body)
                    had = b""
                    while not had.endswith(body) or b"\r\n\r\n" not in had:
                        had += conn.recv(65536)
                    said.add(path, body, body)
        thread.join(10)


# In clear, and after STARTTLS: what is not encrypted is read as well

def in_clear(said):
    with socket.create_server((HOST, 9460)) as listener:
        with socket.create_connection((HOST, 9460)) as conn:
            peer = listener.accept()[0]
            with peer:
                conn.sendall(get("/clear"))
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nclear")
                conn.recv(65536)
    said.add("/clear", b"", b"clear", lock="none")


def go(said, program):
    folder = said.folder
    out = subprocess.run([program, folder + "/cert.pem", folder + "/key.pem", folder + "/keys"],
                         check=True, timeout=30, stdout=subprocess.PIPE).stdout
    for line in out.decode().splitlines():
        path, n, size = line.split()
        body = pattern(int(n), int(size))
        said.add(path, body, body)


def talk(folder, program):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    said = Said(folder)
    dump = subprocess.Popen(["tcpdump", "-i", "lo", "-U", "--immediate-mode", "-B", "65536", "-s", "0", "-w",
                             folder + "/all.pcap", "tcp"],
                            stderr=subprocess.PIPE)
    dump.stderr.readline()  # it listens
    nginx(said)
    key_update(said)
    resumption(said)
    python(said)
    in_clear(said)
    if program:
        go(said, program)
    time.sleep(0.5)
    dump.terminate()
    print(dump.stderr.read().decode(), file=sys.stderr)
    dump.wait()
    said.write()


# What was read of it

def load(folder):
    with open(folder + "/said.json", encoding="ascii") as file:
        return json.load(file)


def requests(api):
    return [e for e in api.latest() if e["method"]]


def check(path, folder, times):
    api = Api(path)
    entries = {}
    for entry in requests(api):
        entries.setdefault(entry["summary"], []).append(entry)
    wrong, expected = [], {}
    for one in load(folder):
        expected.setdefault(one["path"], []).append(one)
    for name, ones in expected.items():
        found = entries.pop(name, [])
        if len(found) != times * len(ones):
            wrong.append("%s: %d entries, not %d" % (name, len(found), times * len(ones)))
        for entry in found:
            one = ones[0]
            have = {"sent": digest(api.body(entry, "request")),
                    "answered": digest(api.body(entry, "response")),
                    "lock": entry["lock"], "complete": entry["complete"],
                    "lost": entry["lost_bytes"], "status": entry["status_code"],
                    "role": entry["role"], "bind": entry["bind"]}
            want = {"sent": one["sent"], "answered": one["answered"],
                    "lock": one.get("lock", "open"), "complete": True, "lost": 0, "status": 200,
                    "role": "unknown", "bind": "file"}
            if have != want:
                wrong.append("%s: %s, not %s (%s)" % (name, have, want, entry["reason"]))
    wrong += ["%s: nobody said that" % name for name in entries]
    print("\n".join(wrong))
    return not wrong and bool(expected)


def never_wrong(path, folder):
    api, wrong, right = Api(path), [], 0
    expected = {one["path"]: one for one in load(folder)}
    for entry in requests(api):
        one = expected.get(entry["summary"])
        if not one:
            wrong.append("%s: nobody said that" % entry["summary"])
        elif entry["complete"] and (digest(api.body(entry, "response")) != one["answered"] or
                                    digest(api.body(entry, "request")) != one["sent"]):
            wrong.append("%s is complete, and has other bytes" % entry["summary"])
        else:
            right += entry["complete"]
    print("\n".join(wrong), right, "complete")
    return not wrong and right > len(expected) / 4


def hellos(path):
    api, wrong = Api(path), []
    entries = api.latest()
    known = {e["connection"]: e for e in entries if e["protocol"] == "tlsx"}
    locks = {e["connection"]: e["lock"] for e in entries if e["protocol"] == "tcp"}
    for entry in (e for e in entries if e["method"] and e["tls"]):
        tlsx = known[entry["connection"]]
        if locks.get(entry["connection"]) != "open" or not entry["tls_version"] or any(
                entry[f] != tlsx[f] for f in ("tls_version", "tls_cipher")):
            wrong.append(entry["summary"])
    lines = []
    for entry in known.values():
        info = json.loads(api.get("/api/entries/%d" % entry["id"]))["tls_info"]
        lines.append(("%d %s %s" % (entry["src"]["port"], info["ja3"],
                                    info.get("sni", ""))).strip())
    print("\n".join(sorted(lines)))
    if wrong:
        print("do not agree with their handshakes: %s" % wrong, file=sys.stderr)
    return not wrong and set(locks) == set(known)


def main():
    command, *rest = sys.argv[1:]
    if command == "talk":
        talk(*rest)
        return 0
    if command == "check":
        return 0 if check(rest[0], rest[1], int((rest + ["1"])[2])) else 1
    if command == "never-wrong":
        return 0 if never_wrong(*rest) else 1
    if command == "hellos":
        return 0 if hellos(rest[0]) else 1
    print("\n".join(sorted(e["summary"] for e in requests(Api(rest[0])))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
