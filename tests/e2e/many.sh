#!/bin/bash
# shellcheck disable=SC2317
# A machine with a thousand processes and hundreds of files that they map, and one on which short
# programs start all the time: what cleartap does for that, in processor time. What these should be on
# an idle machine is printed.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
PROCESSES=${PROCESSES:-1000} FILES=300 LIBRARIES=100

cpu_ns() { awk '{ print $1 }' "/proc/$CT_PID/schedstat"; }
# Of children that have ended.
children_ms() { awk -v hz="$(getconf CLK_TCK)" '{ print ($16 + $17) * 1000 / hz }' "/proc/$CT_PID/stat"; }
forks() { awk '/^processes/ { print $2 }' /proc/stat; }
now_ns() { date +%s%N; }

# less A B WHAT: A is at most B
less() {
	echo "$3: $1, at most $2"
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }'
}

# all_attached: each library of ours has probes
all_attached() {
	local i n
	for ((i = 0; i < 300; i++)); do
		n=$(ct_get /api/targets | grep -o "\"path\":\"$TMPDIR/files/libssl[^}]*\"state\":\"attached\"" |
			grep -c .)
		[ "$n" -lt "$LIBRARIES" ] || return 0
		sleep 0.2
	done
	echo "$n of $LIBRARIES"
	return 1
}

# One exec of cleartap is what each file cost in children once.
exec_ms() {
	python3 - "$CLEARTAP" <<-'END'
		import resource, subprocess, sys
		for _ in range(40):
		    subprocess.run([sys.argv[1], "--version"], stdout=subprocess.DEVNULL, check=True)
		u = resource.getrusage(resource.RUSAGE_CHILDREN)
		print((u.ru_utime + u.ru_stime) * 1000 / 40)
	END
}

# What it uses while nothing happens, but for what starts elsewhere on the machine. Until it rests it
# looks once more at the processes that it did not note, a part of each second.
rests() {
	local i ns before started begun
	for ((i = 0; i < 8; i++)); do
		begun=$(now_ns) before=$(cpu_ns) started=$(forks)
		sleep 2
		before=$(($(cpu_ns) - before)) started=$(($(forks) - started)) ns=$(($(now_ns) - begun))
		echo "$started programs started elsewhere"
		less "$before" $((ns / 200 + started * 200000)) \
			"ns of $ns (0.5 %, and 0.2 ms for each of those)" && return
	done
	return 1
}

# bomb SECONDS: as many short programs as two shells can start; prints how many, and their ns
bomb() {
	python3 - "$1" "$TMPDIR/short" <<-'END'
		import resource, subprocess, sys, time
		text = 'n=0; while [ ! -e "$1.end" ]; do "$1"; n=$((n+1)); done; echo $n'
		both = [subprocess.Popen(["sh", "-c", text, "sh", sys.argv[2]], stdout=subprocess.PIPE)
		        for _ in range(2)]
		time.sleep(float(sys.argv[1]))
		open(sys.argv[2] + ".end", "w").close()
		count = sum(int(p.communicate()[0]) for p in both)
		u = resource.getrusage(resource.RUSAGE_CHILDREN)
		print(count, int((u.ru_utime + u.ru_stime) * 1e9))
	END
	rm "$TMPDIR/short.end"
}

ask() { "$TMPDIR/curl" -sk --max-time 20 -o /dev/null "https://127.0.0.1:$port/bomb"; }

bears_bomb() {
	local before after started count ns
	before=$(cpu_ns) started=$(forks)
	bomb 4 >"$TMPDIR/bomb" &
	sleep 1
	for _ in 1 2 3 4 5; do ask; done
	wait $!
	after=$(cpu_ns) started=$(($(forks) - started))
	read -r count ns <"$TMPDIR/bomb"
	echo "$count programs, $started on the machine; goal: 0.05"
	less "$(awk -v a=$((after - before)) -v n="$started" -v c="$count" -v ns="$ns" \
		'BEGIN { printf "%.3f", a / n / (ns / c) }')" 0.08 "for each, of what it takes itself"
}

need openssl
need_cleartap
make_cert "$TMPDIR"
python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')
home=$(python3 -c 'import sys; print(sys.base_prefix)')
cp "$python" "$TMPDIR/python"
cp "$(type -P true)" "$TMPDIR/short"
cp "$(command -v curl)" "$TMPDIR/curl"
library=$(ldconfig -p | awk '/libssl\.so\.3/ { print $NF; exit }')
plain=$(ldconfig -p | awk '/libz\.so\.1/ { print $NF; exit }')
if [ -z "$library" ] || [ -z "$plain" ]; then tap_skip_all "there is no libssl.so.3 or libz.so.1"; fi
mkdir "$TMPDIR/files"
for ((i = 0; i < FILES; i++)); do
	file=$TMPDIR/files/libz.$i from=$plain
	[ "$i" -ge "$LIBRARIES" ] || { file=$TMPDIR/files/libssl.so.$i from=$library; }
	cp "$from" "$file"
	echo "$i" >>"$file"
done
port=$(free_port)
openssl s_server -quiet -www -accept "127.0.0.1:$port" -key "$TMPDIR/key.pem" -cert "$TMPDIR/cert.pem" \
	>/dev/null 2>&1 &
at_exit_kill $!
wait_port "$port" $! || tap_done
mkfifo "$TMPDIR/end"
PYTHONHOME=$home "$TMPDIR/python" "$srcdir/tests/e2e/many_processes.py" "$PROCESSES" 20 \
	"$TMPDIR"/files/* <"$TMPDIR/end" >"$TMPDIR/many" &
at_exit_kill $!
exec 9>"$TMPDIR/end"
until [ -s "$TMPDIR/many" ]; do
	kill -0 $! || tap_done
	sleep 0.1
done
begun=$(now_ns)
tap_ok "cleartap starts" ct_start --exe "$TMPDIR/python" --exe "$TMPDIR/curl" || tap_done
echo "# ready after $((($(now_ns) - begun) / 1000000)) ms; goal: 3000"
tap_ok "$PROCESSES processes, $FILES files: all libraries have probes" all_attached
tap_ok "children that look at them take a third of what it is to execute one for each" \
	less "$(children_ms)" "$(awk -v ms="$(exec_ms)" -v n=$FILES 'BEGIN { print ms * n / 3 }')" ms
sleep 1
tap_ok "then it rests" rests
tap_diag <"$TMPDIR/output"
tap_ok "short programs pay little when they start" bears_bomb
tap_diag <"$TMPDIR/output"
ct_check "and capture goes on" --path /bomb --role client --status 200 --complete --count 5
exec 9>&-
tap_ok "cleartap stops" ct_stop
tap_done
