# SPDX-License-Identifier: GPL-2.0-or-later
"""Seeds of fuzz_export: details as a dissector writes them, and as nobody does."""
import json
import os
import sys

NONE, BODY, INSIDE, COOKIE = range(4)  # filters
OLDEST, LONGEST, COMPLETE, NO_PORT, V6, BOTH, FAR, ADDRESS = (1 << i for i in range(8))
MOST = (1 << 63) - 1

REQUEST = {
    "method": "POST", "target": "/a?b=c", "http_version": "1.1",
    "headers": [["Host", "example.net"], ["Cookie", "a=b"], ["Transfer-Encoding", "chunked"]],
    "cookies": [["a", "b"]], "query": [["b", "c"]], "trailers": [["t", "1"]],
    "content_type": "application/json", "head_size": 60, "body_size": 9, "body_stored": 9,
}
RESPONSE = {
    "status": 200, "reason": "OK", "http_version": "1.1",
    "headers": [["Content-Length", "4"], ["Set-Cookie", "x=y; Path=/"]], "content_type": "text/plain",
    "body_size": 14, "body_stored": 4, "gaps": [{"offset": 4, "length": 10, "why": "lost"}],
}
EVENTS = [{"name": name, "time_us": 1795298400000000 + us} for name, us in (
    ("request_start", 0), ("request_end", 100), ("response_start", 900), ("response_end", 1000))]
WHOLE = {"request": REQUEST, "response": RESPONSE, "tls_info": {"version": "TLSv1.3"}, "events": EVENTS}
OPAQUE = {
    "request": {"body_size": 4, "body_stored": 4},
    "response": {"body_size": 9, "body_stored": 4, "gaps": [{"offset": 0, "length": 5, "why": "truncated"}]},
}
WRONG_TYPES = {
    "request": {"method": 7, "headers": "x", "cookies": {"a": 1}, "query": [1, [2], ["a"], [None, 3]],
                "body_size": "9", "gaps": [5, {"offset": -1, "length": 1e300}]},
    "response": [], "events": {"x": 1}, "tls_info": 3,
}
WRONG_NUMBERS = {
    "request": {"method": "GET\r\nX: y", "target": "/\n\0", "headers": [["a\r\nb", "c\r\nd"], ["", ""]],
                "body_size": MOST, "head_size": -5},
    "response": {"status": 99999999999, "reason": "a\nb", "body_size": -1,
                 "gaps": [{"offset": 0, "length": MOST}, {"offset": MOST, "length": MOST}]},
}


def write(name, which, flags, detail, request=b'{"a":"b"}', response=b"done", more=b""):
    if not isinstance(detail, bytes):
        detail = json.dumps(detail).encode()
    with open(os.path.join(sys.argv[1], name), "wb") as f:
        f.write(bytes([which, flags]) + b"\xff".join((detail, request, response, b"1-2-3", b"/a", b"b=c", more)))


write("http", NONE, COMPLETE, WHOLE)
write("http-redacted", BODY, COMPLETE, WHOLE)
write("json-redacted", INSIDE, COMPLETE | V6, WHOLE, response=b'{"a":{"b":1}}')
write("cookie-redacted", COOKIE, 0, WHOLE)
write("no-answer", NONE, 0, {"request": REQUEST})
write("answer-alone", NONE, 0, {"response": RESPONSE})
write("opaque", NONE, V6, OPAQUE, b"\0\1\2\3", b"\0\1\2\3")
write("odd-times", NONE, OLDEST | LONGEST, WHOLE)
write("odd-address", NONE, ADDRESS, WHOLE, more=b"10.0.0.x\xffreason")
write("no-port", NONE, NO_PORT, WHOLE)
write("far", NONE, FAR | BOTH, WHOLE)
write("types", NONE, COMPLETE, WRONG_TYPES)
write("numbers", NONE, COMPLETE, WRONG_NUMBERS)
write("broken", NONE, COMPLETE, b'{"request":{"method":"GET"')
write("empty", NONE, COMPLETE, b"")
write("deep", NONE, COMPLETE, b'{"request":' + b"[" * 300 + b"]" * 300 + b"}")
