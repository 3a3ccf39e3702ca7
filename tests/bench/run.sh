#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# make bench: everything, one after the other, so that nothing disturbs what is measured. BENCH names
# the parts: probes wire pipeline dissect store stream memory.
parts=${BENCH:-probes wire pipeline dissect store stream memory}
here=$(dirname "$0")
builddir=${builddir:-.}
scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/cleartap-bench.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

memory() (
	. "$here/../e2e/lib.sh"
	need_cleartap
	ct_start || exit 1
	sleep 2
	for pid in "$CT_PID" $(pgrep -P "$CT_PID"); do
		awk -v tracer=$((pid == CT_PID)) '/^VmRSS/ { mib = $2 / 1024 } /^Threads/ { threads = $2 }
			END { printf "memory    %s: %.1f MiB resident when idle\n", (tracer ? "tracer" : threads > 1 ? "server" : "a child for the next analysis"), mib }' \
			"/proc/$pid/status"
	done
)

for part in $parts; do
	case $part in
	probes) "$here/nginx.sh"; "$here/go.sh" ;;
	wire) for flows in 100 1000; do "$builddir/tests/bench/bench_wire" "$flows"; done ;;
	pipeline) for _ in 1 2 3; do "$builddir/tests/bench/bench_pipeline" 200000 64 "$scratch"; done ;;
	dissect) "$builddir/tests/bench/bench_dissect" ;;
	store) "$builddir/tests/bench/bench_store" -d "$scratch" ;;
	stream) python3 "$here/bench_stream.py" ;;
	memory) memory ;;
	*) echo "no such part: $part" >&2; exit 2 ;;
	esac
done
