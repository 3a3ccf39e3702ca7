#!/bin/bash
# GnuTLS, of wget, git, gnutls-cli and gnutls-serv: in clear from the first request on, with the right
# addresses; what is corked is told once; of datagrams no address is made up.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
here=$srcdir/tests/e2e
declare -A port pid

# serve NAME COMMAND...: a server; PORT in the command is replaced.
serve() {
	local name=$1
	port[$name]=$(free_port)
	shift
	"${@//PORT/${port[$name]}}" >"$TMPDIR/$name.log" 2>&1 &
	pid[$name]=$!
	at_exit_kill $!
	wait_port "${port[$name]}" $! || fail_with "$TMPDIR/$name.log" >&2
}

gnutls_serv() {
	local name=$1
	shift
	serve "$name" gnutls-serv -p PORT --x509keyfile "$TMPDIR/key.pem" \
		--x509certfile "$TMPDIR/cert.pem" "$@"
}

# client NAME SERVER ADDRESS SRC-PORT ARGUMENT...: what the client's GnuTLS sent and got
client() {
	ct_check "$1" --library gnutls --role client --bind nested --src-ip "$3" --src-port "$4" \
		--dst-ip "$3" --dst-port "${port[$2]}" --dst-pid "${pid[$2]}" --protocol http \
		--complete lock=open tls=true "${@:5}"
}

try_wget() {
	local seen pid_of_wget
	wget -q --no-check-certificate -O "$TMPDIR/body" \
		"https://$2:${port[$1]}/wget-$1" >"$TMPDIR/wget.log" 2>&1 &
	pid_of_wget=$!
	wait $pid_of_wget
	read -r _ seen <"$TMPDIR/body" || tap_diag <"$TMPDIR/wget.log"
	client "wget to $1" "$1" "$3" "$seen" --path "/wget-$1" --method GET --status 200 \
		--src-pid $pid_of_wget --src-process wget --response-body "$TMPDIR/body"
}

try_wget_post() {
	local pid_of_wget
	wget -q --no-check-certificate -O "$TMPDIR/body" --post-file "$TMPDIR/upload" \
		"https://127.0.0.1:${port[python4]}/wget-post" &
	pid_of_wget=$!
	wait $pid_of_wget
	ct_check "wget posts" --library gnutls --role client --bind nested --path /wget-post \
		--method POST --status 200 --src-pid $pid_of_wget --dst-port "${port[python4]}" \
		--request-body "$TMPDIR/upload" --response-body "$TMPDIR/upload" --complete
}

# answered COUNT: so many answers came to gnutls-cli
answered() { [ "$(grep -c '^HTTP/1.1 200' "$TMPDIR/cli.log")" = "$1" ]; }

# Two requests on one connection, with what GnuTLS speaks by itself and with TLS 1.2.
try_cli() {
	local name=$1 from pid_of_cli path n=0
	shift
	: >"$TMPDIR/cli.log"
	{
		for path in one two; do
			printf 'GET /cli-%s-%s HTTP/1.1\r\nHost: x\r\n\r\n' "$name" $path
			eventually answered "$((++n))"
		done
	} | timeout 20 gnutls-cli --insecure --logfile /dev/null -p "${port[python4]}" "$@" \
		127.0.0.1 >"$TMPDIR/cli.log" 2>&1 &
	pid_of_cli=$!
	wait $pid_of_cli
	from=$(awk '$1 == "127.0.0.1" { print $2; exit }' "$TMPDIR/cli.log")
	for path in one two; do
		client "gnutls-cli, $name, request $path" python4 127.0.0.1 "${from:-0}" \
			--path "/cli-$name-$path" --method GET --status 200 --src-process gnutls-cli
	done
}

