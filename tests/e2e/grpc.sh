#!/bin/bash
# gRPC of a real program, both sides: what was called, how it ended, and each message, also while a call goes
# on. Then events and a WebSocket in streams of HTTP/2.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
modules=$srcdir/tests/web/node_modules

# soon COUNT QUERY: so many entries come
soon() {
	local i n
	for ((i = 0; i < 100; i++)); do
		n=$(ct_get /api/entries -G --data-urlencode "q=$2" | grep -o '"id":' | wc -l)
		[ "$n" = "$1" ] && return 0
		sleep 0.1
	done
	echo "$n entries"
	ct_get /api/entries -G --data-urlencode "q=pid == $node"
	return 1
}

# has QUERY TEXT...: the detail of the newest does
has() {
	local id text
	id=$(ct_get /api/entries -G --data-urlencode "q=$1" | grep -o -m 1 '"id":[0-9]*' | head -n 1)
	ct_get "/api/entries/${id#*:}" >"$TMPDIR/detail"
	shift
	for text; do
		grep -qF -- "$text" "$TMPDIR/detail" || { echo "lacks $text"; cut -c1-3000 "$TMPDIR/detail"; return 1; }
	done
}

need_cleartap
need node openssl
[ -d "$modules/@grpc/grpc-js" ] || tap_skip_all "npm ci has not been run in tests/web"
make_cert "$TMPDIR"
mkfifo "$TMPDIR/steps"
node "$srcdir/tests/e2e/grpc_talk.mjs" "$TMPDIR" "$(realpath "$modules")" "${CT_SECRETS[0]}" \
	<"$TMPDIR/steps" >"$TMPDIR/said" 2>"$TMPDIR/talk.log" &
node=$!
exec 9>"$TMPDIR/steps"
at_exit_kill "$node"
tap_ok "the peers start" timeout 20 bash -c "until grep -q ready '$TMPDIR/said'; do sleep 0.05; done" ||
	fail_with "$TMPDIR/talk.log"
tap_ok "cleartap starts" ct_start --pid "$node" --split-ends || tap_done
echo >&9

for role in client server; do
	of="pid == $node and role == \"$role\""
	tap_ok "$role: a call is live while it goes on" soon 1 \
		"$of and open and grpc_method == \"/talk.Talker/Watch\" and messages.exists(m, m.contains(\"tick 3\"))"
	tap_ok "$role: events, too" soon 1 "$of and open and http2 and path == \"/events\" and message_count == 1"
	q="$of and grpc and http and http2 and complete and summary == \"/talk.Talker/Say\" and grpc_status == 0"
	tap_ok "$role: calls that went well" soon 2 "$q and not error"
	tap_ok "$role: what was said" has "$q and message_count == 2 and request_size < 1000 and
		not request.headers[\"grpc-encoding\"].contains(\"gzip\")" \
		'"status":"0 OK"' '"from":"client"' '"size":12,"length":7,"kind":"message"' \
		'"text":"{\"1\":\"hello\"}"' '"text":"{\"1\":\"you said hello\"}"'
	tap_ok "$role: what was said in less bytes" has \
		"$q and request.headers[\"grpc-encoding\"].contains(\"gzip\")" '"length":1003' \
		'"text":"{\"1\":\"again and again and' '"text":"{\"1\":\"you said again and'
	q="$of and error and grpc_status == 5 and grpc_method.endsWith(\"/Fail\")"
	tap_ok "$role: a call that failed" soon 1 "$q"
	tap_ok "$role: with its message" has "$q" '"status":"5 NOT_FOUND"' \
		'"grpc_message":"no such thing: 100% é"' '"messages_redacted":["body password"]'
	tap_ok "$role: a WebSocket" has "$of and ws and path == \"/chat\" and not open and complete" \
		'[":protocol","websocket"]' '"text":"hello"' '"text":"there"' '"name":"1000 normal closure"'
done
echo >&9
for role in client server; do
	tap_ok "$role: the call has ended" soon 1 "pid == $node and role == \"$role\" and not open and
		summary == \"/talk.Talker/Watch\" and status == \"0 OK\" and message_count == 4"
	tap_ok "$role: the events, too" has "pid == $node and role == \"$role\" and not open and path == \"/events\"" \
		'"kind":"event","name":"tick","id":"1","text":"one"'
done
tap_ok "the peers heard all of it" grep -qF \
	'["you said hello",5,1009,"tick 1","tick 2","tick 3"]' "$TMPDIR/said"
tap_ok "cleartap ends, and no secret is in its store" ct_stop
tap_done
