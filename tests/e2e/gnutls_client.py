#!/usr/bin/env python3
"""A GnuTLS client that sends in ways of which gnutls-cli has none.

    gnutls_client.py HOW ADDRESS PORT PATH BODY

posts the file BODY and prints the answer's body. HOW: cork (all is sent by gnutls_record_uncork),
mixed (a part before and after), send2, range (padded), seq (reads by gnutls_record_recv_seq).
"""

import ctypes
import socket
import sys

CLIENT, CERTIFICATE, WAIT, AGAIN = 2, 1, 1, -28
gnutls = ctypes.CDLL("libgnutls.so.30")
for name in "send", "send2", "send_range", "recv", "recv_seq":
    getattr(gnutls, "gnutls_record_" + name).restype = ctypes.c_ssize_t


def check(result, what):
    if result < 0:
        sys.exit("%s: GnuTLS error %d" % (what, result))
    return result


def connect(address, port):
    sock = socket.create_connection((address, port))
    session, credentials = ctypes.c_void_p(), ctypes.c_void_p()
    check(gnutls.gnutls_init(ctypes.byref(session), CLIENT), "init")
    check(gnutls.gnutls_certificate_allocate_credentials(ctypes.byref(credentials)), "credentials")
    check(gnutls.gnutls_set_default_priority(session), "priority")
    check(gnutls.gnutls_credentials_set(session, CERTIFICATE, credentials), "credentials")
    gnutls.gnutls_transport_set_int2(session, sock.fileno(), sock.fileno())
    check(gnutls.gnutls_handshake(session), "handshake")
    return sock, session


def send_range(session, data, size):
    bounds = (ctypes.c_size_t * 2)(size, size + 512)
    return gnutls.gnutls_record_send_range(session, data, ctypes.c_size_t(size), bounds)


def send_all(session, data, how):
    while data:
        size = ctypes.c_size_t(len(data))
        if how == "send2":
            n = gnutls.gnutls_record_send2(session, data, size, ctypes.c_size_t(16), 0)
        elif how == "range":
            n = send_range(session, data, min(len(data), 4000))
        else:
            n = gnutls.gnutls_record_send(session, data, size)
        data = data[check(n, "send"):]


def post(session, how, path, body):
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (
        path.encode(), len(body))
    if how == "mixed":
        send_all(session, head, how)
    if how in ("cork", "mixed"):
        gnutls.gnutls_record_cork(session)
    if how != "mixed":
        send_all(session, head, how)
    third = len(body) // 3
    for part in body[:third], body[third:2 * third]:
        send_all(session, part, how)
    if how in ("cork", "mixed"):
        check(gnutls.gnutls_record_uncork(session, WAIT), "uncork")
    send_all(session, body[2 * third:], how)


def answer(session, how):
    buffer, sequence = ctypes.create_string_buffer(20000), ctypes.create_string_buffer(8)
    data = b""
    while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < length(data):
        if how == "seq":
            n = gnutls.gnutls_record_recv_seq(session, buffer, ctypes.c_size_t(20000), sequence)
        else:
            n = gnutls.gnutls_record_recv(session, buffer, ctypes.c_size_t(20000))
        if n == AGAIN:  # a session ticket came
            continue
        if not check(n, "recv"):
            break
        data += buffer.raw[:n]
    return data.partition(b"\r\n\r\n")[2]


def length(data):
    return int(data.lower().partition(b"content-length:")[2].split(b"\r\n")[0])


def main():
    how, address, port, path, body = sys.argv[1:]
    with open(body, "rb") as file:
        data = file.read()
    sock, session = connect(address, int(port))
    print(sock.getsockname()[1], file=sys.stderr)
    post(session, how, path, data)
    sys.stdout.buffer.write(answer(session, how))
    gnutls.gnutls_deinit(session)
    sock.close()


main()
