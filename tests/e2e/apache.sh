#!/bin/bash
# Apache reads a request that came with the end of the handshake out of its own buffers, and sends
# the answer after SSL_write has returned: only the handshake tells which socket it is.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
ask=$srcdir/tests/e2e/one_request.py

# start_apache MPM: on $port, until the script ends
start_apache() {
	local modules=/usr/lib/apache2/modules dir=$TMPDIR/$1
	mkdir -p "$dir/root/one"
	cat >"$dir/conf" <<-END
		ServerRoot $dir
		ServerName localhost
		PidFile $dir/pid
		ErrorLog $dir/error
		User nobody
		LoadModule mpm_$1_module $modules/mod_mpm_$1.so
		LoadModule authz_core_module $modules/mod_authz_core.so
		LoadModule socache_shmcb_module $modules/mod_socache_shmcb.so
		LoadModule ssl_module $modules/mod_ssl.so
		Listen 127.0.0.1:$port
		SSLEngine on
		SSLCertificateFile $TMPDIR/cert.pem
		SSLCertificateKeyFile $TMPDIR/key.pem
		DocumentRoot $dir/root
		KeepAlive On
	END
	apache2 -f "$dir/conf" -DFOREGROUND >"$dir/out" 2>&1 &
	apache=$!
	at_exit_kill "$apache"
	wait_port "$port" "$apache" || cat "$dir/out" "$dir/error"
}

# try_mpm NAME: 200 connections with one request each
try_mpm() {
	port=$(free_port)
	tap_ok "apache2 starts ($1)" start_apache "$1" || return
	tap_ok "cleartap starts" ct_start --pid "$apache" || return
	timeout 60 "$ask" ask "$port" 200 4 >"$TMPDIR/asked" 2>"$TMPDIR/ask.log" ||
		tap_ok "requests ($1)" fail_with "$TMPDIR/ask.log"
	tap_ok "both addresses of each connection ($1)" \
		"$ask" check "$CT_SOCK" "$TMPDIR/asked" "$port"
	ct_stop
	CT_DIR=''
}

need apache2 openssl
need_cleartap
make_cert "$TMPDIR"
try_mpm event
try_mpm worker
tap_done
