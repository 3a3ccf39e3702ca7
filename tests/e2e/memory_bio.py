#!/usr/bin/env python3
"""Server and client in one asyncio program, whose TLS never touches a socket: memory_bio.py
DIRECTORY PATH."""

import asyncio
import ssl
import sys


async def serve(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nasync\n")
    await writer.drain()
    writer.close()


async def main():
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(sys.argv[1] + "/cert.pem", sys.argv[1] + "/key.pem")
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_context)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=ssl._create_unverified_context())
    writer.write(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % sys.argv[2].encode())
    print((await reader.read()).decode())
    writer.close()


asyncio.run(main())
