#!/usr/bin/env python3
"""Is each program of started.sh read, or told not to be?

    check_started.py [--share SHARE] [--within-ms MS] [--files COUNT] SOCKET FOLDER NAME

FOLDER/said.NAME-N is what a program NAME-N of gotest says of its request. The entry is there, once;
or /api/targets has the file and says that the program was over before its probes were in, or that
they came later than MS after it had started; or /api/stats counts what was left out. At least SHARE
are there. --files: so many files of that name have probes.
"""

import argparse
import glob
import json
import os
import sys
import time

from check_entries import Api


def requests(folder, name):
    """Path of the request by program."""
    found = {}
    for file in glob.glob(os.path.join(folder, "said." + name + "-*")):
        with open(file, encoding="utf-8") as f:
            found[file.rsplit("said.", 1)[1]] = json.loads(f.readline())["find"]["summary"]
    return found


def targets_of(api, name):
    every = json.loads(api.get("/api/targets"))["targets"]
    return {t["path"].split(" ")[0].rsplit("/", 1)[1]: t for t in every
            if "/" + name + "-" in t["path"]}


def left_out(api):
    return sum(c["count"] for c in json.loads(api.get("/api/stats"))["left_out"])


def times_seen(api, wanted):
    """How often each request is there; asked again until all are, or 10 seconds are over."""
    deadline = time.monotonic() + 10
    while True:
        seen = {}
        for e in api.matching('role == "client"'):
            seen[e["summary"]] = seen.get(e["summary"], 0) + bool(e["complete"])
        if all(path in seen for path in wanted.values()) or time.monotonic() > deadline:
            return {name: seen.get(path, 0) for name, path in wanted.items()}
        time.sleep(0.5)


def say_delays(targets):
    delays = sorted(t["delay_us"] for t in targets.values() if t["delay_us"])
    if delays:
        print("from the first mapping to the probes: median %d us, 99 %% within %d us" %
              (delays[len(delays) // 2], delays[min(len(delays) - 1, len(delays) * 99 // 100)]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=0)
    parser.add_argument("--within-ms", type=int, default=0)
    parser.add_argument("--files", type=int)
    parser.add_argument("socket")
    parser.add_argument("folder")
    parser.add_argument("name")
    args = parser.parse_args()
    api = Api(args.socket)
    wanted = requests(args.folder, args.name)
    seen = times_seen(api, wanted)
    targets = targets_of(api, args.name)
    missing = [name for name, times in seen.items() if not times]
    untold = [name for name in missing if not (t := targets.get(name)) or
              not (t["missed"] or t["delay_us"] > args.within_ms * 1000)]
    print("%d of %d are seen, %d of the others are told" %
          (len(seen) - len(missing), len(seen), len(missing) - len(untold)))
    say_delays(targets)
    for name in missing:
        print(name, wanted[name], json.dumps(targets.get(name)))
    ended = sum(bool(t["missed"]) for t in targets.values())
    wrong = not wanted or len(seen) - len(missing) < args.share * len(seen)
    wrong |= any(times > 1 for times in seen.values())
    wrong |= len(untold) > 0 or ended > left_out(api)
    if args.files is not None:
        print("%d files" % len(targets))
        wrong |= len(targets) != args.files
    sys.exit(bool(wrong))


main()
