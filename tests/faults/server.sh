#!/bin/bash
# The real program while calls of its server process fail: memory, writes (a full disk), fsync and ftruncate,
# one and from there on. It goes on, counts what it loses, stores what comes afterwards, and the
# database is whole. FAULT_SAMPLE (2) places of each kind, chosen by FAULT_SEED; 0: all.
# shellcheck disable=SC2317
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
seed=${FAULT_SEED:-$RANDOM} sample=${FAULT_SAMPLE:-2}
seconds=$((sample ? 30 : 7200))

fault() { "$srcdir/tests/faults/fault_server.py" "$TMPDIR/faults" "$CT_SOCK" "$port" "$sample" "$seed" "$@"; }

is_whole() { [ "$(sqlite3 "$CT_DIR/store.db" 'PRAGMA integrity_check')" = ok ]; }

start() { LD_PRELOAD=$preload FAULT_FILE=$TMPDIR/faults ct_start --pid "$server"; }

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
tap_done
