#!/bin/bash
# shellcheck disable=SC2016,SC2317
# Twenty programs with TLS libraries of all kinds talk at once, some of which are not read: for each
# of them the ledger has, to the byte, what went over its connections, as the other end counted it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
here=$srcdir/tests/e2e
need_cleartap
need openssl
grep -q ' cgroup2 ' /proc/mounts || tap_skip_all "no cgroup2 is mounted"
make_cert "$TMPDIR"
chmod 644 "$TMPDIR/key.pem"
mkdir "$TMPDIR/bin"
home=$(python3 -c 'import sys; print(sys.base_prefix)')
servers=() reasons=() pids=()

# own NAME PROGRAM: a copy of it under a name of its own, $own; false where there is none
own() {
	local from
	from=$(command -v "$2") || return
	[ "$2" != python3 ] || from=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')
	own=$TMPDIR/bin/$1
	cp "$from" "$own"
}

# serve NAME COMMAND...: a server; PORT in the command is replaced
serve() {
	local name=$1
	port=$(free_port)
	shift
	"${@//PORT/$port}" >"$TMPDIR/$name.log" 2>&1 &
	at_exit_kill $!
	wait_port "$port" $! || fail_with "$TMPDIR/$name.log" | tap_diag
	servers+=("$name=$port")
}

start_servers() {
	own ljudge python3 && PYTHONHOME=$home serve ljudge "$own" "$here/judge.py" serve PORT \
		"$TMPDIR" "$TMPDIR/served"
	judge=$port servers=()
	own lnginx nginx && port=$(free_port) && serve_nginx
	own lapache apache2 && port=$(free_port) && serve_apache
	own lsserver openssl && serve lsserver "$own" s_server -quiet -www -accept 127.0.0.1:PORT \
		-key "$TMPDIR/key.pem" -cert "$TMPDIR/cert.pem"
	own lgnutlsserv gnutls-serv && serve lgnutlsserv "$own" --http -p PORT \
		--x509keyfile "$TMPDIR/key.pem" --x509certfile "$TMPDIR/cert.pem"
	own lrubyserv ruby && serve lrubyserv "$own" "$here/server.rb" 127.0.0.1 PORT "$TMPDIR"
	own lphpserv php && serve lphpserv "$own" "$here/server.php" 127.0.0.1 PORT "$TMPDIR"
	# A file of its own is looked at once a process has it.
	own lgoserv "$gotest" && ln "$own" "$TMPDIR/bin/lgo" && serve lgoserv "$own" serve 127.0.0.1:PORT
	if own lnode node; then
		"$own" -e 'setTimeout(() => 0, 100000)' &
		at_exit_kill $!
	fi
}

# attached NAME: this file has its probes
attached() {
	local i
	for ((i = 0; i < 150; i++)); do
		ct_get /api/targets | python3 -c 'import json, sys
sys.exit(not any(t["path"].endswith("/bin/" + sys.argv[1]) and t["state"] == "attached"
                 for t in json.load(sys.stdin)["targets"]))' "$1" && return
		sleep 0.2
	done
	return 1
}

serve_nginx() {
	cat >"$TMPDIR/nginx.conf" <<-END
		daemon off; master_process off; pid $TMPDIR/nginx.pid; error_log $TMPDIR/nginx.err;
		events { }
		http {
			access_log off; client_body_temp_path $TMPDIR;
			server {
				listen 127.0.0.1:$port ssl;
				ssl_certificate $TMPDIR/cert.pem; ssl_certificate_key $TMPDIR/key.pem;
				location / { return 200 "nginx\n"; }
			}
		}
	END
	serve_at lnginx "$own" -p "$TMPDIR" -c "$TMPDIR/nginx.conf"
}

serve_apache() {
	local modules=/usr/lib/apache2/modules
	cat >"$TMPDIR/apache.conf" <<-END
		ServerRoot $TMPDIR
		ServerName localhost
		PidFile $TMPDIR/apache.pid
		ErrorLog $TMPDIR/apache.err
		User nobody
		LoadModule mpm_event_module $modules/mod_mpm_event.so
		LoadModule authz_core_module $modules/mod_authz_core.so
		LoadModule socache_shmcb_module $modules/mod_socache_shmcb.so
		LoadModule ssl_module $modules/mod_ssl.so
		Listen 127.0.0.1:$port
		SSLEngine on
		SSLCertificateFile $TMPDIR/cert.pem
		SSLCertificateKeyFile $TMPDIR/key.pem
		DocumentRoot $TMPDIR/bin
	END
	serve_at lapache "$own" -f "$TMPDIR/apache.conf" -DFOREGROUND
}

# serve_at NAME COMMAND...: a server that knows its $port
serve_at() {
	"${@:2}" >"$TMPDIR/$1.log" 2>&1 &
	at_exit_kill $!
	wait_port "$port" $! || fail_with "$TMPDIR/$1.log" | tap_diag
	servers+=("$1=$port")
}

