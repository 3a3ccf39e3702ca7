#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may ask: the token, the cookies of browsers, names of the host, other sites."""
import base64
import hashlib
import re
import time

from api_lib import TOKEN, Server, problem, run

server = Server()
server.append(500)


def log_in(at):
    return at.get("/?token=" + TOKEN, token=None).headers["set-cookie"].split(";")[0]


def cookies_bounded():
    """of more browsers than there is room for, the one unused for longest goes"""
    jars = [log_in(server)]
    time.sleep(1.1)
    jars += [log_in(server) for _ in range(65)]
    ask = lambda jar: server.get("/api/stats", token=None, headers={"Cookie": jar}).status
    assert ask(jars[0]) == 401 and ask(jars[-1]) == 200
    assert sum(ask(j) == 200 for j in jars) == 64


def cookie():
    """/?token= sets a cookie and drops the token from the address"""
    a = server.get("/?token=" + TOKEN, token=None)
    assert a.status == 303 and a.headers["location"] == "/"
    c = a.headers["set-cookie"]
    assert c.startswith("cleartap-%d=" % server.port), c
    assert "HttpOnly" in c and "SameSite=Strict" in c and "Path=/" in c
    jar = c.split(";")[0]
    # The cookie goes to every port of the host: it is worth nothing elsewhere, and each has its own.
    assert re.fullmatch("cleartap-%d=[0-9a-f]{64}" % server.port, jar) and TOKEN not in c, c
    value = jar.split("=")[1]
    assert log_in(server) != jar
    problem(server.get("/api/stats", token=value), 401)
    problem(server.get("/?token=" + value, token=None), 401)
    problem(server.get("/api/stats", token=None, headers={
        "Cookie": "cleartap-%d=%s" % (server.port, TOKEN)}), 401)
    other = Server()
    problem(other.get("/api/stats", token=None, headers={
        "Cookie": "cleartap-%d=%s" % (other.port, value)}), 401)
    assert other.stop() == 0
    assert server.get("/api/stats", token=None, headers={"Cookie": jar}).status == 200
    assert server.get("/api/stats", token=None, headers={"Cookie": "a=b; " + jar}).status == 200
    problem(server.get("/api/stats", token=None, headers={"Cookie": jar + "x"}), 401)
    problem(server.get("/api/stats", token=None, headers={"Cookie": "cleartap-1=" + TOKEN}), 401)
    problem(server.get("/?token=wrong", token=None), 401)
    a = server.get("/?token=wrong", token=None)
    assert "set-cookie" not in a.headers
    problem(server.get("/api/stats?token=" + TOKEN, token=None), 401)


def login_page():
    """a browser without the token gets a page that says so, under a strict policy"""
    a = server.get("/", token=None, headers={"Accept": "text/html,*/*"})
    assert a.status == 401 and a.headers["content-type"].startswith("text/html")
    style = re.search(b"<style>(.*?)</style>", a.body).group(1)
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    csp = a.headers["content-security-policy"]
    assert "'sha256-%s'" % digest in csp and "default-src 'none'" in csp
    assert b"<script" not in a.body
    assert server.get("/api/stats", token=None, headers={"Accept": "text/html"}).headers[
        "content-type"] == "application/problem+json"


def rebinding():
    """a name that is not ours is refused, with or without the token"""
    p = server.port
    for host in ("127.0.0.1:%d" % p, "localhost:%d" % p, "LOCALHOST:%d" % p, "[::1]:%d" % p,
                 "127.9.8.7:%d" % p):
        assert server.get("/api/stats", host=host).status == 200, host
    for host in ("evil.example:%d" % p, "evil.example", "localhost", "localhost:1",
                 "127.0.0.1.evil.example:%d" % p, "localhost.evil.example:%d" % p, "0.0.0.0:%d" % p,
                 "192.0.2.1:%d" % p, "[::]:%d" % p, "x" * 5000, ":%d" % p, "127.1:%d" % p,
                 "localhost:%d@evil" % p):
        for token in (TOKEN, None):
            problem(server.get("/api/stats", host=host, token=token), 421)
            problem(server.get("/healthz", host=host, token=token), 421)
    two = server.get("/api/stats", headers={"Host": "localhost:%d\r\nHost: evil.example" % p})
    problem(two, 400)
    assert server.raw(b"GET /api/stats HTTP/1.1\r\nConnection: close\r\n\r\n").startswith(
        b"HTTP/1.1 400")
    assert b" 400 " in server.raw(b"GET /api/stats HTTP/1.0\r\n\r\n")[:20]


def cross_site():
    """requests that other pages cause are refused"""
    p = server.port
    for origin in ("http://evil.example", "null", "https://127.0.0.1:%d" % p, "http://127.0.0.1",
                   "http://127.0.0.1:%d.evil.example" % p, "http://localhost:%d" % p, ""):
        for path in ("/api/stats", "/", "/healthz"):
            problem(server.get(path, headers={"Origin": origin}), 403)
        problem(server.request("POST", "/api/capture", headers={"Origin": origin},
                               body=b'{"state":"paused"}'), 403)
    for site in ("cross-site", "same-site"):
        problem(server.get("/api/stats", headers={"Sec-Fetch-Site": site}), 403)
        problem(server.get("/", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors",
                                         "Sec-Fetch-Dest": "script"}), 403)
        visit = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        assert server.get("/", headers=visit).status in (200, 404)
        problem(server.get("/api/entries/1", headers=visit), 403)
        problem(server.get("/", headers={**visit, "Sec-Fetch-Dest": "iframe"}), 403)
    same = {"Origin": "http://127.0.0.1:%d" % p, "Sec-Fetch-Site": "same-origin"}
    assert server.get("/api/stats", headers=same).status == 200
    assert server.get("/api/stats", headers={"Sec-Fetch-Site": "none"}).status == 200
    a = server.get("/api/stats", headers=same)
    assert not any(h.startswith("access-control") for h in a.headers)


def clean_end():
    """the server ends cleanly"""
    assert server.stop() == 0


run([cookie, cookies_bounded, login_page, rebinding, cross_site, clean_end])
