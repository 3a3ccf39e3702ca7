#!/bin/bash
# kill -9 of either process at random moments, from its start to a busy one: the other ends, the store
# is whole and has what was told, what was open is closed, nothing stays behind, and the next start
# works at once. KILLS rounds (15; `make check-kill`: 1000), KILL_SECONDS at the most, KILL_SEED.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

rounds() {
	"$srcdir/tests/e2e/kill_rounds.py" "$TMPDIR/cleartap" "$TMPDIR" "$kills" "$seed" "$seconds" \
		>"$TMPDIR/said" 2>&1
	local status=$?
	cat "$TMPDIR/said"
	return $status
}

need_cleartap
need bpftool openssl
seed=${KILL_SEED:-$RANDOM$RANDOM}
kills=${KILLS:-15} seconds=${KILL_SECONDS:-30}
make_cert "$TMPDIR"
cp "$CLEARTAP" "$TMPDIR/cleartap"
chmod 755 "$TMPDIR/cleartap"
tap_ok "kill -9, $kills times" rounds
grep '^# ' "$TMPDIR/said" | tail -n 2
tap_done
