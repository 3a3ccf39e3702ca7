# SPDX-License-Identifier: GPL-2.0-or-later
"""Seeds of fuzz_request, and the words of its dictionary: what openapi.json tells of the routes."""
import json
import os
import sys
from urllib.parse import quote

QUERIES = ["http and status_code >= 400", 'request.headers["host"] == "example.net"', 'dst.name contains "exa"',
           "limit(3)", 'redact("request.body", "response.headers.server")', "request.json().name == \"value\"",
           'path matches "^/a.*b$"', "timestamp > now() - 1h", "(", 'src.ip == 127.0.0.0/8 and not tls']
HOST = "Host: 127.0.0.1:8080\n"
LOGGED = HOST + "Authorization: Bearer sesame-open\n"


def write(name, text):
    with open(os.path.join(sys.argv[1], name), "w") as f:
        f.write(text)


def main():
    routes = json.load(open("src/api/openapi.json"))["paths"]
    for number, (path, methods) in enumerate(sorted(routes.items())):
        for method in methods:
            if method == "parameters":
                continue
            filled = path.replace("{id}", "4242-7f3a10-1" if "connections" in path else "7")
            body = '{"paused": true}' if method == "post" else ""
            name = "%02d-%s" % (number, method)
            write(name, "u%s %s\n\n%s" % (method.upper(), filled, body))
            write(name + "-token", "t%s %s\n%s\n%s" % (method.upper(), filled, LOGGED, body))
    for number, query in enumerate(QUERIES):
        write("query-%d" % number, "uGET /api/entries?limit=5&q=%s\n\n" % quote(query))
        write("stream-%d" % number, "uGET /api/stream?after=1&q=%s\n\n" % quote(query))
        write("har-%d" % number, "uGET /api/export/har?q=%s\n\n" % quote(query))
        write("pcapng-%d" % number, "uGET /api/export/pcapng?q=%s\n\n" % quote(query))
    write("histogram", "uGET /api/histogram?from=1795298400000&to=1795298460000&buckets=60\n\n")
    write("page", "uGET /api/entries?before=9&after=2&limit=2\nAccept-Encoding: gzip\n\n")
    write("raw", "uGET /api/entries/3/response/body?raw=1\nRange: bytes=2-5\nIf-None-Match: *\n\n")
    write("login", "tGET /?token=sesame-open\n%s\n" % HOST)
    write("login-wrong", "tGET /?token=other\n%s\n" % HOST)
    write("cookie", "tGET /\n%sCookie: cleartap-8080=abc; x=y\n\n" % HOST)
    write("rebinding", "tGET /api/entries\nHost: evil.example:8080\nOrigin: http://evil.example\n\n")
    write("cross-site", "tPOST /api/capture\n%sSec-Fetch-Site: cross-site\nOrigin: null\n\n{}" % LOGGED)
    write("v6", "tGET /healthz\nHost: [::1]:8080\nSec-Fetch-Site: same-origin\nOrigin: http://[::1]:8080\n\n")
    write("two-lengths", "uPOST /api/capture\nContent-Length: 1\nContent-Length: 2\n\n{}")
    write("long", "uGET /%s\n\n" % ("a%20" * 2000))
    write("absolute", "uOPTIONS http://localhost/api/stats\n\n")
    write("star", "uOPTIONS *\n\n")
    write("resume", "uGET /api/stream\nLast-Event-ID: 50\n\n")
    with open(sys.argv[2], "w") as f:
        words = {p for p in routes} | {"GET ", "HEAD ", "POST ", "OPTIONS ", "?q=", "&limit=", "&before=",
                                       "&after=", "&raw=1", "&from=", "&to=", "&buckets=", "%20", "%22", "%00",
                                       "Authorization: Bearer ", "Cookie: ", "Host: 127.0.0.1:8080", "Origin: ",
                                       "Sec-Fetch-Site: ", "Last-Event-ID: ", "If-None-Match: ", "Accept-Encoding: gzip",
                                       "Content-Length: ", "sesame-open", "redact(", "limit(", ".json()", ".xml()",
                                       " matches ", " contains ", "request.headers[", "9223372036854775807"}
        for word in sorted(words):
            f.write('"%s"\n' % word.replace('"', '\\"'))


main()
