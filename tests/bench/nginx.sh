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
root=$TMPDIR/nginx
mkdir -p "$root/www"
make_cert "$root"
for size in 1 64; do head -c $((size * 1024)) /dev/urandom | base64 -w 0 | head -c $((size * 1024)) >"$root/www/$size"; done
cat >"$root/conf" <<END
daemon off; worker_processes 1; pid $root/pid; error_log $root/log;
events { worker_connections 512; }
http { access_log off; keepalive_requests 1000000000; server { listen 127.0.0.1:$port ssl;
ssl_certificate $root/cert.pem; ssl_certificate_key $root/key.pem; ssl_protocols TLSv1.3;
root $root/www; } }
END
chmod 755 "$TMPDIR" "$root" "$root/www"
nginx -c "$root/conf" -e "$root/log" & server=$!
at_exit_kill "$server"
wait_port "$port" || exit 1

name=nginx file=$library exe='*nginx' modes="nothing floor cleartap"
[ -n "$(sslsnoop)" ] && modes="$modes sslsnoop"
run_rounds
