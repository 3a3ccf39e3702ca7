#!/usr/bin/python3
"""A small server of MongoDB's wire protocol, and PyMongo as its client: Debian has no server.

    mongo_peers.py serve PORT CERT KEY      mongo_peers.py talk PORT CERT SECRET COMPRESSORS

CERT "-": without TLS.
"""
import itertools
import socketserver
import ssl
import struct
import sys
import time
import zlib

import bson
import pymongo

OP_REPLY, OP_QUERY, OP_COMPRESSED, OP_MSG = 1, 2004, 2012, 2013
HELLO = {"ok": 1.0, "helloOk": True, "isWritablePrimary": True, "ismaster": True,
         "maxBsonObjectSize": 16777216, "maxMessageSizeBytes": 48000000, "maxWriteBatchSize": 100000,
         "minWireVersion": 0, "maxWireVersion": 17, "compression": ["zlib"],
         "topologyVersion": {"processId": bson.ObjectId(), "counter": bson.Int64(0)}}


def parse(data):
    """The command of an OP_MSG, with its sequences as arrays."""
    at, command, sequences = 4, {}, {}
    while at < len(data):
        kind, at = data[at], at + 1
        size = struct.unpack_from("<i", data, at)[0]
        if kind == 0:
            command = bson.decode(data[at:at + size])
        else:
            name, documents = data[at + 4:at + size].split(b"\0", 1)
            sequences[name.decode()] = bson.decode_all(documents)
        at += size
    return {**command, **sequences}


class Handler(socketserver.StreamRequestHandler):
    def send(self, answers, op, content, compress):
        number = next(self.server.numbers)
        if compress:
            content = struct.pack("<iiB", op, len(content), 2) + zlib.compress(content)
            op = OP_COMPRESSED
        self.wfile.write(struct.pack("<iiii", 16 + len(content), number, answers, op)
                         + content)
        return number

    def reply(self, answers, document, compress=False, flags=0):
        return self.send(answers, OP_MSG,
                         struct.pack("<iB", flags, 0) + bson.encode(document), compress)

    def handle(self):
        while True:
            head = self.rfile.read(16)
            if len(head) < 16:
                return
            size, number, _, op = struct.unpack("<iiii", head)
            data, compressed = self.rfile.read(size - 16), op == OP_COMPRESSED
            if compressed:
                op, data = struct.unpack_from("<i", data)[0], zlib.decompress(data[9:])
            if op == OP_QUERY:
                self.send(number, OP_REPLY,
                          struct.pack("<iqii", 8, 0, 0, 1) + bson.encode(HELLO), False)
                continue
            flags, command = struct.unpack_from("<i", data)[0], parse(data)
            if flags & 2:
                continue
            self.answer(number, command, compressed, flags)

    def answer(self, number, command, compressed, flags):
        name = next(iter(command))
        if flags & 0x10000:
            for _ in range(2):
                time.sleep(0.1)
                number = self.reply(number, HELLO, compressed, 2)
        if name in ("hello", "ismaster", "isMaster"):
            time.sleep(0.2 if "maxAwaitTimeMS" in command else 0)
            self.reply(number, HELLO, compressed)
        elif name == "saslStart":
            self.reply(number, {"ok": 1.0, "conversationId": 1, "done": True,
                                "payload": b"payload-of-server"})
        elif name == "insert" and command["insert"] == "unique":
            self.reply(number, {"ok": 1.0, "n": 0, "writeErrors": [
                {"index": 0, "code": 11000, "errmsg": "E11000 duplicate key"}]}, compressed)
        elif name == "insert":
            self.reply(number, {"ok": 1.0, "n": len(command["documents"])}, compressed)
        elif name in ("find", "getMore"):
            batch = "firstBatch" if name == "find" else "nextBatch"
            self.reply(number, {"ok": 1.0, "cursor": {
                "id": bson.Int64(77 if name == "find" else 0), "ns": command["$db"] + ".orders",
                batch: [{"_id": i, "total": 1.5 * i} for i in range(3)]}}, compressed)
        elif name == "drop":
            self.reply(number, {"ok": 0.0, "errmsg": "not authorized", "code": 13,
                                "codeName": "Unauthorized"}, compressed)
        else:
            self.reply(number, {"ok": 1.0}, compressed)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    numbers = itertools.count(1)

    def get_request(self):
        sock, address = super().get_request()
        return (context.wrap_socket(sock, server_side=True) if context else sock), address

    def handle_error(self, request, client_address):
        pass


if sys.argv[1] == "serve":
    context = None
    if sys.argv[3] != "-":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3], sys.argv[4])
    Server(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
port, cert, secret, compressors = sys.argv[2:6]
tls = {} if cert == "-" else {"tls": True, "tlsCAFile": cert}
client = pymongo.MongoClient("localhost", int(port), **tls, username="ann",
                             password=secret, authMechanism="PLAIN", authSource="$external",
                             compressors=compressors or [], heartbeatFrequencyMS=1000,
                             serverSelectionTimeoutMS=10000)
shop = client["shop" + ("-zlib" if compressors else "")]
shop.orders.insert_many([{"_id": i, "item": "thing %d" % i, "when": bson.datetime.datetime(
    2026, 11, 27)} for i in range(3)])
print([order["total"] for order in shop.orders.find({"total": {"$gt": 0}}, batch_size=3)])
for attempt in (lambda: shop.unique.insert_one({"_id": 1}), shop.forbidden.drop):
    try:
        attempt()
    except pymongo.errors.PyMongoError as error:
        print(error)
client.shop.get_collection("unasked", write_concern=pymongo.WriteConcern(0)).insert_one({"a": 1})
shop.command("createUser", "bob", pwd=secret, roles=[])
time.sleep(1)
client.close()
