#!/bin/bash
# Memory has its bounds under every load that costs some, for MEMORY_SECONDS (`make check-memory`: an hour).
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
SERVER_MIB=512 TRACER_MIB=64
seconds=${MEMORY_SECONDS:-20}

server_pid() { pgrep -P "$CT_PID" -x cleartap | head -n 1; }

begin() {
	mkfifo "$TMPDIR/in" "$TMPDIR/out"
	timeout $((seconds + 300)) "$srcdir/tests/e2e/memory_hour.py" "$TMPDIR" "$seconds" <"$TMPDIR/in" >"$TMPDIR/out" &
	loads=$!
	at_exit_kill $loads
	exec {to}>"$TMPDIR/in"
	exec {from}<"$TMPDIR/out"
	read -r -t 20 -u "$from" _ peer
}

hold() {
	echo "$(server_pid) $CT_PID" >&"$to"
	cat <&"$from" >"$TMPDIR/said"
	cat "$TMPDIR/said"
	read -r server tracer <<<"$(awk '/^most/ { print $2, $3 }' "$TMPDIR/said")"
	[ "$server" -le $SERVER_MIB ] && [ "$tracer" -le $TRACER_MIB ]
}

need_cleartap
need openssl
make_cert "$TMPDIR"
tap_ok "the loads start" begin || tap_done
tap_ok "cleartap starts" ct_start --pid "$loads" --pid "$peer" --pid "$(pgrep -P "$loads" -f memory_hour | head -n 1)" || tap_done
tap_ok "server and tracer have their bounds for $seconds s" hold
tap_diag <"$TMPDIR/said"
tap_ok "it still reads" ct_get /api/stats
tap_ok "cleartap ends well" ct_stop
tap_done
