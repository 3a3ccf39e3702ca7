# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The rounds of nginx.sh and go.sh: wrk against a server, in turn with nothing, with empty probes at
# the same points (the floor), with cleartap, and with bpftrace's sslsnoop.bt where it is installed
# and knows the library. Wants: name, port, file (what is probed, with blanks between), exe (a glob for --exe), modes.
rounds=${ROUNDS:-5} seconds=${SECONDS_EACH:-4} connections=${CONNECTIONS:-16}

helper=()
begin() {
	case $1 in
	nothing) ;;
	floor)
		local f
		for f in $file; do
			exec 5< <(exec "$builddir/tests/bench/floor" "$f" 2>&1)
			helper+=($!)
			read -r line <&5
			[ "$line" = ready ] || { echo "floor: $line"; exit 1; }
		done
		;;
	cleartap) ct_start --max-size 256M --exe "$exe" >/dev/null || exit 1 ;;
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


run_rounds() {
	for ((round = 0; round < rounds; round++)); do
		for mode in $modes; do
			begin "$mode"
			for size in 1 64; do
				wrk -t1 -c"$connections" -d"$seconds"s --latency "https://127.0.0.1:$port/$size" >"$TMPDIR/wrk"
				echo "$size $mode $(awk '/Requests\/sec/ { r = $2 } /99%/ { l = $2 } END { print r, l }' "$TMPDIR/wrk")"
			done
			end
		done
	done >"$TMPDIR/results"
	python3 - "$TMPDIR/results" "$lost" "$name" <<'END'
import statistics, sys
rows = {}
for line in open(sys.argv[1]):
    size, mode, rate, latency = line.split()
    unit = {"us": 1e-3, "ms": 1, "s": 1e3}
    number = latency.rstrip("smu")
    rows.setdefault((size, mode), []).append((float(rate), float(number) * unit[latency[len(number):]]))
for size in ("1", "64"):
    base = rows[size, "nothing"]
    for mode in ("nothing", "floor", "cleartap", "sslsnoop"):
        got = rows.get((size, mode))
        if not got:
            continue
        ratio = statistics.median(g[0] / b[0] for g, b in zip(got, base))
        floor = statistics.median(g[0] / b[0] for g, b in zip(got, rows[size, "floor"]))
        p99 = statistics.median(g[1] / b[1] for g, b in zip(got, base))
        print(f"{sys.argv[3]} {size:>2} KiB  {mode:9} {ratio:5.2f} of nothing  {floor:5.2f} of the floor  p99 x{p99:.2f}")
print(f"{sys.argv[3]} records dropped by cleartap over all rounds: {sys.argv[2]}")
END
}
