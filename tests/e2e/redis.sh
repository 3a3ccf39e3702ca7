#!/bin/bash
# Redis over TLS, both ends traced: commands and answers are pairs, whatever the protocol's version,
# pipelines, messages of subscriptions, MONITOR; passwords are in no file of the store.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

secret=${CT_SECRETS[0]}

cli() { timeout 20 redis-cli --tls --insecure -p "$port" --no-auth-warning "$@"; }

redis() { ct_check "$1" --protocol redis --dst-port "$port" "${@:2}"; }

try_subscription() {
	local reader
	redis-cli --tls --insecure -p "$port" --no-auth-warning -a "$secret" subscribe news weather \
		</dev/null >"$TMPDIR/heard" &
	reader=$!
	at_exit_kill $reader
	eventually grep -q weather "$TMPDIR/heard"
	cli -a "$secret" publish news 'it rains' >/dev/null
	eventually grep -q 'it rains' "$TMPDIR/heard"
	kill $reader
	wait $reader 2>/dev/null
	redis "a subscription" --path 'SUBSCRIBE news weather' method=SUBSCRIBE ends=both --complete
	redis "a message of it" --path 'news "it rains"' method=MESSAGE ends=both --complete
	redis "a message is published" --path 'PUBLISH news "it rains"' status=1 --complete
}

try_monitor() {
	local watcher
	redis-cli --tls --insecure -p "$port" --no-auth-warning -a "$secret" monitor \
		>"$TMPDIR/monitored" &
	watcher=$!
	at_exit_kill $watcher
	eventually grep -q OK "$TMPDIR/monitored"
	cli -a "$secret" set seen:by:monitor 1 >/dev/null
	redis "MONITOR goes on" --path MONITOR method=MONITOR open=true
	kill $watcher
	wait $watcher 2>/dev/null
	redis "and ends with its connection" --path MONITOR method=MONITOR open=false --complete
	tap_ok "what it saw is its answer" ct_holds 'redis_type == "MONITOR"' 'seen:by:monitor'
}

# What clients without a library send, in one piece.
try_raw() {
	printf 'AUTH %s\r\nPING\r\nSET in:line "a b"\r\nFOO\r\nQUIT\r\n' "$secret" |
		timeout 20 openssl s_client -quiet -connect "127.0.0.1:$port" >/dev/null 2>&1
	redis "inline commands" --path 'SET in:line "a b"' status=OK --complete
	redis "an error" --path FOO status=ERR failed=true --complete
	redis "a password that was sent inline" --path 'AUTH •••' status=OK --complete src.process=openssl
}

# 200 commands ahead of their answers: each has its own.
try_pipe() {
	local i
	{
		printf 'AUTH %s\r\n' "$secret"
		for ((i = 0; i < 200; i++)); do printf 'ECHO number%d\r\n' "$i"; done
	} >"$TMPDIR/commands"
	cli --pipe <"$TMPDIR/commands" >"$TMPDIR/piped"
	tap_ok "a pipeline is sent" grep -q 'errors: 0, replies: 201' "$TMPDIR/piped"
	redis "every command of it is told" --count 201 method=ECHO --complete # and one of redis-cli itself
	printf 'number199' >"$TMPDIR/last"
	redis "with its own answer" --path 'ECHO number199' --response-body "$TMPDIR/last"
}

need_cleartap
need redis-server redis-cli openssl
make_cert "$TMPDIR"
port=$(free_port)
redis-server --port 0 --tls-port "$port" --tls-cert-file "$TMPDIR/cert.pem" \
	--tls-key-file "$TMPDIR/key.pem" --tls-ca-cert-file "$TMPDIR/cert.pem" --tls-auth-clients no \
	--bind 127.0.0.1 --save '' --appendonly no --dir "$TMPDIR" --requirepass "$secret" \
	>"$TMPDIR/redis.log" 2>&1 &
server=$!
at_exit_kill $server
wait_port "$port" $server || fail_with "$TMPDIR/redis.log" >&2
tap_ok "cleartap starts" ct_start || tap_done

cli -a "$secret" set session:42 'hello world' >/dev/null
cli -3 --user default --pass "$secret" hset user:1 name Ann password "$secret" >/dev/null
cli -3 -a "$secret" hgetall user:1 >/dev/null
head -c 300000 /dev/zero | tr '\0' x | cli -a "$secret" -x set big >/dev/null
cli -a "$secret" get big >/dev/null
cli -a "$secret" config set maxmemory 100mb >/dev/null
printf 'multi\nincr n\nincr n\nexec\n' | cli -a "$secret" >/dev/null
redis "a command" --path 'SET session:42 "hello world"' method=SET status=OK ends=both --complete \
	lock=open library=openssl dst.process=redis-server src.process=redis-cli
tap_ok "its key" ct_holds 'redis_key == "session:42"' '"key":"session:42"'
redis "RESP3" --path 'HGETALL user:1' 'status=2 pairs' --complete
tap_ok "names and values" ct_holds 'redis_command == "HGETALL user:1"' '"name\":\"Ann'
redis "a value whose name is password" --path 'HSET user:1 name Ann password •••' status=2
redis "a login" --path 'AUTH default •••' status=OK --complete
redis "a large value" --path 'GET big' 'status=300000 bytes' --complete
redis "a transaction" --path EXEC 'status=2 elements' --complete
redis "and what is in it" --count 2 --path 'INCR n' status=QUEUED --complete
try_subscription
try_monitor
try_raw
try_pipe
tap_ok "cleartap ends well, without a secret in its store" ct_stop
tap_done
