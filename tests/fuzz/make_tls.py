# SPDX-License-Identifier: GPL-2.0-or-later
"""Seeds of fuzz_tls: handshakes of OpenSSL, made now, hellos that are none, and packets of QUIC."""
import os
import ssl
import subprocess
import sys
import tempfile

FEED, SKIP, DATAGRAM, FRAMES, JOINED, APPLICATION = range(6)


def piece(what, direction, data=b""):
    return bytes([what << 1 | direction]) + len(data).to_bytes(2, "little") + data


def handshake(version, ciphers, certificate, key):
    """What both ends of Python's ssl say, each turn a piece."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.load_cert_chain(certificate, key)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    for c in (server, client):
        c.minimum_version = c.maximum_version = version
        c.set_ciphers(ciphers + ":@SECLEVEL=0")
        c.set_alpn_protocols(["h2", "http/1.1"])
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(down, up, server_hostname="seed.example"), server.wrap_bio(up, down, server_side=True)]
    out = b""
    for _ in range(4):
        for direction, end in enumerate(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
            bio = (up, down)[direction]
            said = bio.read()
            if said:
                out += piece(FEED, direction, said)
            bio.write(said)
    return out


def hexes(name):
    here = os.path.join(os.path.dirname(__file__), "../data/tls", name)
    return [bytes.fromhex(line.split()[1]) for line in open(here)]


def main():
    folder = sys.argv[1]
    seeds = {}
    with tempfile.TemporaryDirectory() as work:
        pem, key = work + "/c", work + "/k"
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-subj", "/O=Seeds/CN=seed.example", "-addext",
                        "subjectAltName=DNS:seed.example,IP:192.0.2.1", "-keyout", key, "-out", pem],
                       check=True, capture_output=True)
        v = ssl.TLSVersion
        seeds["tls-1.3"] = handshake(v.TLSv1_3, "ALL", pem, key)
        seeds["tls-1.2"] = handshake(v.TLSv1_2, "ALL", pem, key)
        seeds["tls-1.0"] = handshake(v.TLSv1, "ECDHE-ECDSA-AES128-SHA", pem, key)
    client = seeds["tls-1.3"][3:3 + int.from_bytes(seeds["tls-1.3"][1:3], "little")]
    hello = client[5:]
    seeds["retry"] = seeds["tls-1.3"][:3 + len(client)] + piece(FEED, 1, bytes.fromhex(
        "16030300580200005403 03cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"
        "20" + "00" * 32 + "130100000c002b00020304003300020018" "140303000101")) + piece(
        FEED, 0, b"\x14\x03\x03\0\1\1" + client)
    seeds["ssl2"] = piece(FEED, 0, bytes.fromhex(
        "802e0103010015000000100000 2f0000050000 0a0100800200800300800000ff"
        "000102030405060708090a0b0c0d0e0f")) + piece(FEED, 1, bytes.fromhex("15030100020228"))
    seeds["joined"] = piece(JOINED, 0) + piece(FEED, 1, b"\x17\x03\x03\0\x20" + bytes(10)) + piece(
        SKIP, 1, bytes(22)) + piece(APPLICATION, 0)
    # A server that chose DHE_PSK: its ServerKeyExchange has a hint, a group of 1,024 bits, no signature.
    server = bytes.fromhex("02000028 0303") + bytes(range(32)) + bytes.fromhex("00 00aa 00 0000") + bytes.fromhex(
        "0c00008d 0002 6869 0080 ff") + bytes(127) + bytes.fromhex("0001 02 0002 0304")
    seeds["dhe-psk"] = seeds["tls-1.2"][:3 + int.from_bytes(seeds["tls-1.2"][1:3], "little")] + piece(
        FEED, 1, b"\x16\x03\x03" + len(server).to_bytes(2, "big") + server)
    for name in ("rfc9001", "rfc9369"):
        seeds[name] = b"".join(piece(DATAGRAM, n, d) for n, d in enumerate(hexes(name + ".txt")))
    half = len(hello) // 2
    seeds["frames"] = (
        piece(FRAMES, 0, b"\x02\x05\x00\x01\x02\x00\x03\x06" + (0x4000 | half).to_bytes(2, "big") +
              (0x4000 | len(hello) - half).to_bytes(2, "big") + hello[half:]) +
        piece(FRAMES, 0, b"\x06\x00" + (0x4000 | half).to_bytes(2, "big") + hello[:half] + b"\x01") +
        piece(FRAMES, 1, b"\x1c\x41\x28\x00\x00"))
    for name, data in seeds.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)
    words = {"hello": b"\x16\x03\x01\x00\x80\x01\x00\x00\x7c\x03\x03", "change": b"\x14\x03\x03\0\1\1",
             "alert": b"\x15\x03\x01\0\2\2\x28", "data": b"\x17\x03\x03\0\x20", "certificate": b"\x0b\0\1\0\0\0\xfd\0\0\xfa",
             "key": b"\x0c\0\0\x40\3\0\x1d\x20", "sni": b"\0\0\0\x0e\0\x0c\0\0\x09a.example",
             "versions": b"\0\x2b\0\5\4\3\4\3\3", "share": b"\0\x33\0\6\0\4\x11\xec\0\0", "psk": b"\0\x29\0\4\0\2\0\0",
             "ech": b"\xfe\x0d\0\1\0", "alpn": b"\0\x10\0\5\0\3\2h2", "initial": b"\xc3\0\0\0\1\x08\1\2\3\4\5\6\7\x08\0\0",
             "grease": b"\x0a\x0a\0\0", "ssl2": b"\x80\x2e\1\3\1\0\x15\0\0\0\x10"}
    with open(sys.argv[2], "w") as f:
        f.write("# Made by make_tls.py.\n")
        for name, word in words.items():
            f.write('%s="%s"\n' % (name, "".join("\\x%02x" % b for b in word)))


main()
