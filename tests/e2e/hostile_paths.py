#!/usr/bin/env python3
"""What an ordinary user does with paths: hostile_paths.py COMMAND ARGUMENT...

swap DIRECTORY TARGET TRIES   map a library, put a link to TARGET in its place and end at once
map FILE...                   map files as the loader would, say so and keep them until standard input ends
pass FILE...                  map each for a moment
"""

import mmap
import os
import sys
import time


def map_file(path):
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)


def swap(directory, target, tries):
    for i in range(int(tries)):
        library = f"{directory}/libssl.so.{i}"
        link = f"{directory}/link.{i}"
        with open(library, "wb") as file:
            file.write(b"\x7fELF SSL_ " * 1000)
        os.symlink(target, link)
        if not os.fork():
            memory = map_file(library)
            memory.close()
            os.rename(link, library)
            os._exit(0)
        os.wait()
        time.sleep(0.05)


def main():
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "swap":
        swap(*arguments)
    elif command == "pass":
        for path in arguments:
            map_file(path).close()
    else:
        maps = [map_file(path) for path in arguments]
        print(len(maps), flush=True)
        sys.stdin.read()


main()
