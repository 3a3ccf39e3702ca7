# SPDX-License-Identifier: GPL-2.0-or-later
"""Recordings for fuzz_pcap and test_pcap.c: short conversations with their secrets inside.

    unshare -n python3 tests/fuzz/make_pcap.py tests/data/pcap      as root; needs tcpdump, editcap

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


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    record("tls13", out, python, ssl.TLSVersion.TLSv1_3)
    record("tls12", out, python, ssl.TLSVersion.TLSv1_2)
    record("chacha", out, python, ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-CHACHA20-POLY1305")
    record("cbc", out, python, ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0")
    record("update", out, read_talk.key_update)
    record("resumed", out, read_talk.resumption)


main()
