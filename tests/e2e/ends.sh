#!/bin/bash
# Both ends of a connection are one entry: a client, nginx as a proxy, and another nginx behind it,
# all over TLS. Each exchange has its own id, so that a wrong pair would show.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
ends=$srcdir/tests/e2e/ends.py
front=$(free_port) back=$(free_port) pad=''

# conf NAME PORT LOCATION: of an nginx
conf() {
	cat >"$TMPDIR/$1.conf" <<-END
		daemon off; master_process off; pid $TMPDIR/$1.pid; error_log $TMPDIR/$1.err;
		events { worker_connections 4096; }
		http {
			access_log off; client_body_temp_path $TMPDIR/$1.body; proxy_temp_path $TMPDIR/$1.proxy;
			keepalive_requests 1000000;
			upstream back { server 127.0.0.1:$back; keepalive 8; keepalive_requests 1000000; }
			server {
				listen 127.0.0.1:$2 ssl;
				ssl_certificate $TMPDIR/cert.pem; ssl_certificate_key $TMPDIR/key.pem;
				location / { $3 }
			}
		}
	END
}

start() {
	nginx -p "$TMPDIR" -c "$TMPDIR/$1.conf" >"$TMPDIR/$1.log" 2>&1 &
	at_exit_kill $!
	wait_port "$2" $! || fail_with "$TMPDIR/$1.log"
}

cleartap() {
	CT_DIR=''
	ct_start --exe nginx --exe 'python3*' "$@"
}

# load FIRST COUNT OPTION...
load() { timeout 60 "$ends" load "$front" "$@"; }

# all_both FIRST COUNT: one entry of both ends for each id at both hops
all_both() { timeout 60 "$ends" check "$CT_SOCK" "$1" "$2" "$front" "$back" "${@:3}"; }

# try NAME FIRST COUNT OPTION...
try() {
	tap_ok "$1: requests" load "${@:2}"
	tap_ok "$1: $((2 * $3)) entries of both ends" all_both "$2" "$3"
	sed -n 's/^of both/# of both/p' "$TMPDIR/output"
}

# The proxy's connections to the backend are there already, and the client's are in use.
try_late() {
	local first=700000 last loader
	load $first 1000000 --pause 0.002 --until "$TMPDIR/enough" --connections 1 >"$TMPDIR/last" &
	loader=$!
	at_exit_kill $loader
	sleep 1
	tap_ok "cleartap starts late" cleartap || return
	sleep 4
	touch "$TMPDIR/enough"
	wait $loader
	last=$(cat "$TMPDIR/last")
	tap_ok "late: $(((last - first) / 4)) exchanges are of both ends" all_both \
		$((last - (last - first) / 4 + 1)) $(((last - first) / 4))
	tap_ok "cleartap ends well" ct_stop
}

# What goes on is one entry for both ends too, and stays that one.
try_hanging() {
	local path=(--path /e/600000 --method POST --dst-port "$front")
	timeout 60 "$ends" hang "$front" 600000 4 &
	at_exit_kill $!
	sleep 2
	ct_check "hanging: one entry of both ends" "${path[@]}" --role client --wait 1 open=true ends=both
	ct_check "hanging: no other" "${path[@]}" --wait 1
	wait $!
	ct_check "hanging: then it is over" "${path[@]}" --role client --complete --status 200 \
		--src-process python3 --dst-process nginx open=false ends=both
	ct_check "hanging: there is no other" "${path[@]}"
}

need_cleartap
need nginx openssl
make_cert "$TMPDIR"
conf back "$back" "return 200 \"id \$http_x_id.\$http_x_pad\";"
conf front "$front" "proxy_pass https://back; proxy_http_version 1.1; proxy_set_header Connection '';"
start back "$back" && start front "$front" || tap_ok "servers" false

tap_ok "cleartap starts" cleartap || tap_done
try "keep-alive" 100000 10000 --connections 8
try "pipelining" 200000 2000 --ahead 10
try "a connection for each" 300000 500 --per-connection 1
try "reused port" 400000 200 --per-connection 2 --connections 1 --port "$(free_port)"
try_hanging
tap_ok "cleartap ends well" ct_stop

try_late

tap_ok "cleartap starts with a ring that is too small" cleartap --ring-size 64K || tap_done
tap_ok "losses: requests" load 800000 4000 --connections 16 --ahead 10
tap_ok "losses: who is alone says why" all_both 800000 4000 --some
sed -n 's/^of both/# of both/p' "$TMPDIR/output"
tap_ok "cleartap ends well" ct_stop

tap_ok "cleartap starts with --split-ends" cleartap --split-ends || tap_done
tap_ok "apart: requests" load 900000 1
for role in client server; do
	ct_check "apart: $role" --path /e/900000 --role $role --dst-port "$front" ends=$role
done
tap_ok "cleartap ends well" ct_stop
tap_done
