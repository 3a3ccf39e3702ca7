#!/bin/bash
# QUIC: real programs talk HTTP/3 on any port, and each connection is there with names, versions and
# sums, its lock closed, live and from a file; other UDP is none.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
here=$srcdir/tests/e2e
need_cleartap
need gtlsclient gtlsserver chromium tcpdump setpriv nginx
grep -q ' cgroup2 ' /proc/mounts || tap_skip_all "no cgroup2 is mounted"
make_cert "$TMPDIR"
mkdir "$TMPDIR/bin" "$TMPDIR/www" "$TMPDIR/file"
chmod 777 "$TMPDIR/file"
head -c 300000 /dev/zero >"$TMPDIR/www/big"
cp "$(command -v gtlsclient)" "$TMPDIR/bin/qclient"
cp "$(command -v gtlsserver)" "$TMPDIR/bin/qserver"
cp "$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')" "$TMPDIR/bin/qpython"
PYTHONHOME=$(python3 -c 'import sys; print(sys.base_prefix)')
export PYTHONHOME

# udp_port: one that nobody has
udp_port() {
	python3 -c 'import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("", 0)); print(s.getsockname()[1])'
}

# serve ADDRESS PORT: until something has the port
serve() {
	local i hex
	hex=$(printf '%04X' "$2")
	"$TMPDIR/bin/qserver" -q -d "$TMPDIR/www" "$1" "$2" "$TMPDIR/key.pem" "$TMPDIR/cert.pem" \
		>"$TMPDIR/server.log" 2>&1 &
	at_exit_kill $!
	for ((i = 0; i < 200; i++)); do
		grep -qs ":$hex " /proc/net/udp /proc/net/udp6 && return 0
		sleep 0.1
	done
	fail_with "$TMPDIR/server.log"
}

# fetch ADDRESS PORT: 300,000 bytes
fetch() {
	timeout 30 "$TMPDIR/bin/qclient" -q --exit-on-all-streams-close "$1" "$2" \
		"https://localhost:$2/big" >"$TMPDIR/client.log" 2>&1 || fail_with "$TMPDIR/client.log"
}

# sums PORT PACKETS: its one entry has 300,000 bytes and what QUIC adds, in more packets than these
sums() {
	ct_get "/api/entries?q=quic+and+dst.port==$1" | python3 -c 'import json, sys
e = json.load(sys.stdin)["entries"]
assert len(e) == 1, e
e = e[0]
assert 300000 < e["response_size"] < 360000, e
assert 1200 < e["request_size"] < 100000, e
assert int(sys.argv[1]) < e["packets"] < 3000, e' "$2"
}

# ledger: both programs have these bytes in their rows, and say that they are not read
ledger() {
	ct_get /api/coverage | python3 -c 'import json, sys
l = json.load(sys.stdin)["ledger"]
said = {r["reason"]: r["sentence"] for r in l["reasons"]}
assert "HTTP/3 on this socket is not read" in said["quic"], said
for name, way in ("qclient", "received"), ("qserver", "sent"):
    rows = [r for r in l["programs"] if r["process"] == name]
    bytes = {b["reason"]: b[way] for r in rows for b in r["bytes"]}
    assert set(bytes) == {"quic"} and 600000 < bytes["quic"] < 720000, (name, rows)'
}

# targets: the library's file says so of the program that has it
targets() {
	ct_get /api/targets | python3 -c 'import json, sys
said = {p["process"]: p.get("not_read") for t in json.load(sys.stdin)["targets"] for p in t["processes"]}
assert "HTTP/3 on this socket is not read" in said["qserver"], said'
}

