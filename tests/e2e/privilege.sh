#!/bin/bash
# shellcheck disable=SC2317
# The process that parses and serves has no power, and what lies around is not open to others.
# What it may still call is tried in tests/unit/test_privilege.c.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

status_has() { grep -x -F -- "$1" "/proc/$server/status" || fail_with "/proc/$server/status"; }

other_uid() {
	local uid
	uid=$(awk '/^Uid:/ { print $2, $3, $4, $5 }' "/proc/$server/status")
	echo "$uid"
	[[ ! " $uid " = *" 0 "* ]]
}

# Its threads are as weak as itself.
threads_too() {
	local task
	for task in "/proc/$server/task/"*; do
		grep -q -x 'Seccomp:	2' "$task/status" || return 1
		grep -q -x 'CapEff:	0000000000000000' "$task/status" || return 1
	done
}

# Descriptors of the tracer's maps and of the store, and no other process's files or devices.
no_open_power() {
	local link found=0
	for link in "/proc/$server/fd/"*; do
		case $(readlink "$link") in
		/proc/[0-9]*/*) [ "$(readlink "$link")" = "/proc/$server/statm" ] || found=1 ;;
		/dev/mem | /dev/kmem | /sys/* | *perf_event*) readlink "$link"; found=1 ;;
		esac
	done
	[ "$found" = 0 ]
}

mode_is() { [ "$(stat -c %a "$2")" = "$1" ] || { stat "$2"; return 1; }; }
refused() { [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 20 "$@")" = "$want" ]; }

# The processes that analyse programs hold nothing that is secret, and no descriptor but their socket.
helpers() { pgrep -P "$CT_PID" | grep -v -x "$server"; }
no_token() {
	# shellcheck disable=SC2046
	"$srcdir/tests/e2e/find_bytes.py" "$CT_TOKEN" $(helpers)
}
few_descriptors() {
	local pid
	for pid in $(helpers); do
		[ "$(ls "/proc/$pid/fd" | wc -l)" -le 3 ] || { ls -l "/proc/$pid/fd"; return 1; }
	done
}
# Those that analyse share their mother's layout; where things lie in the two with power and secrets,
# none of them knows.
layout() { grep -m 1 -o '^[0-9a-f]*' "/proc/$1/maps"; }
own_layout() {
	local pid ours
	ours="$(layout "$CT_PID") $(layout "$server")"
	for pid in $(helpers); do
		[[ " $ours " != *" $(layout "$pid") "* ]] || { echo "$pid: $ours"; return 1; }
	done
}

not_printed() {
	grep -F "the token is in $CT_DIR/token" "$CT_DIR/out" && ! grep -F "$CT_TOKEN" "$CT_DIR/out" "$CT_DIR/log"
}

need_cleartap
umask 022
tap_ok "cleartap starts" ct_start || tap_done
server=$(pgrep -o -P "$CT_PID")
base=${CT_URL%%/\?*}
tap_ok "two processes" test -n "$server"
tap_ok "own user" other_uid
for caps in CapInh CapPrm CapEff CapBnd CapAmb; do
	tap_ok "$caps is empty" status_has "$caps:	0000000000000000"
done
tap_ok "no new privileges" status_has 'NoNewPrivs:	1'
tap_ok "seccomp filter" status_has 'Seccomp:	2'
tap_ok "no supplementary groups" grep -E -x 'Groups:[[:space:]]*' "/proc/$server/status"
tap_ok "threads too" threads_too
tap_ok "no descriptors that matter" no_open_power
tap_ok "not dumpable: /proc/PID belongs to root" test "$(stat -c %u "/proc/$server/mem")" = 0
tap_ok "helpers are there" test "$(helpers | wc -l)" -gt 0
tap_ok "no helper has it" no_token
tap_ok "helpers hold few descriptors" few_descriptors
tap_ok "helpers have address spaces of their own" own_layout
tap_ok "store is for its user and its group alone" mode_is 640 "$CT_DIR/store.db"
tap_ok "which is not root" test "$(stat -c %u "$CT_DIR/store.db")" != 0
tap_ok "token is for root alone" mode_is 600 "$CT_DIR/token"
tap_ok "and is not printed where others may read it" not_printed
tap_ok "unix socket mode" mode_is 600 "$CT_SOCK"
want=401
tap_ok "no token" refused "$base/api/stats"
tap_ok "wrong token" refused -H 'Authorization: Bearer 00000000000000000000000000000000' \
	"$base/api/stats"
want=200
tap_ok "token" refused -H "Authorization: Bearer $CT_TOKEN" "$base/api/stats"
want=421
tap_ok "another host name" refused -H "Authorization: Bearer $CT_TOKEN" -H 'Host: evil.example' \
	"$base/api/stats"
want=403
tap_ok "another origin" refused -H "Authorization: Bearer $CT_TOKEN" \
	-H 'Origin: http://evil.example' "$base/api/stats"
tap_ok "cleartap ends well" ct_stop
tap_ok "the unix socket is gone with it" test ! -e "$CT_SOCK"
tap_done
