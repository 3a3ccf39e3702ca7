#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What probing costs nginx (one worker, keepalive, TLS 1.3) under wrk: medians of requests/s as
# ratios. ROUNDS, SECONDS_EACH and CONNECTIONS tell how much.
. "${srcdir:-.}/tests/e2e/lib.sh"
. "${srcdir:-.}/tests/bench/rounds.sh"
need nginx wrk
need_cleartap
library=$(ldconfig -p | awk '/libssl\.so\.3/ { print $NF; exit }')
port=$(free_port)
server=$TMPDIR/nginx
mkdir -p "$server/www"
make_cert "$server"
for size in 1 64; do head -c $((size * 1024)) /dev/urandom | base64 -w 0 | head -c $((size * 1024)) >"$server/www/$size"; done
cat >"$server/conf" <<END
daemon off; worker_processes 1; pid $server/pid; error_log $server/log;
events { worker_connections 512; }
http { access_log off; keepalive_requests 1000000000; server { listen 127.0.0.1:$port ssl;
ssl_certificate $server/cert.pem; ssl_certificate_key $server/key.pem; ssl_protocols TLSv1.3;
root $server/www; } }
END
chmod 755 "$TMPDIR" "$server" "$server/www"
nginx -c "$server/conf" -e "$server/log" & at_exit_kill $!
wait_port "$port" || exit 1

name=nginx file=$library exe='*nginx' modes="nothing floor cleartap"
[ -n "$(sslsnoop)" ] && modes="$modes sslsnoop"
run_rounds