# client NAME COMMAND...: at once with all others; %URL% in the command is replaced
client() {
	local name=$1
	shift
	timeout 20 "${@//%URL%/https://127.0.0.1:$judge/$name}" >"$TMPDIR/$name.log" 2>&1 &
	pids+=($!)
}

# line_client NAME COMMAND...: one that sends what it is given
line_client() {
	local name=$1
	shift
	{
		printf 'GET /%s HTTP/1.0\r\n\r\n' "$name"
		sleep 2
	} | timeout 20 "$@" >"$TMPDIR/$name.log" 2>&1 &
	pids+=($!)
}

# unread NAME FLAGS...: built of unread_client.c, with a library that is not read
unread() {
	local name=$1
	"${CC:-gcc}" -o "$TMPDIR/bin/$name" "$here/unread_client.c" "${@:2}" 2>/dev/null || return
	reasons+=("$name=unsupported-library")
}

build_clients() {
	local cache=$builddir/tests/e2e/go-cache
	gotest=$TMPDIR/gotest
	! command -v go >/dev/null || (cd "$here/gotest" && GO111MODULE=off GOTOOLCHAIN=local \
		GOFLAGS='' GOCACHE=$(cd "$OLDPWD" && realpath -m "$cache") go build -o "$gotest" .)
	# shellcheck disable=SC2046
	unread lnss -DUSE_NSS $(pkg-config --cflags --libs nss 2>/dev/null)
	unread lmbedtls -DUSE_MBEDTLS -lmbedtls -lmbedx509 -lmbedcrypto
	unread lwolfssl -DUSE_WOLFSSL -lwolfssl
	"${CC:-gcc}" -static -s -o "$TMPDIR/bin/lblind" "$here/unread_client.c" -DUSE_OPENSSL -lssl \
		-lcrypto 2>/dev/null && reasons+=(lblind=unsupported-library)
}

talk_at_once() {
	local name pid
	own lcurl curl && client lcurl "$own" -sSk --http1.1 -o "$TMPDIR/body" %URL%
	own lwget wget && client lwget "$own" -q --no-check-certificate -O - %URL%
	own lpython python3 && PYTHONHOME=$home client lpython "$own" -c 'import ssl, sys, urllib.request
print(len(urllib.request.urlopen(sys.argv[1], context=ssl._create_unverified_context()).read()))' %URL%
	own lruby ruby && client lruby "$own" -rnet/http -ropenssl -e 'u = URI(ARGV[0])
h = Net::HTTP.new(u.hostname, u.port); h.use_ssl = true
h.verify_mode = OpenSSL::SSL::VERIFY_NONE
puts h.get(u.path).body.size' %URL%
	own lphp php && client lphp "$own" -r '$c = stream_context_create(["ssl" => ["verify_peer" => false,
"verify_peer_name" => false]]); echo strlen(file_get_contents($argv[1], false, $c));' %URL%
	[ ! -x "$TMPDIR/bin/lnode" ] || client lnode "$TMPDIR/bin/lnode" -e 'require("https").get(process.argv[1], { agent: false,
rejectUnauthorized: false }, r => r.resume())' %URL%
	own lsclient openssl && line_client lsclient "$own" s_client -quiet -connect "127.0.0.1:$judge"
	own lgnutlscli gnutls-cli && line_client lgnutlscli "$own" --insecure --logfile /dev/null \
		-p "$judge" 127.0.0.1
	[ ! -x "$TMPDIR/bin/lgo" ] || client lgo "$TMPDIR/bin/lgo" get "https://127.0.0.1:$judge" 1
	for name in lnss lmbedtls lwolfssl lblind; do
		[ ! -x "$TMPDIR/bin/$name" ] || client $name "$TMPDIR/bin/$name" "$judge" $name
	done
	own lasker python3 && PYTHONHOME=$home timeout 20 "$own" "$here/judge.py" ask "$TMPDIR/asked" \
		"${servers[@]}" >"$TMPDIR/lasker.log" 2>&1 &
	wait $! "${pids[@]}"
}

build_clients
start_servers
tap_ok "cleartap starts" ct_start --exe "$TMPDIR/bin/*" || tap_done
[ ! -x "$TMPDIR/bin/lgo" ] || tap_ok "Go's file has its probes" attached lgoserv
if [ -x "$TMPDIR/bin/lnode" ]; then
	tap_ok "Node's file has its probes" attached lnode
	reasons+=(lnode=no-socket)
fi
talk_at_once
cat "$TMPDIR/served" "$TMPDIR/asked" >"$TMPDIR/said"
sed -i 's/^get /lgo /' "$TMPDIR/said"
tap_ok "twenty programs talked" [ "$(wc -l <"$TMPDIR/said")" -ge 20 ] ||
	cat "$TMPDIR/said" "$TMPDIR"/l*.log | tap_diag
tap_ok "the sums of each are its own" "$here/check_sums.py" "$CT_SOCK" "$TMPDIR/said" "${reasons[@]}"
tap_ok "cleartap ends" ct_stop
tap_done
