#!/bin/bash
# DNS over TLS, of kdig (GnuTLS) and unbound (OpenSSL): names, types, records and rcodes.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

start_unbound() {
	port=$(free_port)
	cat >"$TMPDIR/unbound.conf" <<-END
		server:
		  verbosity: 0
		  username: ""
		  chroot: ""
		  pidfile: "$TMPDIR/unbound.pid"
		  use-syslog: no
		  do-daemonize: no
		  directory: "$TMPDIR"
		  interface: 127.0.0.1@$port
		  tls-port: $port
		  tls-service-key: "$TMPDIR/key.pem"
		  tls-service-pem: "$TMPDIR/cert.pem"
		  module-config: "iterator"
		  local-zone: "cleartap.test." static
		  local-data: "cleartap.test. 300 IN SOA ns.cleartap.test. me.cleartap.test. 1 2 3 4 5"
		  local-data: "www.cleartap.test. 60 IN A 192.0.2.7"
		  local-data: "www.cleartap.test. 60 IN AAAA 2001:db8::7"
		  local-data: "cleartap.test. 300 IN MX 10 mx.cleartap.test."
		  local-data: 'cleartap.test. 300 IN TXT "one text" "two"'
		remote-control:
		  control-enable: no
	END
	unbound -c "$TMPDIR/unbound.conf" >"$TMPDIR/unbound.log" 2>&1 &
	server=$!
	at_exit_kill $server
	wait_port "$port" $server || fail_with "$TMPDIR/unbound.log"
}

# ask NAME TYPE [OPTION...]
ask() {
	kdig +tls -p "$port" @127.0.0.1 +timeout=5 +retry=0 "$@" >"$TMPDIR/kdig.out" 2>&1 ||
		tap_diag <"$TMPDIR/kdig.out"
}

# seen NAME ARGUMENT...: one entry of both ends
seen() {
	ct_check "$1" --protocol dns --role client --src-process kdig --dst-process unbound \
		--dst-pid "$server" --dst-port "$port" --complete lock=open ends=both "${@:2}"
}

need_cleartap
need unbound kdig
make_cert "$TMPDIR"
start_unbound
tap_ok "cleartap starts" ct_start || tap_done

ask www.cleartap.test A
printf 'www.cleartap.test 60 A 192.0.2.7\n' >"$TMPDIR/a"
seen "an address" --method A host=www.cleartap.test status=NOERROR --response-body "$TMPDIR/a"
ask cleartap.test MX
printf 'cleartap.test 300 MX 10 mx.cleartap.test\n' >"$TMPDIR/mx"
seen "a mail server" --method MX host=cleartap.test --response-body "$TMPDIR/mx"
ask cleartap.test TXT
printf 'cleartap.test 300 TXT "one text" "two"\n' >"$TMPDIR/txt"
seen "texts" --method TXT host=cleartap.test --response-body "$TMPDIR/txt"
ask nowhere.cleartap.test A
seen "no such name" --method A host=nowhere.cleartap.test status=NXDOMAIN failed=true

# Many questions on one connection.
for ((i = 0; i < 100; i++)); do
	echo "www.cleartap.test AAAA"
done >"$TMPDIR/questions"
xargs -a "$TMPDIR/questions" kdig +tls +keepopen -p "$port" @127.0.0.1 >"$TMPDIR/kdig.out" 2>&1
tap_ok "a hundred on one connection" "$CHECK" --socket "$CT_SOCK" --count 100 --protocol dns \
	--method AAAA --complete ends=both status=NOERROR host=www.cleartap.test
tap_ok "the filter finds them" ct_finds 1 'dns and error'
tap_ok "cleartap ends well" ct_stop
tap_done
