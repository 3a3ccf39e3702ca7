#!/bin/bash
# One user takes all he can get; what others do is seen all the same. And: times of both ends.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
hostile=${hostile:-$builddir/tests/e2e/hostile_tls}
VICTIMS=${VICTIMS:-2000}

# seen NAME COUNT: of COUNT exchanges /NAME/N all but one in a thousand are whole, as both ends saw them
seen() {
	python3 - "$srcdir/tests/e2e" "$CT_SOCK" "$@" <<-'END'
		import sys, time
		sys.path.insert(0, sys.argv[1])
		from check_entries import Api
		name, count, deadline = sys.argv[3], int(sys.argv[4]), time.monotonic() + 30
		while True:
		    sides = {}
		    for e in Api(sys.argv[2]).matching('path.startsWith("/%s/")' % name):
		        if e["complete"] and e["status_code"] == 200:
		            sides[e["summary"]] = sides.get(e["summary"], 0) + 1 + (e.get("ends") == "both")
		    whole = [s for s in sides.values() if s > 1]
		    if len(whole) >= count or time.monotonic() > deadline:
		        break
		    time.sleep(0.5)
		print("%d of %d are there" % (len(whole), count))
		sys.exit(count - len(whole) > count // 1000)
	END
}

stat_of() { ct_get /api/stats | grep -o "\"$1\":[0-9]*" | head -n 1 | cut -d : -f 2; }
told() { echo "$1: $(stat_of "$1")" && [ "$(stat_of "$1")" -gt 0 ]; }

told_whom() { ct_get /api/stats | grep -o '"owners":.*' | grep "\"uid\":$(id -u "$1"),"; }

# attack MODE PROCESSES: for as long as the victim needs
attack() {
	local pids=() i
	for ((i = 0; i < $2; i++)); do
		setpriv --reuid nobody --regid nogroup --clear-groups "$TMPDIR/hostile_tls" "$1" 30 \
			>"$TMPDIR/attack.log" 2>&1 &
		pids+=($!)
	done
	sleep "${HEAD_START:-3}"
	timeout 60 "$TMPDIR/hostile_tls" victim "$VICTIMS" "${RATE:-500}" >"$TMPDIR/victim" 2>&1
	kill "${pids[@]}" 2>/dev/null
	wait "${pids[@]}" 2>/dev/null
	tap_ok "$1: others are seen" seen victim "$VICTIMS"
}

# try MODE PROCESSES COUNTER
try() {
	tap_ok "cleartap starts" ct_start --exe "$TMPDIR/hostile_tls" || tap_done
	attack "$1" "$2"
	if [ -n "$3" ]; then
		tap_ok "$1: $3 is told" told "$3"
		tap_ok "$1: and of whom" told_whom nobody
	fi
	ct_stop
	CT_DIR=''
}

# first_of FIELD QUERY: of the entry that a query finds
first_of() {
	ct_get /api/entries -G --data-urlencode "q=$2" | grep -o "\"$1\":-\?[0-9]*" | head -n 1 | cut -d : -f 2
}

at_least() { echo "$1 µs, expected $2" && [ "${1:-0}" -ge "$2" ]; }

try_times() {
	local i
	tap_ok "cleartap starts" ct_start --exe "$TMPDIR/hostile_tls" "$@" || tap_done
	"$TMPDIR/hostile_tls" slow 1000
	"$TMPDIR/hostile_tls" pairs 5000 >/dev/null
	seen pair 5000 >/dev/null
	tap_ok "a POST that waits for a second in SSL_write" at_least \
		"$(first_of elapsed_us 'path == "/slow" and role == "client"')" 1000000
	tap_ok "a client is never faster than its server" python3 - "$srcdir/tests/e2e" "$CT_SOCK" <<-'END'
		import sys
		sys.path.insert(0, sys.argv[1])
		from check_entries import Api
		ends = {}
		for e in Api(sys.argv[2]).matching('path.startsWith("/pair/")'):
		    if e.get("server_elapsed_us") is not None and e["server_elapsed_us"] >= 0:
		        ends[e["summary"]] = {"client": e["elapsed_us"], "server": e["server_elapsed_us"]}
		    else:
		        ends.setdefault(e["summary"], {})[e["role"]] = e["elapsed_us"]
		both = [e for e in ends.values() if "client" in e and "server" in e]
		both = [e for e in both if None not in e.values()] # not told to their end yet
		wrong = [e for e in both if e["client"] < e["server"]]
		print("%d of %d pairs" % (len(wrong), len(both)), wrong[:10])
		sys.exit(len(both) < 4500 or len(wrong) > 0)
	END
	ct_stop
	CT_DIR=''
}

need setpriv
need_cleartap
[ -x "$hostile" ] || tap_skip_all "hostile_tls is not built (it needs libssl-dev)"
cp "$hostile" "$TMPDIR/hostile_tls"
[ -n "$ATTACK" ] || try_times
[ "$1" != times ] || tap_done
if [ -n "$ATTACK" ]; then
	try "$ATTACK" 2 "$COUNTER"
	tap_done
fi
HEAD_START=8 try connections 2 connections_idle
VICTIMS=20 RATE=2 HEAD_START=8 try threads 1 threads_full
try churn 2 ""
try flood 2 dropped_share
try requests 2 ""
try processes 2 ""
tap_done
