#!/usr/bin/env python3
"""Many processes that map files.

    many_processes.py COUNT EACH FILE...

So many processes map EACH of the files, executable, and each file is mapped by some. Prints a line
when all have, and ends them at the end of its input."""

import mmap
import os
import sys


def live(files, number, each, end):
    maps = [mmap.mmap(files[(number * each + i) % len(files)], mmap.PAGESIZE, mmap.MAP_PRIVATE,
                      mmap.PROT_READ | mmap.PROT_EXEC) for i in range(each)]
    os.write(1, b".")
    os.read(end, 1)
    os._exit(len(maps) != each)


def main():
    count, each = int(sys.argv[1]), int(sys.argv[2])
    files = [os.open(path, os.O_RDONLY) for path in sys.argv[3:]]
    end, keep = os.pipe()
    told, tell = os.pipe()
    pids = []
    for number in range(count):
        pid = os.fork()
        if not pid:
            os.close(keep)
            os.dup2(tell, 1)
            live(files, number, each, end)
        pids.append(pid)
    os.close(tell)
    seen = 0
    while seen < count:
        seen += len(os.read(told, count))
    print("all", flush=True)
    sys.stdin.read()
    os.close(keep)
    for pid in pids:
        os.waitpid(pid, 0)


main()
