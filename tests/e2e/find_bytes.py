#!/usr/bin/env python3
"""Search the memory, environment and arguments of processes: find_bytes.py TEXT PID... Prints the
processes that hold the text, and those that could not be read; status 0 when there are none.
"""

import sys


def holds(pid, text):
    for name in ("environ", "cmdline"):
        with open(f"/proc/{pid}/{name}", "rb") as file:
            if text in file.read():
                return name
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            where, access = line.split()[:2]
            if "r" not in access or line.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            first, last = (int(part, 16) for part in where.split("-"))
            try:
                memory.seek(first)
                if text in memory.read(last - first):
                    return line.rstrip()
            except OSError:
                pass
    return None


def main():
    found, searched = [], 0
    for pid in sys.argv[2:]:
        try:
            where = holds(pid, sys.argv[1].encode())
            searched += 1
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        except OSError as error:
            where = str(error)
        if where:
            found.append(f"{pid}: {where}")
    print("\n".join(found) or f"not in {searched} processes")
    return 1 if found or not searched else 0


sys.exit(main())
