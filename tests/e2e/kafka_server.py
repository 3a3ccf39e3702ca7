#!/usr/bin/env python3
"""A small broker of Kafka's protocol, as far as kcat needs one: Debian has no broker.

    kafka_server.py PORT CERT KEY [ADVERTISED-PORT]      CERT "-": without TLS
One topic "orders" with one partition, in memory; SASL PLAIN takes any password.
"""
import socketserver
import ssl
import struct
import sys
import threading

LOG, LOCK = [], threading.Lock()
PORT = int(sys.argv[1])
ADVERTISED = int(sys.argv[4]) if len(sys.argv) > 4 else PORT
# key: (lowest, highest version), none of them flexible but that of ApiVersions and Metadata 9
APIS = {0: (3, 8), 1: (4, 11), 2: (1, 2), 3: (4, 9), 10: (0, 2), 17: (0, 1), 18: (0, 3), 36: (0, 1)}


def string(text):
    data = text.encode()
    return struct.pack(">h", len(data)) + data


def compact(text):
    data = text.encode()
    return bytes([len(data) + 1]) + data


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values[0] if len(values) == 1 else values

    def string(self):
        size = self.take("h")
        return "" if size < 0 else self.bytes(size).decode()

    def bytes(self, size):
        self.at += size
        return self.data[self.at - size:self.at]


def api_versions(version, _):
    if version < 3:
        return struct.pack(">hi", 0, len(APIS)) + b"".join(
            struct.pack(">hhh", key, *span) for key, span in APIS.items()) + (
                struct.pack(">i", 0) if version else b"")
    return struct.pack(">hB", 0, len(APIS) + 1) + b"".join(
        struct.pack(">hhhB", key, *span, 0) for key, span in APIS.items()) + struct.pack(">iB", 0, 0)


def metadata(version, reader):
    names = ["orders"]
    if version < 9:
        count = reader.take("i")
        names = [reader.string() for _ in range(count)] if count > 0 else names
    else:
        count = reader.take("B") - 1
        names = []
        for _ in range(max(count, 0)):
            names.append(reader.bytes(reader.take("B") - 1).decode())
            reader.take("B")
        names = names or ["orders"]
    if version < 9:
        topics = b"".join(
            struct.pack(">h", 3 if name == "missing" else 0) + string(name) + b"\0" +
            (struct.pack(">i", 0) if name == "missing" else
             struct.pack(">ihii", 1, 0, 0, 1) + (struct.pack(">i", 5) if version >= 7 else b"") +
             struct.pack(">iiii", 1, 1, 1, 1) + (struct.pack(">i", 0) if version >= 5 else b"")) +
            (struct.pack(">i", -1) if version >= 8 else b"") for name in names)
        return (struct.pack(">iii", 0, 1, 1) + string("localhost") + struct.pack(">ih", ADVERTISED, -1) +
                string("cluster") + struct.pack(">ii", 1, len(names)) + topics +
                (struct.pack(">i", -1) if version >= 8 else b""))
    topics = b"".join(
        struct.pack(">h", 3 if name == "missing" else 0) + compact(name) + b"\0" +
        (b"\1" if name == "missing" else
         b"\2" + struct.pack(">hiii", 0, 0, 1, 5) + b"\2" + struct.pack(">i", 1) + b"\2" +
         struct.pack(">i", 1) + b"\1\0") + struct.pack(">iB", -1, 0) for name in names)
    return (struct.pack(">iBi", 0, 2, 1) + compact("localhost") + struct.pack(">iBB", ADVERTISED, 0, 0) +
            compact("cluster") + struct.pack(">iB", 1, len(names) + 1) + topics +
            struct.pack(">iB", -1, 0))


def produce(version, reader):
    reader.string()
    acks, _, _ = reader.take("hii")
    name, _, _, size = reader.string(), reader.take("i"), reader.take("i"), reader.take("i")
    batch = bytearray(reader.bytes(size))
    with LOCK:
        base = LOG[-1][1] if LOG else 0
        last = base + struct.unpack_from(">i", batch, 57)[0]
        struct.pack_into(">qi", batch, 0, base, len(batch) - 12)
        if name == "orders":
            LOG.append((base, last, bytes(batch)))
    if not acks:
        return None
    return (struct.pack(">i", 1) + string(name) +
            struct.pack(">iihq", 1, 0, 0 if name == "orders" else 29, base) + struct.pack(">q", -1) +
            (struct.pack(">q", 0) if version >= 5 else b"") +
            (struct.pack(">ih", 0, -1) if version >= 8 else b"") + struct.pack(">i", 0))


def fetch(version, reader):
    reader.take("iiiib")
    if version >= 7:
        reader.take("ii")
    count = reader.take("i")
    topics = b""
    for _ in range(count):
        name, _ = reader.string(), reader.take("i")
        reader.take("i")
        if version >= 9:
            reader.take("i")
        offset = reader.take("q")
        if version >= 5:
            reader.take("q")
        reader.take("i")
        with LOCK:
            records = b"".join(batch for _, last, batch in LOG if last > offset)
            end = LOG[-1][1] if LOG else 0
        topics += (string(name) + struct.pack(">iihq", 1, 0, 0, end) + struct.pack(">q", end) +
                   (struct.pack(">q", 0) if version >= 5 else b"") + struct.pack(">i", -1) +
                   (struct.pack(">i", -1) if version >= 11 else b"") +
                   struct.pack(">i", len(records)) + records)
    return (struct.pack(">i", 0) + (struct.pack(">hi", 0, 0) if version >= 7 else b"") +
            struct.pack(">i", count) + topics)


def list_offsets(version, reader):
    reader.take("i")
    if version >= 2:
        reader.take("b")
    reader.take("i")
    name, _, _, when = reader.string(), reader.take("i"), reader.take("i"), reader.take("q")
    end = LOG[-1][1] if LOG and when == -1 else 0
    return ((struct.pack(">i", 0) if version >= 2 else b"") + struct.pack(">i", 1) + string(name) +
            struct.pack(">iihqq", 1, 0, 0, -1, end))


def sasl_handshake(_, reader):
    return struct.pack(">hi", 0 if reader.string() == "PLAIN" else 33, 1) + string("PLAIN")


def sasl_authenticate(version, _):
    return struct.pack(">hh", 0, -1) + struct.pack(">i", 6) + b"welcom" + (
        struct.pack(">q", 0) if version else b"")


ANSWERS = {0: produce, 1: fetch, 2: list_offsets, 3: metadata, 17: sasl_handshake, 18: api_versions,
           36: sasl_authenticate}


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while True:
            head = self.rfile.read(4)
            if len(head) < 4:
                return
            reader = Reader(self.rfile.read(struct.unpack(">i", head)[0]))
            key, version, number = reader.take("hhi")
            reader.string()
            flexible = (key == 18 and version >= 3) or (key == 3 and version >= 9)
            if flexible:
                reader.take("B")
            body = ANSWERS[key](version, reader)
            if body is None:
                continue
            tags = b"\0" if flexible and key != 18 else b""
            self.wfile.write(struct.pack(">ii", 4 + len(tags) + len(body), number) + tags + body)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def get_request(self):
        sock, address = super().get_request()
        return (context.wrap_socket(sock, server_side=True) if context else sock), address

    def handle_error(self, request, client_address):
        pass


context = None
if sys.argv[2] != "-":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
Server(("127.0.0.1", PORT), Handler).serve_forever()
