#!/bin/bash
# gRPC of a real program, both sides: what was called, how it ended, and each message, also while a call goes
# on. Then events and a WebSocket in streams of HTTP/2. And a server that tells its schema, behind nginx.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
modules=$srcdir/tests/web/node_modules

# A server with reflection, and nginx in front of it with TLS, whose addresses are known.
serve_reflection() {
	local port
	port=$(free_port) front=$(free_port)
	cat >"$TMPDIR/shop.proto" <<-'END'
		syntax = "proto3";
		package shop;
		message Order { string item = 1; int32 count = 2; string password = 3; }
		message Bill { string receipt = 1; }
		service Till { rpc Buy(Order) returns (Bill); }
	END
	cat >"$TMPDIR/nginx.conf" <<-END
		daemon off; master_process off; pid $TMPDIR/nginx.pid; error_log $TMPDIR/nginx.err;
		events { }
		http {
			access_log off; client_body_temp_path $TMPDIR/body;
			server {
				listen 127.0.0.1:$front ssl http2;
				ssl_certificate $TMPDIR/cert.pem; ssl_certificate_key $TMPDIR/key.pem;
				location / { grpc_pass grpc://127.0.0.1:$port; }
			}
		}
	END
	reflect serve "$port" >"$TMPDIR/reflect.log" 2>&1 &
	at_exit_kill $!
	wait_port "$port" $! || fail_with "$TMPDIR/reflect.log" || return
	nginx -p "$TMPDIR" -c "$TMPDIR/nginx.conf" >"$TMPDIR/nginx.log" 2>&1 &
	nginx=$!
	at_exit_kill $nginx
	wait_port "$front" $nginx || fail_with "$TMPDIR/nginx.err"
}

reflect() {
	timeout 60 node "$srcdir/tests/e2e/grpc_reflect.mjs" "$(realpath "$modules")" "$TMPDIR/shop.proto" "$@"
}

# What is said after the server has told its schema has names, and by them its secret is found.
try_reflection() {
	local q="dst.port == $front and complete and role == \"server\"" buy
	buy="$q and summary == \"/shop.Till/Buy\" and status == \"0 OK\""
	tap_ok "reflection: a client buys, asks, buys" reflect ask "$front" "$TMPDIR/cert.pem" "${CT_SECRETS[1]}"
	tap_ok "reflection: both are seen" ct_finds 2 "$buy"
	tap_ok "reflection: the schema was asked for" ct_holds "$q and path.endsWith(\"/ServerReflectionInfo\")" \
		'"status":"0 OK"' 'shop.Till'
	tap_ok "reflection: before, numbers" ct_holds "$buy and messages.exists(m, m.contains(\"tea\"))" \
		'"text":"{\"1\":\"tea\",\"2\":2}"' '"text":"{\"1\":\"2 tea\"}"'
	tap_ok "reflection: after it, names" ct_holds "$buy and messages.exists(m, m.contains(\"milk\"))" \
		'"text":"{\"item\":\"milk\",\"count\":3,\"password\":\"•••' \
		'"text":"{\"receipt\":\"3 milk\"}"'
}

need_cleartap
need node openssl nginx
[ -d "$modules/@grpc/reflection" ] || tap_skip_all "npm ci has not been run in tests/web"
make_cert "$TMPDIR"
mkfifo "$TMPDIR/steps"
node "$srcdir/tests/e2e/grpc_talk.mjs" "$TMPDIR" "$(realpath "$modules")" "${CT_SECRETS[0]}" \
	<"$TMPDIR/steps" >"$TMPDIR/said" 2>"$TMPDIR/talk.log" &
node=$!
exec 9>"$TMPDIR/steps"
at_exit_kill "$node"
tap_ok "the peers start" timeout 20 bash -c "until grep -q ready '$TMPDIR/said'; do sleep 0.05; done" ||
	fail_with "$TMPDIR/talk.log"
tap_ok "a server that tells its schema starts" serve_reflection || tap_done
tap_ok "cleartap starts" ct_start --pid "$node" --pid "$nginx" --split-ends || tap_done
try_reflection
echo >&9

for role in client server; do
	of="pid == $node and role == \"$role\""
	tap_ok "$role: a call is live while it goes on" ct_finds 1 \
		"$of and open and grpc_method == \"/talk.Talker/Watch\" and messages.exists(m, m.contains(\"tick 3\"))"
	tap_ok "$role: events, too" ct_finds 1 "$of and open and http2 and path == \"/events\" and message_count == 1"
	q="$of and grpc and http and http2 and complete and summary == \"/talk.Talker/Say\" and grpc_status == 0"
	tap_ok "$role: calls that went well" ct_finds 2 "$q and not error"
	tap_ok "$role: what was said" ct_holds "$q and message_count == 2 and request_size < 1000 and
		not request.headers[\"grpc-encoding\"].contains(\"gzip\")" \
		'"status":"0 OK"' '"from":"client"' '"size":12,"length":7,"kind":"message"' \
		'"text":"{\"1\":\"hello\"}"' '"text":"{\"1\":\"you said hello\"}"'
	tap_ok "$role: what was said in less bytes" ct_holds \
		"$q and request.headers[\"grpc-encoding\"].contains(\"gzip\")" '"length":1003' \
		'"text":"{\"1\":\"again and again and' '"text":"{\"1\":\"you said again and'
	q="$of and error and grpc_status == 5 and grpc_method.endsWith(\"/Fail\")"
	tap_ok "$role: a call that failed" ct_finds 1 "$q"
	tap_ok "$role: with its message" ct_holds "$q" '"status":"5 NOT_FOUND"' \
		'"grpc_message":"no such thing: 100% é"' '"messages_redacted":["body password"]'
	tap_ok "$role: a WebSocket" ct_holds "$of and ws and path == \"/chat\" and not open and complete" \
		'[":protocol","websocket"]' '"text":"hello"' '"text":"there"' '"name":"1000 normal closure"'
done
echo >&9
for role in client server; do
	tap_ok "$role: the call has ended" ct_finds 1 "pid == $node and role == \"$role\" and not open and
		summary == \"/talk.Talker/Watch\" and status == \"0 OK\" and message_count == 4"
	tap_ok "$role: the events, too" ct_holds "pid == $node and role == \"$role\" and not open and path == \"/events\"" \
		'"kind":"event","name":"tick","id":"1","text":"one"'
done
tap_ok "the peers heard all of it" grep -qF \
	'["you said hello",5,1009,"tick 1","tick 2","tick 3"]' "$TMPDIR/said"
tap_ok "cleartap ends, and no secret is in its store" ct_stop
tap_done