# try_serv NAME HOST ADDRESS: gnutls-serv as the server of curl
try_serv() {
	local from pid_of_curl
	curl -sSk --http1.1 -o "$TMPDIR/body" -w '%{local_port}' --max-time 20 \
		"https://$2:${port[$1]}/$1" >"$TMPDIR/from" &
	pid_of_curl=$!
	wait $pid_of_curl
	from=$(cat "$TMPDIR/from")
	ct_check "curl to $1" --library gnutls --role server --bind nested --path "/$1" \
		--method GET --status 200 --src-pid $pid_of_curl --src-process curl --src-ip "$3" \
		--src-port "$from" --dst-ip "$3" --dst-port "${port[$1]}" --dst-pid "${pid[$1]}" \
		--dst-process gnutls-serv --response-body "$TMPDIR/body" lock=open
}

try_git() {
	git -c http.sslVerify=false ls-remote "https://127.0.0.1:${port[python4]}/repo" \
		>"$TMPDIR/git.log" 2>&1
	ct_check "git over libcurl-gnutls" --library gnutls --role client --bind nested \
		--src-process git-remote-http --dst-port "${port[python4]}" --dst-ip 127.0.0.1 \
		--method GET --path '/repo/info/refs?service=git-upload-pack' --status 200 --complete
}

try_shape() {
	local from
	timeout 20 python3 "$here/gnutls_client.py" "$1" 127.0.0.1 "${port[python4]}" "/shape-$1" \
		"$TMPDIR/upload" >"$TMPDIR/body" 2>"$TMPDIR/shape.log"
	from=$(cat "$TMPDIR/shape.log")
	tap_ok "$1: sent and answered" cmp "$TMPDIR/body" "$TMPDIR/upload"
	client "$1: told once, in order" python4 127.0.0.1 "${from##*[!0-9]}" --path "/shape-$1" \
		--method POST --status 200 --request-body "$TMPDIR/upload" \
		--response-body "$TMPDIR/upload"
}

# DTLS: the bytes are read; a datagram socket is never taken for the connection's.
try_dtls() {
	local at
	at=$(free_port)
	gnutls-serv --udp --echo -p "$at" --x509keyfile "$TMPDIR/key.pem" \
		--x509certfile "$TMPDIR/cert.pem" >"$TMPDIR/dtls.log" 2>&1 &
	at_exit_kill $!
	eventually grep -q "$(printf ':%04X ' "$at")" /proc/net/udp /proc/net/udp6
	: >"$TMPDIR/cli.log"
	{
		echo over-datagrams
		eventually grep -qx over-datagrams "$TMPDIR/cli.log"
	} | timeout 20 gnutls-cli --udp --insecure -p "$at" 127.0.0.1 >"$TMPDIR/cli.log" 2>&1
	tap_ok "DTLS: echoed" grep -qx over-datagrams "$TMPDIR/cli.log"
	printf 'over-datagrams\n' >"$TMPDIR/line"
	ct_check "DTLS: no address" --library gnutls --protocol tls --src-process gnutls-cli \
		--request-body "$TMPDIR/line" --bind unknown src.ip= dst.ip= src.port=0 dst.port=0
	ct_check "DTLS: no socket" --count 0 --wait 1 --library gnutls --dst-port "$at"
}

need_cleartap
need gnutls-cli gnutls-serv wget git openssl
make_cert "$TMPDIR"
seq 1 20000 >"$TMPDIR/upload"
serve python4 python3 "$here/server.py" 127.0.0.1 PORT "$TMPDIR"
serve python6 python3 "$here/server.py" ::1 PORT "$TMPDIR"
gnutls_serv serv --http
tap_ok "cleartap starts" ct_start --split-ends --keep-opaque || tap_done

try_wget python4 127.0.0.1 127.0.0.1
try_wget python6 '[::1]' ::1
try_wget_post
try_cli tls13
try_cli tls12 --priority NORMAL:-VERS-TLS1.3
try_serv serv 127.0.0.1 127.0.0.1
try_git
for how in cork mixed send2 range seq; do try_shape $how; done
try_dtls
tap_ok "the library is named with its version" eval \
	"ct_get /api/targets | grep -q '\"GnuTLS 3\\.'"
tap_ok "cleartap ends well" ct_stop
tap_done
