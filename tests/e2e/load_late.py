#!/usr/bin/env python3
"""A program that loads its TLS library late, and asks its question 0.1 s after that.

    load_late.py HOW LIBRARY PORT

HOW: named        LIBRARY as it lies there
     unlinked     it has no name any more as soon as it is loaded
     memory       a copy that never had one (memfd)
     replaced     another file takes its name as soon as it is loaded
It fails when it has used another one.
"""

import ctypes
import os
import shutil
import sys
import time


def load(how, library):
    if how == "memory":
        memory = os.memfd_create("libssl")
        with open(library, "rb") as file:
            os.write(memory, file.read())
        library = "/proc/self/fd/%d" % memory
    # What asks for libssl.so.3 from now on gets this one.
    ctypes.CDLL(library, ctypes.RTLD_GLOBAL)
    if how == "unlinked":
        os.unlink(library)
    if how == "replaced":
        shutil.copy(library, library + ".new")
        os.rename(library + ".new", library)


def main():
    how, library, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    time.sleep(0.3)
    load(how, library)
    import http.client
    import ssl
    time.sleep(0.1)
    connection = http.client.HTTPSConnection("127.0.0.1", port,
                                             context=ssl._create_unverified_context())
    connection.request("GET", "/" + how)
    connection.getresponse().read()
    with open("/proc/self/maps", encoding="utf-8") as maps:
        text = maps.read()
    if len({line.split()[4] for line in text.splitlines() if "libssl" in line}) != 1:
        sys.exit("it uses another libssl")


main()
