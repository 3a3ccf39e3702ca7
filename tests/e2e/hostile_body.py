#!/usr/bin/env python3
"""Send bodies that were slow to look through, and ordinary requests between them.

usage: hostile_body.py PORT   prints how many ordinary requests were answered
"""
import gzip
import http.client
import ssl
import sys
import threading

PART = b'--X\r\nContent-Disposition: form-data; name="a"\r\n'
BODIES = [
    ("multipart/form-data; boundary=X", "", PART * (1000000 // len(PART))),
    ("multipart/form-data; boundary=X", "gzip", gzip.compress(PART * 20000)),
    ("text/xml", "", b"<sid " * 200000),
    ("application/json", "gzip", gzip.compress(b'"token":\\"' * 400000)),
    ("application/json", "", b'"name":"token",' * 60000),
]
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE


def connect():
    return http.client.HTTPSConnection("127.0.0.1", int(sys.argv[1]), context=context, timeout=20)


def send_hostile():
    connection = connect()
    for kind, coding, body in BODIES * 2:
        headers = {"Content-Type": kind}
        if coding:
            headers["Content-Encoding"] = coding
        connection.request("POST", "/hostile", body, headers)
        connection.getresponse().read()


hostile = threading.Thread(target=send_hostile)
hostile.start()
plain = connect()
answered = 0
for i in range(200):
    plain.request("GET", "/plain/%d" % i, headers={"X-Note": "plain"})
    answered += plain.getresponse().read() != b""
hostile.join(60)
print(answered)
