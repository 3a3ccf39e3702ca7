#!/bin/bash
# Exchanges that last: a request that waits for its answer, a stream of events, uploads that stop
# half-way, an upgraded connection. Each is told while it goes on, under one id, and ends well; what
# is open when cleartap ends is closed, with the reason.
# shellcheck disable=SC2317
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
live=$srcdir/tests/e2e/live_talk.py

# said COUNT LINE: the talker has said a line so often
said() {
	local i
	for ((i = 0; i < 300; i++)); do
		[ "$(grep -cx "$2" "$TMPDIR/talk")" -ge "$1" ] && return 0
		sleep 0.1
	done
	cat "$TMPDIR/talk" "$TMPDIR/talk.err"
	return 1
}

start_talker() {
	mkfifo "$TMPDIR/commands"
	"$live" talk "$TMPDIR" <"$TMPDIR/commands" >"$TMPDIR/talk" 2>"$TMPDIR/talk.err" &
	talker=$!
	at_exit_kill $talker
	exec 9>"$TMPDIR/commands"
	said 1 '[0-9]*'
}

listen_to() {
	local i
	"$live" watch "$CT_SOCK" "$TMPDIR/watch" 2>/dev/null &
	watch=$!
	"$live" look "$CT_SOCK" "$TMPDIR/look" 2>/dev/null &
	look=$!
	at_exit_kill "$watch" "$look"
	for ((i = 0; i < 200; i++)); do
		[ -e "$TMPDIR/watch" ] && [ -e "$TMPDIR/look" ] && return 0
		sleep 0.1
	done
	return 1
}

cleartap() { CT_PID='' && ct_start --pid "$talker" --keep-opaque "$@"; }

none_open() { [ "$(ct_get '/api/entries?q=open+and+!tcp' | grep -o '"id":' | wc -l)" = 0 ]; }

# The process that has the store is not the one that was started.
kill_server() {
	local pid=$CT_PID server
	server=$(pgrep -P "$pid" -f "$CLEARTAP" | head -n 1)
	[ -n "$server" ] || return
	kill -KILL "$server"
	CT_PID=''
	! wait "$pid"
}

# try_end ROUND HOW DONE ROLES OPTION...: cleartap ends while everything of the round goes on
try_end() {
	local round=$1 how=$2 finished=$3 roles=$4
	shift 4
	tap_ok "$round: cleartap starts" cleartap "$@" || return
	echo "$round" >&9
	sleep 1
	tap_ok "$round: all go on" "$live" each "$CT_SOCK" "$round" "$roles" open
	tap_ok "$round: cleartap ends" "$how"
	said "$finished" "done" >/dev/null
	tap_ok "$round: cleartap starts again" cleartap "$@" || return
	tap_ok "$round: all are closed, and say why" "$live" each "$CT_SOCK" \
		"$round" "$roles" closed
	tap_ok "$round: nothing goes on" none_open
	tap_ok "$round: it ends well" ct_stop
}

need_cleartap
need openssl
make_cert "$TMPDIR"
tap_ok "the talker starts" start_talker || tap_done
tap_ok "cleartap starts" cleartap || tap_done
tap_ok "listeners" listen_to
echo go >&9
tap_ok "all is said" said 1 "done"
sleep 1.5
tap_ok "told while it goes on, and to its end" "$live" judge "$CT_SOCK" "$TMPDIR/talk" \
	"$TMPDIR/watch" "$TMPDIR/look"
tap_diag <"$TMPDIR/output"
tap_ok "nothing goes on any more" none_open
kill "$watch" "$look"
tap_ok "cleartap ends well" ct_stop
try_end restart ct_stop 2 client
try_end killed kill_server 3 'client server' --split-ends
exec 9>&-
tap_done
