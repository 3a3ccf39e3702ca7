# SPDX-License-Identifier: GPL-2.0-or-later
"""Recordings for fuzz_pcap and test_pcap.c: short conversations with their secrets inside.

    unshare -n python3 tests/fuzz/make_pcap.py tests/data/pcap      as root; needs tcpdump, editcap
    python3 tests/fuzz/make_pcap.py tests/data/pcap small           without the recordings

Exchanges of /n/SIZE have the body pattern(n, SIZE) both ways; the others are read_talk.py's.
"""
import os
import socket
import struct
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../e2e"))
import read_talk
from read_talk import HOST, Said, echo, pattern

SIZES = (10, 2000, 4000)


def python(said, version, ciphers=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(said.folder + "/cert.pem", said.folder + "/key.pem")
    context.keylog_filename = said.folder + "/keys"
    outside = ssl._create_unverified_context()
    outside.minimum_version = outside.maximum_version = version
    if ciphers:
        outside.set_ciphers(ciphers)
    with socket.create_server((HOST, 9450)) as listener:
        thread = threading.Thread(target=echo, args=(context, listener, 1), daemon=True)
        thread.start()
        with outside.wrap_socket(socket.create_connection((HOST, 9450))) as conn:
            for n, size in enumerate(SIZES):
                body = pattern(n, size)
                conn.sendall(b"POST /%d/%d HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n"
                             % (n, size, size) + body)
                had = b""
                while not had.endswith(body) or b"\r\n\r\n" not in had:
                    had += conn.recv(65536)
        thread.join(10)


def without_names(path):
    """The first block without its options, which name the machine."""
    with open(path, "rb") as file:
        data = file.read()
    rest = data[struct.unpack_from("<I", data, 4)[0]:]
    with open(path, "wb") as file:
        file.write(struct.pack("<IIIHHQI", 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, 2**64 - 1, 28) + rest)


def record(name, out, talk, *arguments):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-days", "3650", "-subj", "/CN=localhost", "-keyout", folder + "/key.pem",
             "-out", folder + "/cert.pem"], check=True, stderr=subprocess.DEVNULL)
        dump = subprocess.Popen(["tcpdump", "-i", "lo", "-U", "--immediate-mode", "-s", "0", "-w", folder + "/pcap",
                                 "tcp"], stderr=subprocess.PIPE)
        dump.stderr.readline()
        talk(Said(folder), *arguments)
        time.sleep(0.5)
        dump.terminate()
        dump.wait()
        subprocess.run(["editcap", "--inject-secrets", "tls,%s/keys" % folder, folder + "/pcap",
                        "%s/%s.pcapng" % (out, name)], check=True)
        without_names("%s/%s.pcapng" % (out, name))


def segment(side, seq, ack, flags, data, ipv6=False):
    ports = (40000, 80) if side == 0 else (80, 40000)
    tcp = struct.pack(">HHIIBBHHH", *ports, seq, ack, 0x50, flags, 65535, 0, 0) + data
    if ipv6:
        ends = [bytes(15) + bytes([1 + (side ^ i)]) for i in range(2)]
        return struct.pack(">IHBB", 0x60000000, len(tcp), 6, 64) + ends[0] + ends[1] + tcp
    ends = [0x0a000001 + (side ^ i) for i in range(2)]
    return struct.pack(">HHHHHHII", 0x4500, 20 + len(tcp), 1, 0, 0x4006, 0, *ends) + tcp


def talk(ipv6=False):
    get = b"GET / HTTP/1.1\r\n\r\n"
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    return [segment(0, 1, 0, 2, b"", ipv6), segment(1, 9, 2, 18, b"", ipv6),
            segment(0, 12, 10, 16, get[10:], ipv6), segment(0, 2, 10, 16, get[:10], ipv6),
            segment(1, 10, 2 + len(get), 16, ok, ipv6)]


def datagram(side, data):
    ports = (40000, 443) if side == 0 else (443, 40000)
    ends = [0x0a000001 + (side ^ i) for i in range(2)]
    return struct.pack(">HHHHHHII", 0x4500, 28 + len(data), 1, 0, 0x4011, 0, *ends) + \
        struct.pack(">HHHH", *ports, 8 + len(data), 0) + data


def quic():
    """The hellos of RFC 9001, and data each way."""
    with open(os.path.join(os.path.dirname(__file__), "../data/tls/rfc9001.txt")) as file:
        hellos = [bytes.fromhex(line[2:]) for line in file.read().splitlines()[:2]]
    data = bytes([0x41]) + bytes(40)
    return [datagram(0, hellos[0]), datagram(1, hellos[1]), datagram(0, data), datagram(1, data)]


def small(out):
    """Files that are short enough to be weighed many times over."""
    def classic(link, packets):
        data = struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, link)
        for i, p in enumerate(packets):
            data += struct.pack("<IIII", 1000, i, len(p), len(p)) + p
        return data

    files = {"quic": classic(101, quic()), "raw": classic(101, talk()), "raw6": classic(229, talk(True)),
             "ethernet": classic(1, [bytes(12) + b"\x81\0\0\5\x08\0" + p for p in talk()])}
    ng = struct.pack(">IIIHHQI", 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, 2**64 - 1, 28)
    ng += struct.pack(">IIHHII", 1, 20, 113, 0, 0, 20)
    for i, p in enumerate(talk()):
        p = struct.pack(">HHHQH", 0, 1, 6, 0, 0x0800) + p
        pad = -len(p) % 4
        ng += struct.pack(">IIIIIII", 6, 32 + len(p) + pad, 0, 0, i, len(p), len(p)) + p + bytes(pad)
        ng += struct.pack(">I", 32 + len(p) + pad)
    files["cooked"] = ng
    for name, data in files.items():
        with open("%s/%s" % (out, name), "wb") as file:
            file.write(data)


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    small(out)
    if len(sys.argv) > 2:  # the recordings stay
        return
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    record("tls13", out, python, ssl.TLSVersion.TLSv1_3)
    record("tls12", out, python, ssl.TLSVersion.TLSv1_2)
    record("chacha", out, python, ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-CHACHA20-POLY1305")
    record("cbc", out, python, ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0")
    record("update", out, read_talk.key_update)
    record("resumed", out, read_talk.resumption)


main()
