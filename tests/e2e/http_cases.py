#!/usr/bin/env python3
"""Conversations over TLS, byte for byte: http_cases.py DIRECTORY. The directory has key.pem and
cert.pem, and bodies that others have compressed; what must be shown is left there as NAME.request
and NAME.response. Prints the number of the server's port.
"""

import gzip
import random
import socket
import ssl
import sys
import threading
import zlib

TEXT = b"".join(b"line %d of the text\n" % i for i in range(3000))


def request(method, path, *fields, body=b""):
    head = ["%s %s HTTP/1.1" % (method, path), "Host: localhost", *fields]
    if body:
        head.append("Content-Length: %d" % len(body))
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def response(status, *fields, body=None):
    head = ["HTTP/1.1 " + status, *fields]
    if body is not None:
        head.append("Content-Length: %d" % len(body))
    return "\r\n".join(head).encode() + b"\r\n\r\n" + (body or b"")


def chunked(body, trailers=""):
    chunks = [body[i:i + 999] for i in range(0, len(body), 999)]
    return b"".join(b"%x;x=y\r\n%s\r\n" % (len(c), c) for c in chunks) + b"0\r\n" + \
        trailers.encode() + b"\r\n"


def coded(name, coding, data):
    save(name + ".response", TEXT)
    return [("c", request("GET", "/" + name)),
            ("s", response("200 OK", "Content-Type: text/plain", "Content-Encoding: " + coding,
                           body=data))]


def secrets(path, body):
    """What the built-in rules and those that http.sh gives must hide."""
    return [("c", request("POST", path + "?tok=SECRET1&plain=shown1",
                          "Authorization: Bearer SECRET2", "Cookie: sid=SECRET3; a=SECRET4",
                          "X-Mine: SECRET5", "X-Plain: shown2", *body[0], body=body[1])),
            ("s", response("200 OK", "Set-Cookie: sid=SECRET6; Path=/",
                           "Content-Type: application/json",
                           body=b'{"access_token":"SECRET7","plain":"shown3"}'))]


def save(name, data):
    with open("%s/%s" % (sys.argv[1], name), "wb") as file:
        file.write(data)


def load(name):
    with open("%s/%s" % (sys.argv[1], name), "rb") as file:
        return file.read()


def conversations():
    ok = response("200 OK", body=b"ok\n")
    yield [(who, data) for i in range(1, 4) for who, data in
           (("c", request("GET", "/keep-alive/%d" % i)),
            ("s", response("200 OK", body=b"answer %d\n" % i)))]
    yield [("c", b"".join(request("GET", "/pipeline/%d" % i) for i in range(1, 6))),
           ("s", b"".join(response("200 OK", body=b"answer %d\n" % i) for i in range(1, 6)))]
    yield [("c", request("HEAD", "/head")), ("s", response("200 OK", "Content-Length: 5000")),
           ("c", request("GET", "/after-head")), ("s", ok)]
    yield [("c", request("POST", "/continue", "Expect: 100-continue", "Content-Length: 6")),
           ("s", response("100 Continue")), ("c", b"hello\n"), ("s", ok)]
    yield [("c", request("GET", "/204")), ("s", response("204 No Content")),
           ("c", request("GET", "/304")), ("s", response("304 Not Modified", "ETag: x")),
           ("c", request("GET", "/after-304")), ("s", ok)]
    save("chunked.request", TEXT[:5000])
    save("chunked.response", TEXT)
    yield [("c", request("POST", "/chunked", "Transfer-Encoding: chunked") + chunked(TEXT[:5000])),
           ("s", response("200 OK", "Transfer-Encoding: chunked", "Trailer: X-Sum") +
            chunked(TEXT, "X-Sum: 42\r\n")),
           ("c", request("GET", "/after-chunked")), ("s", ok)]
    yield [("c", request("GET", "/until-close")),
           ("s", response("200 OK", "Connection: close") + TEXT)]
    save("until-close.response", TEXT)
    yield coded("gzip", "gzip", gzip.compress(TEXT))
    yield coded("deflate", "deflate", zlib.compress(TEXT))
    yield coded("br", "br", load("text.br"))
    yield coded("zstd", "zstd", load("text.zst"))
    yield coded("bomb", "gzip", load("bomb.gz"))
    yield [("c", request("GET", "/huge")), ("s", response("200 OK", body=b"0123456789" * 10**7)),
           ("c", request("GET", "/after-huge")), ("s", ok)]
    yield [("c", request("GET", "/long-line", "X-Long: " + "a" * 1000000)), ("s", ok)]
    yield [("c", request("GET", "/long-answer")),
           ("s", response("200 OK", "X-Long: " + "a" * 1000000, body=b"ok\n"))]
    yield [("c", request("GET", "/unanswered"))]
    noise = random.Random(1)
    save("noise.request", noise.randbytes(50000))
    save("noise.response", noise.randbytes(40000))
    yield [("c", load("noise.request")), ("s", load("noise.response"))]
    yield [("c", b"GET /garbage HTTP/1.1\r\n" + noise.randbytes(30000)),
           ("s", b"HTTP/1.1 " + noise.randbytes(30000))]
    yield secrets("/secret/json", (["Content-Type: application/json"],
                                   b'{"user":"ann","password":"SECRET8","ssn":"SECRET9"}'))
    yield secrets("/secret/form", (["Content-Type: application/x-www-form-urlencoded"],
                                   b"user=ann&password=SECRETA&ssn=SECRETB"))
    yield secrets("/secret/gzip", (["Content-Type: application/json", "Content-Encoding: gzip"],
                                   gzip.compress(b'{"password":"SECRETC","ssn":"SECRETD"}')))
    yield [("c", request("GET", "/last")), ("s", ok)]


def receive(tls, length):
    while length:
        got = tls.recv(min(length, 1 << 16))
        if not got:
            raise OSError("closed too early")
        length -= len(got)


def serve(listener, context, script):
    plain, _ = listener.accept()
    with context.wrap_socket(plain, server_side=True) as tls:
        for who, data in script:
            if who == "c":
                receive(tls, len(data))
            else:
                tls.sendall(data)


def main():
    accept = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    accept.load_cert_chain(sys.argv[1] + "/cert.pem", sys.argv[1] + "/key.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    for script in conversations():
        thread = threading.Thread(target=serve, args=(listener, accept, script))
        thread.start()
        plain = socket.create_connection(listener.getsockname())
        with ssl._create_unverified_context().wrap_socket(plain) as tls:
            for who, data in script:
                if who == "s":
                    receive(tls, len(data))
                else:
                    tls.sendall(data)
            thread.join()
    print(listener.getsockname()[1])


main()
