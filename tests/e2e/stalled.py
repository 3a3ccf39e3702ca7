#!/usr/bin/env python3
"""Readers of the live stream that never read: stalled.py HOST PORT TOKEN COUNT."""

import socket
import sys

host, port, token, count = sys.argv[1:]
readers = []
for _ in range(int(count)):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    s.connect((host, int(port)))
    s.sendall(("GET /api/stream HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Bearer %s\r\n\r\n"
               % (host, port, token)).encode())
    readers.append(s)
print(len(readers), flush=True)
sys.stdin.read()
