#!/bin/bash
# WebSocket and event streams of real programs: one entry for each, open while it lives, with its
# messages below it, inflated, put together, and without the secrets in them.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
talk=$srcdir/tests/e2e/websocket_talk.py

# try_side KIND ROLE: one end of a conversation, while it goes on and after
try_open() {
	tap_ok "$1, $2: one entry, open" ct_finds 1 "ws and open and role == \"$2\" and path == \"/$1\""
	tap_ok "$1, $2: found by what was said" \
		ct_finds 1 "ws and path == \"/$1\" and role == \"$2\" and messages.exists(m, m.contains(\"in three parts\"))"
}

try_ended() {
	local q="ws and not open and complete and role == \"$2\" and path == \"/$1\""
	q+=" and method == \"GET\" and status_code == 101 and host == \"127.0.0.1:$port\""
	tap_ok "$1, $2: it has ended well" ct_finds 1 "$q"
	tap_ok "$1, $2: both sides, in order" ct_holds "$q" \
		'"kind":"text","text":"{\"n\":19,\"text\":\"hello\",\"password\":\"•••' \
		'"kind":"text","text":"echo {\"n\":19,' '"kind":"binary","hex":"00ff010203"' \
		'"kind":"ping","text":"there?"' '"kind":"pong","text":"there?"' \
		'"kind":"text","text":"echo in three parts"' '"name":"4000","text":"as you say"' \
		'"messages_redacted":["body password"]'
	tap_ok "$1, $2: the large one is counted and cut" \
		ct_holds "$q" '0123456789abcdef","cut":true'
	tap_ok "$1, $2: the number of messages" ct_finds 1 "$q and message_count == 51"
}

need_cleartap
need curl
/usr/bin/python3 -c 'import websockets' 2>/dev/null || tap_skip_all "python3-websockets is not installed"
make_cert "$TMPDIR"
port=$(free_port)
events=$(free_port)
"$talk" serve "$TMPDIR" "$port" "$events" >"$TMPDIR/serve.log" 2>&1 &
server=$!
at_exit_kill $server
wait_port "$port" $server && wait_port "$events" $server || fail_with "$TMPDIR/serve.log"

tap_ok "cleartap starts" ct_start --split-ends
for kind in plain deflate; do
	"$talk" ask "$port" $kind >"$TMPDIR/$kind.ask" 2>&1 &
	asks+=($!)
	at_exit_kill $!
done
curl -sk "https://127.0.0.1:$events/events" >"$TMPDIR/events" &
asks+=($!)
for kind in plain deflate; do
	try_open $kind client
	try_open $kind server
done
wait "${asks[@]}"
tap_ok "the peers have what they sent" grep -qx 4000 "$TMPDIR/plain.ask" "$TMPDIR/deflate.ask"
for kind in plain deflate; do
	try_ended $kind client
	try_ended $kind server
done
tap_ok "deflate: it was compressed" ct_holds 'ws and path == "/deflate"' 'permessage-deflate' '"length":65536'
for role in client server; do
	q="http and path == \"/events\" and role == \"$role\" and not open"
	tap_ok "events, $role: each has its name, id and data" ct_holds "$q" \
		'"kind":"event","name":"tick","id":"0","text":"{\"n\":0,\"password\":\"•••' \
		'"name":"tick","id":"4"' '"messages_total":5'
done
tap_ok "cleartap ends, and no secret is in its store" ct_stop
tap_done
