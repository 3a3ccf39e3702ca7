#!/bin/bash
# AMQP 0-9-1 over TLS: RabbitMQ, and clients with OpenSSL (pika, and amqplib of Node.js) that publish with
# confirms, consume and are refused. Erlang brings a TLS of its own, which is not read: each exchange is seen at the client's end.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
server=/usr/lib/rabbitmq/bin/rabbitmq-server
talk=$srcdir/tests/e2e/amqp_talk.py
modules=$(realpath "$srcdir/tests/web/node_modules")
secret=${CT_SECRETS[0]}

start_broker() {
	cat >"$TMPDIR/rabbitmq.conf" <<-END
		listeners.tcp = none
		listeners.ssl.1 = 127.0.0.1:$port
		ssl_options.cacertfile = $TMPDIR/cert.pem
		ssl_options.certfile = $TMPDIR/cert.pem
		ssl_options.keyfile = $TMPDIR/key.pem
		ssl_options.verify = verify_none
		default_pass = $secret
		log.console = true
		log.file = false
	END
	echo '[].' >"$TMPDIR/plugins"
	env -u MAKEFLAGS HOME="$TMPDIR" RABBITMQ_CONFIG_FILE="$TMPDIR/rabbitmq" \
		RABBITMQ_MNESIA_BASE="$TMPDIR/mnesia" RABBITMQ_LOG_BASE="$TMPDIR/logs" \
		RABBITMQ_ENABLED_PLUGINS_FILE="$TMPDIR/plugins" RABBITMQ_NODENAME="till@localhost" \
		RABBITMQ_DIST_PORT="$dist" \
		RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-start_epmd false -erl_epmd_port $dist +S 2:2 +sbwt none" \
		"$server" >"$TMPDIR/broker.log" 2>&1 &
	at_exit_kill $!
	wait_port "$port" $! || fail_with "$TMPDIR/broker.log"
}

# talk WHAT: a client, traced
talk() { timeout 30 /usr/bin/python3 "$talk" "$port" "$TMPDIR/cert.pem" "$secret" "$1"; }

# seen NAME COUNT FIELD=VALUE...
seen() {
	local name=$1 count=$2
	shift 2
	ct_check "$name" --count "$count" --protocol amqp --complete lock=open \
		version=0-9-1 --dst-port "$port" "$@"
}

# kfl NAME COUNT QUERY
kfl() { tap_ok "$1" ct_finds "$2" "$3"; }

need_cleartap
need openssl python3 erl node
/usr/bin/python3 -c 'import pika' 2>/dev/null || tap_skip_all "python3-pika is not installed"
[ -x $server ] || tap_skip_all "rabbitmq-server is not installed"
make_cert "$TMPDIR"
port=$(free_port) dist=$(free_port)
tap_ok "cleartap starts" ct_start || tap_done
tap_ok "RabbitMQ starts" start_broker || tap_done

tap_ok "published and confirmed" talk confirmed
tap_ok "consumed and acknowledged" talk consumed
tap_ok "a wrong password is refused" talk refused
seen "logins" 2 method=connect summary=/ status=OK
seen "a login that is refused" 1 method=connect status="403 ACCESS_REFUSED" failed=true
for n in 0 7 19; do
	python3 -c 'import sys; n = int(sys.argv[1]); print("{\"id\": %d, \"text\": \"%s\"}" % (n, "x" * (n * 97 % 2000)), end="")' \
		$n >"$TMPDIR/body"
	seen "order $n is published, confirmed" 1 method=basic.publish summary="orders order.$n" \
		status=ack --request-body "$TMPDIR/body"
	seen "order $n is delivered, settled" 1 method=basic.deliver summary="orders order.$n" \
		status="$([ $((n % 2)) = 1 ] && echo ack || echo nack)" --request-body "$TMPDIR/body"
done
kfl "each publication with its confirmation" 21 'amqp and method == "basic.publish" and exchange == "orders" and status == "ack"'
kfl "each delivery with what became of it" 21 'method == "basic.deliver" and routing_key.startsWith("order.") and status != ""'
kfl "what was refused is an error" 11 'method == "basic.deliver" and error'
kfl "headers of messages in KFL" 1 'method == "basic.publish" and request.headers["number"] == "7"'
kfl "what cannot be routed comes back" 1 'method == "basic.return" and error and status == "312 NO_ROUTE"'
kfl "a queue that is not there" 1 'queue == "missing" and error and status == "404 NOT_FOUND"'
seen "the consumer, once it is cancelled" 1 method=basic.consume summary=jobs status=OK
if [ -d "$modules/amqplib" ]; then
	tap_ok "Node.js: published, confirmed, consumed" timeout 30 node "$srcdir/tests/e2e/amqp_talk.mjs" \
		"$modules" "$port" "$TMPDIR/cert.pem" "$secret"
	kfl "Node.js: each publication with its confirmation" 60 'src.process == "node" and method == "basic.publish" and summary == "node" and status == "ack"'
	kfl "Node.js: acknowledged all at once" 30 'src.process == "node" and method == "basic.deliver" and status == "ack"'
	kfl "Node.js: not acknowledged, as agreed" 30 'src.process == "node" and method == "basic.deliver" and status == "" and complete'
	kfl "Node.js: consumers, once the channel is closed" 2 'src.process == "node" and method == "basic.consume" and complete and !open'
else
	tap_skip "Node.js" "amqplib is not installed"
fi
kfl "nothing is left that is not understood" 0 "dst.port == $port and (protocol == \"tls\" or (!complete and method != \"connection.close\"))"
tap_ok "cleartap ends well, without a password in its store" ct_stop
tap_done
