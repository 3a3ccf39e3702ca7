#!/usr/bin/env python3
"""Connections with one request each, and how they are shown.

    one_request.py ask PORT COUNT THREADS       prints "PATH CLIENT-PORT" of each
    one_request.py check SOCKET FILE PORT       every one is shown once, with both its ports
"""

import json
import socket
import ssl
import sys
import threading
import time
import urllib.parse

from check_entries import Api


def ask(port, path):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        mine = plain.getsockname()[1]
        with context.wrap_socket(plain, server_hostname="localhost") as tls:
            tls.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                        % path.encode())
            while tls.recv(65536):
                pass
    return mine


def ask_many(port, first, last, lines):
    for i in range(first, last):
        path = "/one/%d" % i
        lines.append("%s %d" % (path, ask(port, path)))


def main_ask(port, count, threads):
    lines, all_threads = [], []
    for n in range(threads):
        all_threads.append(threading.Thread(target=ask_many, args=(
            port, count * n // threads, count * (n + 1) // threads, lines)))
    for thread in all_threads:
        thread.start()
    for thread in all_threads:
        thread.join()
    print("\n".join(lines))


def wrong_in(entries, asked, port):
    wrong, seen = [], {}
    for entry in entries:
        if entry["role"] != "client":
            seen.setdefault(entry["summary"], []).append(entry)
    for path, mine in asked.items():
        have = [(e["src"]["port"], e["dst"]["port"]) for e in seen.get(path, [])]
        if have != [(mine, port)]:
            wrong.append("%s: ports %s, expected %d and %d" % (path, have, mine, port))
    return wrong


def main_check(path, file, port):
    with open(file, encoding="ascii") as lines:
        asked = {line.split()[0]: int(line.split()[1]) for line in lines}
    if not asked:
        sys.exit("nothing was asked")
    deadline = time.monotonic() + 20
    while True:
        entries = Api(path).matching("path.startsWith(\"/one/\")")
        wrong = wrong_in(entries, asked, port)
        if not wrong or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    print("%d of %d" % (len(asked) - len(wrong), len(asked)))
    if wrong:
        sys.exit("\n".join(wrong[:10]))


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        main_ask(*(int(n) for n in sys.argv[2:5]))
    else:
        main_check(sys.argv[2], sys.argv[3], int(sys.argv[4]))