# browse PORT: a browser that has to use QUIC; what it makes of the certificate does not matter
browse() {
	local dir=$TMPDIR/browser i
	mkdir "$dir" && ln -s /usr/lib/chromium/* "$dir" && rm "$dir/chromium" &&
		cp /usr/lib/chromium/chromium "$TMPDIR/browser/qbrowser" || return 1
	HOME=$TMPDIR timeout 60 "$dir/qbrowser" --headless --no-sandbox --disable-gpu --no-first-run \
		--disable-background-networking --disable-component-update --user-data-dir="$TMPDIR/profile" \
		--host-resolver-rules="MAP localhost 127.0.0.1" --origin-to-force-quic-on="localhost:$1" --dump-dom "https://localhost:$1/big" \
		>"$TMPDIR/browser.log" 2>&1 &
	local pid=$!
	at_exit_kill $pid
	for ((i = 0; i < 300; i++)); do
		ct_get "/api/entries?q=tlsx+and+dst.port==$1" | grep -q '"tls_sni":"localhost"' && break
		sleep 0.1
	done
	kill $pid 2>/dev/null
	wait $pid 2>/dev/null
	[ $i -lt 300 ] || fail_with "$TMPDIR/browser.log"
}

# read_file: as nobody
read_file() {
	local i
	chmod 644 "$TMPDIR/file/packets"
	CT_SOCK=$TMPDIR/file/sock
	setpriv --reuid 65534 --regid 65534 --clear-groups "$CLEARTAP" --listen none --unix-socket "$CT_SOCK" \
		--read "$TMPDIR/file/packets" >"$TMPDIR/file/out" 2>"$TMPDIR/file/log" &
	CT_PID=$!
	for ((i = 0; i < 200; i++)); do
		grep -q 'is read to its end' "$TMPDIR/file/log" && return 0
		sleep 0.1
	done
	fail_with "$TMPDIR/file/log"
}

four=$(udp_port) six=$(udp_port) third=$(udp_port)
tap_ok "cleartap starts" ct_start --exe "$TMPDIR/bin/*" --exe "$TMPDIR/browser/*" ||
	{ tap_diag <"$TMPDIR/output"; tap_done; }
tcpdump -U -i lo -w "$TMPDIR/file/packets" "udp port $four" >"$TMPDIR/tcpdump" 2>&1 &
dump=$!
at_exit_kill $dump
for ((i = 0; i < 100; i++)); do grep -q 'listening on' "$TMPDIR/tcpdump" && break; sleep 0.1; done

tap_ok "a server over IPv4 and one over IPv6" eval 'serve 127.0.0.1 $four && serve ::1 $six'
tap_ok "they are asked" eval 'fetch 127.0.0.1 $four && fetch ::1 $six'
for port in "$four" "$six"; do
	ct_check "one entry of both ends" --protocol tcp --version "QUIC v1" --dst-port "$port" \
		--src-process qclient --dst-process qserver ends=both lock=closed role=client \
		tls_version="TLS 1.3" reason="HTTP/3 on this socket is not read (QUIC)"
	ct_check "its handshake" --protocol tlsx --dst-port "$port" complete=true tls_version="TLS 1.3"
	tap_ok "its sums" sums "$port" 200
done
tap_ok "the ledger has them" ledger
tap_ok "its target says that it is not read" targets
tap_ok "a server for a browser" serve 127.0.0.1 "$third"
tap_ok "a browser's hello, in packets that come as they like" browse "$third"
ct_check "a browser's connection" --protocol tcp --version "QUIC v1" --dst-port "$third" lock=closed \
	tls_sni=localhost dst.name=localhost tls_alpn=h3
tap_ok "its groups" ct_holds "tlsx and dst.port == $third" X25519MLKEM768

tap_ok "version 2, two on one socket, and no QUIC" "$TMPDIR/bin/qpython" "$here/quic_talk.py" \
	"$srcdir/tests/data/tls" "$TMPDIR/said"
read -r v2 twice noise <"$TMPDIR/said"
ct_check "version 2" --protocol tcp --version "QUIC v2" --dst-port "$v2" tls_sni=example.com ends=both \
	src.process=qpython packets=2
ct_check "two clients of one socket" --count 2 --protocol tcp --version "QUIC v1" --dst-port "$twice" \
	tls_sni=example.com ends=both packets=2
ct_check "what is no QUIC is none" --count 0 --dst-port "$noise"
kill $dump
wait $dump 2>/dev/null
tap_ok "cleartap ends" ct_stop
tap_ok "a file of packets" read_file
ct_check "from the file" --protocol tcp --version "QUIC v1" --dst-port "$four" lock=closed open=false \
	tls_version="TLS 1.3"
# those of a super-packet are one there
tap_ok "the same sums" sums "$four" 10
tap_ok "it ends" ct_stop

# ktls: a server lets the kernel encrypt, and sends from a file what no library of TLS sees
ktls() {
	local port
	port=$(free_port)
	cp "$(command -v nginx)" "$TMPDIR/bin/knginx"
	cat >"$TMPDIR/nginx.conf" <<-END
		daemon off; master_process off; pid $TMPDIR/nginx.pid; error_log stderr;
		events {}
		http { access_log off; sendfile on; server {
			listen 127.0.0.1:$port ssl; root $TMPDIR/www;
			ssl_certificate $TMPDIR/cert.pem; ssl_certificate_key $TMPDIR/key.pem;
			ssl_conf_command Options KTLS;
		} }
	END
	"$TMPDIR/bin/knginx" -c "$TMPDIR/nginx.conf" 2>"$TMPDIR/nginx.log" &
	at_exit_kill $!
	wait_port "$port" && curl -sk -o /dev/null "https://127.0.0.1:$port/big" || return 1
	for ((i = 0; i < 100; i++)); do
		ct_get /api/coverage | python3 -c 'import json, sys
rows = json.load(sys.stdin)["ledger"]["programs"]
sent = {b["reason"]: b["sent"] for r in rows if r["process"] == "knginx" for b in r["bytes"]}
sys.exit(sent.get("ktls", 0) < 300000)' && return 0
		sleep 0.2
	done
	return 1
}

modprobe tls 2>/dev/null
if grep -qsw tls /proc/sys/net/ipv4/tcp_available_ulp; then
	unset CT_DIR
	tap_ok "kTLS: cleartap starts" ct_start --exe "$TMPDIR/bin/*"
	tap_ok "kTLS: what the kernel encrypted has that reason" ktls
	tap_ok "kTLS: cleartap ends" ct_stop
else
	tap_skip "kTLS" "this kernel has no kTLS (CONFIG_TLS)"
fi
tap_done
