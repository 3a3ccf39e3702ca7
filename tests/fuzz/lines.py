# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines that the fuzz targets run, by folder, of llvm-cov's summary; fails when there are too few."""
import collections
import json
import re
import sys

# What reads hostile binaries; the rest of src/trace finds programs, attaches probes, starts children.
PARSERS = ("elf dwarf disasm plan place exports openssl gnutls library inspect "
           "gobin gopcln goitab gocopy goplan golang").split()
GOAL = {"dissect", "session", "source", "tls", "trace: parsers"}


def folder_of(path):
    found = re.search(r"/src/(.*)", path)
    if not found:
        return None
    parts = found[1].split("/")
    if parts[0] == "trace":
        return "trace: parsers" if parts[-1].split(".")[0] in PARSERS else "trace: rest"
    return parts[0] if len(parts) > 1 else "(src)"


def main():
    lines = collections.defaultdict(lambda: [0, 0])
    files = []
    for f in json.load(sys.stdin)["data"][0]["files"]:
        folder = folder_of(f["filename"])
        if not folder or f["filename"].endswith(".h"):
            continue
        count, run = f["summary"]["lines"]["count"], f["summary"]["lines"]["covered"]
        lines[folder][0] += count
        lines[folder][1] += run
        if folder in GOAL:
            files.append((count - run, f["filename"].split("/src/")[1], count))
    few = False
    print("\n%-16s %7s %7s %8s" % ("folder", "lines", "run", "percent"))
    for folder, (count, run) in sorted(lines.items()):
        percent = 100 * run / count
        below = folder in GOAL and percent < float(sys.argv[1])
        few |= below
        print("%-16s %7d %7d %7.1f%% %s" % (folder, count, run, percent,
                                            "too few" if below else "goal" if folder in GOAL else ""))
    total = [sum(lines[f][i] for f in GOAL & lines.keys()) for i in (0, 1)]
    print("%-16s %7d %7d %7.1f%%" % ("goal, together", *total, 100 * total[1] / total[0]))
    print("\nmost lines not run, of those with a goal:")
    for missing, name, count in sorted(files, reverse=True)[:12]:
        print("%5d of %4d  %s" % (missing, count, name))
    return few


sys.exit(main())
