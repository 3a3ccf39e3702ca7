#!/bin/bash
# The real program while calls of its server process fail: memory, writes (a full disk), fsync and ftruncate,
# one and from there on; while it starts, of open and mmap. It goes on, counts what it loses, stores what comes afterwards, and the
# database is whole. FAULT_SAMPLE (2) places of each kind, chosen by FAULT_SEED; 0: all.
# shellcheck disable=SC2317
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
seed=${FAULT_SEED:-$RANDOM} sample=${FAULT_SAMPLE:-2}
seconds=$((sample ? 30 : 7200))

fault() { "$srcdir/tests/faults/fault_server.py" "$TMPDIR/faults" "$CT_SOCK" "$port" "$sample" "$seed" "$@"; }

is_whole() { [ "$(sqlite3 "$CT_DIR/store.db" 'PRAGMA integrity_check')" = ok ]; }

start() { LD_PRELOAD=$preload FAULT_FILE=$TMPDIR/faults ct_start --pid "$server"; }

arm() { "$srcdir/tests/faults/fault_server.py" "$TMPDIR/faults" arm "$@"; }

# It starts all the same and answers, or says why not and ends; never by a signal, never without an end.
starts_or_says() {
	local status
	arm "$1" "$2"
	if start >"$TMPDIR/started" && ct_get /api/stats >/dev/null; then
		arm "$1" 0
		ct_stop
		return
	fi
	arm "$1" 0
	status=$CT_STATUS
	{ [ "$status" -gt 0 ] && [ "$status" -lt 128 ] && grep -q '^cleartap: ' "$CT_DIR/log"; } && return
	echo "$1 $2: status $status"
	cat "$TMPDIR/started"
	return 1
}

start_fails() {
	local kind=$1 nth
	arm "$kind" $((1 << 40))
	start && ct_stop || return 1
	for nth in $("$srcdir/tests/faults/fault_server.py" "$TMPDIR/faults" places "$kind" "$sample" "$seed"); do
		starts_or_says "$kind" "$nth" || return 1
	done
}

need_cleartap
need openssl sqlite3
preload=$(realpath "$builddir/tests/faults/preload.so")
[ -e "$preload" ] || tap_skip_all "preload.so is not built"
make_cert "$TMPDIR"
head -c 4096 /dev/zero >"$TMPDIR/faults"
port=$(free_port)
python3 "$srcdir/tests/e2e/server.py" 127.0.0.1 "$port" "$TMPDIR" 2>"$TMPDIR/server.log" &
server=$!
at_exit_kill $server
wait_port "$port"
tap_ok "it starts" start || tap_done
tap_ok "calls fail, and it goes on" fault "$seconds"
tap_diag <"$TMPDIR/output"
tap_ok "a full disk is said" grep -q 'disk is full.*until it works again' "$CT_DIR/log"
tap_ok "its end, too" grep -q 'takes new entries again' "$CT_DIR/log"
tap_ok "it ends well" ct_stop
tap_ok "the database is whole" is_whole
tap_ok "the store opens" start || tap_done
tap_ok "what was told is there" fault 60 told
tap_ok "it ends well" ct_stop
for kind in open map; do
	tap_ok "$kind fails while it starts (seed $seed), and it starts or says why" start_fails "$kind"
	tap_diag <"$TMPDIR/output"
done
tap_ok "the store opens afterwards" start || tap_done
tap_ok "what was told is there still" fault 60 told
tap_ok "it ends well" ct_stop
tap_done
