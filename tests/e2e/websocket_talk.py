#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""WebSocket and event streams with what Debian has.

serve DIRECTORY PORT SSE-PORT: python3-websockets, which echoes what it is told, and an event
stream; ask PORT DEFLATE: a client of the first; prints what it got.
"""
import asyncio
import http.server
import ssl
import sys
import threading
import time

import websockets

BIG = "0123456789abcdef" * 4096


def context(folder):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")
    return c


async def echo(connection):
    async for message in connection:
        if message == "bye":
            await connection.close(4000, "as you say")
            return
        await connection.send(b"\0\xff" + message if isinstance(message, bytes)
                              else "echo " + message)


class Events(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for i in range(5):
            self.wfile.write(b"event: tick\nid: %d\ndata: {\"n\":%d,\"password\":\"ctSecret"
                             b"Password7\"}\n\n" % (i, i))
            self.wfile.flush()
            time.sleep(0.3)

    def log_message(self, *_):
        pass


def serve_events(folder, port):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Events)
    server.socket = context(folder).wrap_socket(server.socket, server_side=True)
    server.serve_forever()


async def serve(folder, port, events):
    threading.Thread(target=serve_events, args=(folder, events), daemon=True).start()
    async with websockets.serve(echo, "127.0.0.1", port, ssl=context(folder)):
        await asyncio.sleep(120)


async def ask(port, deflate):
    c = ssl.create_default_context()
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    uri = "wss://127.0.0.1:%d/%s?room=1" % (port, "deflate" if deflate else "plain")
    async with websockets.connect(uri, ssl=c, compression="deflate" if deflate else None) as conn:
        for i in range(20):
            await conn.send('{"n":%d,"text":"hello","password":"ctSecretPassword7"}' % i)
            assert (await conn.recv()).startswith("echo {")
        await conn.send(b"\x01\x02\x03")
        assert await conn.recv() == b"\0\xff\x01\x02\x03"
        await conn.send(BIG)
        assert await conn.recv() == "echo " + BIG
        await conn.send(["in ", "three ", "parts"])
        assert await conn.recv() == "echo in three parts"
        await (await conn.ping(b"there?"))
        print("ready", flush=True)
        await asyncio.sleep(2.5)
        await conn.send("bye")
        try:
            await conn.recv()
        except websockets.ConnectionClosed as closed:
            print(closed.rcvd.code, flush=True)


if sys.argv[1] == "serve":
    asyncio.run(serve(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
else:
    asyncio.run(ask(int(sys.argv[2]), sys.argv[3] == "deflate"))
