#!/bin/bash
# shellcheck disable=SC2317
# The self-test of the probes: all of them are taken out behind the tracer's back while a program
# talks. That it sends records of which nothing is seen any more is noticed, its probes are put in
# again, which is said, and it is read again, on the same connection.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
CLEARTAP=$builddir/tests/e2e/lossy
need_cleartap
grep -q ' cgroup2 ' /proc/mounts || tap_skip_all "no cgroup2 is mounted"
make_cert "$TMPDIR"
mkdir "$TMPDIR/bin"
python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')
home=$(python3 -c 'import sys; print(sys.base_prefix)')

# bytes_read: of the program, sent and received
bytes_read() {
	ct_get /api/coverage | python3 -c 'import json, sys
rows = [r for r in json.load(sys.stdin)["ledger"]["programs"] if r["process"] == "wsteady"]
print(sum(b["sent"] + b["received"] for r in rows for b in r["bytes"] if b["reason"] == "read"))'
}

# grows BYTES: there is more that was read
grows() {
	local i
	for ((i = 0; i < 150; i++)); do
		[ "$(bytes_read)" -gt "$1" ] && return
		sleep 0.2
	done
	ct_get /api/coverage
	return 1
}

silent() { ct_get /api/stats | grep -o '"silent":[0-9]*' | cut -d : -f 2; }

# put_in_again: the library's file says so
put_in_again() {
	local i
	for ((i = 0; i < 200; i++)); do
		ct_get /api/targets >"$TMPDIR/targets"
		grep -q '"again":[1-9].*its probes were put in again' "$TMPDIR/targets" && return
		sleep 0.2
	done
	cat "$TMPDIR/targets"
	return 1
}

cp "$python" "$TMPDIR/bin/wsteady"
export DEAF_FILE=$TMPDIR/deaf
tap_ok "cleartap starts" ct_start --exe "$TMPDIR/bin/*" || tap_done
PYTHONHOME=$home "$TMPDIR/bin/wsteady" "$srcdir/tests/e2e/wire_talk.py" steady "$TMPDIR/cert.pem" \
	"$TMPDIR/key.pem" "$TMPDIR/stop" >"$TMPDIR/said" 2>&1 &
talk=$!
at_exit_kill $talk
tap_ok "a program is read" grows 10000
tap_ok "and not silent" [ "$(silent)" = 0 ]
touch "$TMPDIR/deaf"
tap_ok "probes that fire no more are put in again, which is said" put_in_again
tap_ok "it is counted" [ "$(silent)" -ge 1 ]
tap_ok "its connection is read again" grows $(($(bytes_read) + 5000))
touch "$TMPDIR/stop"
tap_ok "the program noticed nothing" wait $talk
tap_ok "cleartap ends" ct_stop
tap_done
