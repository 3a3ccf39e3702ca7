# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The rounds of nginx.sh and go.sh: wrk against a server, in turn with
#   nothing
#   returns    empty probes at the entries and returns of the same functions (go.sh)
#   floor      empty probes at the points that cleartap takes
#   cleartap
#   sslsnoop   bpftrace's sslsnoop.bt, where it is installed and knows the library
# first with server and wrk on one processor and cleartap on the others, which shows what probing
# costs the program; then all on all of them, where what cleartap does with the data costs as well.
# Wants: name, port, server (pid), file (what is probed, with blanks between), exe (a glob for
# --exe), modes; for returns: like (a file with the plan for the first of `file`).
rounds=${ROUNDS:-9} seconds=${SECONDS_EACH:-2} connections=${CONNECTIONS:-16}

helper=()
floor() { # FILE [LIKE]
	exec 5< <(exec "$builddir/tests/bench/floor" "$@" 2>&1)
	helper+=($!)
	read -r line <&5
	[ "$line" = ready ] || { echo "floor: $line"; exit 1; }
}
begin() {
	local f first=${file%% *}
	case $1 in
	returns | floor)
		for f in $file; do
			if [ "$1" = returns ] && [ "$f" = "$first" ]; then floor "$f" "$like"; else floor "$f"; fi
		done
		;;
	cleartap) CLEARTAP=confined ct_start --max-size 256M --exe "$exe" >/dev/null || exit 1 ;;
	sslsnoop)
		bpftrace "$(sslsnoop)" >/dev/null 2>&1 &
		helper=($!)
		sleep 4
		;;
	esac
}
lost=0
end() {
	[ ${#helper[@]} = 0 ] || { kill "${helper[@]}"; wait "${helper[@]}" 2>/dev/null; helper=(); }
	if [ -n "$CT_PID" ]; then
		ct_get /api/stats >"$TMPDIR/stats"
		lost=$((lost + $(python3 -c 'import json,sys; print(json.load(sys.stdin)["dropped"])' <"$TMPDIR/stats")))
		ct_stop
		rm -rf "$CT_DIR"
		CT_DIR=
	fi
}
sslsnoop() { command -v bpftrace >/dev/null && ls /usr/sbin/sslsnoop.bt /usr/share/bpftrace/tools/sslsnoop.bt 2>/dev/null | head -1; }

program=$CLEARTAP
confined() { exec taskset -c "$others" "$program" "$@"; }

# where LOAD OTHERS: processors for the server with wrk, and for cleartap.
where() {
	local pid
	load=$1 others=$2
	for pid in "$server" $(pgrep -P "$server"); do taskset -apc "$load" "$pid" >/dev/null; done
}

measure() {
	for ((round = 0; round < rounds; round++)); do
		for mode in $modes; do
			begin "$mode"
			for size in 1 64; do
				taskset -c "$load" wrk -t1 -c"$connections" -d"$seconds"s --latency \
					"https://127.0.0.1:$port/$size" >"$TMPDIR/wrk"
				echo "$size $mode $(awk '/Requests\/sec/ { r = $2 } /^ +99%/ { l = $2 } END { print r, l }' "$TMPDIR/wrk")"
			done
			end
		done
	done >"$TMPDIR/results"
	echo "$name: $1"
	python3 - "$TMPDIR/results" "$name" <<'END'
import statistics, sys
rows = {}
for line in open(sys.argv[1]):
    size, mode, rate, latency = line.split()
    unit = {"us": 1e-3, "ms": 1, "s": 1e3}
    number = latency.rstrip("smu")
    rows.setdefault((size, mode), []).append((float(rate), float(number) * unit[latency[len(number):]]))
def median(got, base, i):
    return statistics.median(g[i] / b[i] for g, b in zip(got, base))
for size in ("1", "64"):
    for mode in ("nothing", "returns", "floor", "cleartap", "sslsnoop"):
        got = rows.get((size, mode))
        if not got:
            continue
        bases = [("nothing", "of nothing"), ("floor", "of the floor"), ("returns", "of returns")]
        ratios = ["%5.2f %s" % (median(got, rows[size, base], 0), text)
                  for base, text in bases if (size, base) in rows]
        print(f"{sys.argv[2]} {size:>2} KiB  {mode:9} {'  '.join(ratios)}  "
              f"p99 x{median(got, rows[size, 'nothing'], 1):.2f}")
END
}

run_rounds() {
	local last=$(($(nproc) - 1))
	if [ "$last" -gt 0 ]; then
		where 0 "1-$last"
		measure "server and wrk on one processor, cleartap on the others"
	fi
	where "0-$last" "0-$last"
	measure "all together on all processors, none of them idle"
	echo "$name records dropped by cleartap over all rounds: $lost"
}
