#!/bin/bash
# shellcheck disable=SC2016,SC2317
# Files that are deleted or written anew while they are probed: an upgrade under a running program,
# a build that comes and goes. What runs is read on; what nobody maps is let go, with its disk space;
# what has other content than before loses its probes and is looked at again.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# state PATH WANT: what /api/targets says last of that file, within LONGEST seconds
state() {
	local i said
	for ((i = 0; i < ${LONGEST:-1} * 2; i++)); do
		said=$(ct_get /api/targets | python3 -c 'import json, sys
said = [t["state"] for t in json.load(sys.stdin)["targets"] if t["path"].split(" ")[0] == sys.argv[1]]
print(said[-1] if said else "")' "$1")
		[ "$said" = "$2" ] && return
		sleep 0.5
	done
	echo "state \"$said\", not $2"
	return 1
}

ask() { curl -sSk --http1.1 -o /dev/null --max-time 20 "${CT_PLANT[@]}" "https://127.0.0.1:$port/$1"; }

is_shown() {
	ask "$1"
	ct_check "$2" --path "/$1" --dst-port "$port" --role server --status 200 --complete
}

held() { ls -l "/proc/$CT_PID/fd" | grep -F "$1 (deleted)"; }
is_free() { ! held "$1"; }

serve() {
	LD_LIBRARY_PATH=$TMPDIR/lib openssl s_server -www -accept "127.0.0.1:$port" \
		-key "$TMPDIR/key.pem" -cert "$TMPDIR/cert.pem" >/dev/null 2>&1 &
	server=$!
	at_exit_kill $server
	wait_port "$port"
}

stop() {
	kill "$server"
	wait "$server" 2>/dev/null
}

need_cleartap
need openssl curl
make_cert "$TMPDIR"
port=$(free_port)
library=$TMPDIR/lib/libssl.so.3
mkdir "$TMPDIR/lib"
cp "$(ldconfig -p | awk '/libssl\.so\.3/ { print $NF; exit }')" "$library"
tap_ok "cleartap starts" ct_start --split-ends || tap_done
serve
LONGEST=20 tap_ok "a library of its own is probed" state "$library" attached
is_shown before "and read"
stop
echo >>"$library"
tap_ok "written to: no probe stays where its old code was" state "$library" detached
serve
LONGEST=20 tap_ok "mapped again: it is probed again" state "$library" attached
is_shown anew "and is read again"
rm "$library"
sleep 32 # three sweeps
tap_ok "deleted, but mapped: it stays" state "$library" attached
is_shown after "and is read"
stop
LONGEST=60 tap_ok "mapped by nobody: it is let go" state "$library" detached
sleep 1
tap_ok "and its disk space with it" is_free "$library"
tap_ok "cleartap ends well" ct_stop
tap_done
