#!/usr/bin/env python3
"""A connection that is older than the capture: early.py ADDRESS PORT.

One request, then the local port on standard output; a request for each path read from standard
input, on the same connection.
"""

import http.client
import ssl
import sys

context = ssl._create_unverified_context()
connection = http.client.HTTPSConnection(sys.argv[1], int(sys.argv[2]), context=context)
connection.request("GET", "/before")
connection.getresponse().read()
print(connection.sock.getsockname()[1], flush=True)
for line in sys.stdin:
    connection.request("GET", line.strip())
    connection.getresponse().read()
