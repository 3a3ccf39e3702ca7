#!/bin/bash
# shellcheck disable=SC2317
# Programs that people use, as client and as server, over IPv4 and IPv6: what they said is shown in
# clear, with the ports that they report themselves, the side that opened, and both processes.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
declare -A port pid comm
here=$srcdir/tests/e2e

# serve NAME COMM COMMAND...: a server; PORT in the command is replaced.
serve() {
	local name=$1
	comm[$name]=$2
	port[$name]=$(free_port)
	shift 2
	"${@//PORT/${port[$name]}}" >"$TMPDIR/$name.log" 2>&1 &
	pid[$name]=$!
	at_exit_kill $!
	wait_port "${port[$name]}" $! || fail_with "$TMPDIR/$name.log" >&2
}

nginx_conf() {
	cat >"$TMPDIR/nginx.conf" <<-END
		daemon off; master_process off; pid $TMPDIR/nginx.pid; error_log $TMPDIR/nginx.err;
		events { }
		http {
			access_log off; client_body_temp_path $TMPDIR; keepalive_timeout 600;
			server {
				listen $1:$2 ssl;
				ssl_certificate $TMPDIR/cert.pem; ssl_certificate_key $TMPDIR/key.pem;
				location / { return 200 "\$remote_addr \$remote_port\n"; }
			}
		}
	END
}

serve_nginx() {
	port[$1]=$(free_port)
	comm[$1]=nginx
	nginx_conf "$2" "${port[$1]}"
	cp "$TMPDIR/nginx.conf" "$TMPDIR/$1.conf"
	nginx -p "$TMPDIR" -c "$TMPDIR/$1.conf" >"$TMPDIR/$1.log" 2>&1 &
	pid[$1]=$!
	at_exit_kill $!
	wait_port "${port[$1]}" $! || fail_with "$TMPDIR/$1.log" >&2
}

# Of a tool that is not installed nothing is tried, and that is said.
have() { command -v "$1" >/dev/null; }

start_servers() {
	serve python4 python3 python3 "$here/server.py" 127.0.0.1 PORT "$TMPDIR"
	serve python6 python3 python3 "$here/server.py" ::1 PORT "$TMPDIR"
	serve www4 openssl openssl s_server -quiet -www -4 -accept 127.0.0.1:PORT \
		-key "$TMPDIR/key.pem" -cert "$TMPDIR/cert.pem"
	serve www6 openssl openssl s_server -quiet -www -6 -accept '[::1]:PORT' \
		-key "$TMPDIR/key.pem" -cert "$TMPDIR/cert.pem"
	cd "$TMPDIR/files" || exit 1
	serve WWW4 openssl openssl s_server -quiet -WWW -4 -accept 127.0.0.1:PORT \
		-key "$TMPDIR/key.pem" -cert "$TMPDIR/cert.pem"
	cd "$OLDPWD" || exit 1
	if have nginx; then
		serve_nginx nginx4 127.0.0.1
		serve_nginx nginx6 '[::1]'
	fi
	if have ruby; then
		serve ruby4 ruby ruby "$here/server.rb" 127.0.0.1 PORT "$TMPDIR"
		serve ruby6 ruby ruby "$here/server.rb" ::1 PORT "$TMPDIR"
	fi
	if have php; then
		serve php4 php php "$here/server.php" 127.0.0.1 PORT "$TMPDIR"
		serve php6 php php "$here/server.php" ::1 PORT "$TMPDIR"
	fi
}

address() { case $1 in *6) echo ::1 ;; *) echo 127.0.0.1 ;; esac; }
host() { case $1 in *6) echo '[::1]' ;; *) echo 127.0.0.1 ;; esac; }

# both_sides NAME SERVER PATH CLIENT-COMM CLIENT-PID CLIENT-PORT ARGUMENT...: one entry of either
# side, the same in all that both see.
both_sides() {
	local name=$1 server=$2 role
	local known=(--path "$3" --src-process "$4" --src-pid "$5" --src-port "$6"
		--src-ip "$(address "$2")" --dst-ip "$(address "$2")" --dst-port "${port[$2]}"
		--dst-pid "${pid[$2]}" --dst-process "${comm[$server]}" --bind nested
		--library openssl --protocol http --complete lock=open tls=true)
	shift 6
	for role in client server; do
		ct_check "$name: $role" --role "$role" "${known[@]}" "$@"
	done
}

try_server() {
	local from pid_of_curl path=/file-$1
	if [ -z "${port[$1]}" ]; then
		tap_skip "curl to $1" "not installed"
		return
	fi
	curl -sSk --http1.1 -o "$TMPDIR/body" -w '%{local_port}' --max-time 20 "${CT_PLANT[@]}" \
		"https://$(host "$1"):${port[$1]}$path" >"$TMPDIR/from" &
	pid_of_curl=$!
	wait $pid_of_curl
	from=$(cat "$TMPDIR/from")
	both_sides "curl to $1" "$1" "$path" curl $pid_of_curl "$from" --method GET --status 200 \
		--response-body "$TMPDIR/body"
	[ -s "$TMPDIR/body" ] || tap_ok "curl to $1 got an answer" false
}

try_post() {
	local from pid_of_curl path=/post-$1
	[ -n "${port[$1]}" ] || return
	curl -sSk --http1.1 -o "$TMPDIR/body" -w '%{local_port}' --max-time 20 -H Expect: \
		--data-binary "@$TMPDIR/upload" "https://$(host "$1"):${port[$1]}$path" >"$TMPDIR/from" &
	pid_of_curl=$!
	wait $pid_of_curl
	from=$(cat "$TMPDIR/from")
	both_sides "curl posts to $1" "$1" "$path" curl $pid_of_curl "$from" --method POST \
		--request-body "$TMPDIR/upload" --response-body "$TMPDIR/upload"
}

# try_client NAME COMM SERVER COMMAND...: a client that prints the body, which holds its own
# address and port as the server saw them. %URL% in the command is replaced.
try_client() {
	local name=$1 comm_of_client=$2 server=$3 path=/from-$1-$3 url seen pid_of_client
	url=https://$(host "$3"):${port[$3]}$path
	shift 3
	if ! have "$1"; then
		tap_skip "$name" "$1 is not installed"
		return
	fi
	"${@//%URL%/$url}" >"$TMPDIR/body" 2>"$TMPDIR/client.log" &
	pid_of_client=$!
	wait $pid_of_client
	read -r _ seen <"$TMPDIR/body" || fail_with "$TMPDIR/client.log" | tap_diag
	both_sides "$name to $server" "$server" "$path" "$comm_of_client" $pid_of_client "$seen" \
		--method GET --status 200 --response-body "$TMPDIR/body"
}

# shellcheck disable=SC2016
try_clients() {
	local family
	for family in 4 6; do
		try_client urllib python3 python$family python3 -c 'import ssl, sys, urllib.request
c = ssl._create_unverified_context()
sys.stdout.write(urllib.request.urlopen(sys.argv[1], context=c).read().decode())' %URL%
		try_client net-http ruby python$family ruby -rnet/http -ropenssl -e 'u = URI(ARGV[0])
h = Net::HTTP.new(u.hostname, u.port); h.use_ssl = true
h.verify_mode = OpenSSL::SSL::VERIFY_NONE
$stdout.write(h.get(u.path).body)' %URL%
		try_client file_get_contents php python$family php -r '
$c = stream_context_create(["ssl" => ["verify_peer" => false, "verify_peer_name" => false]]);
echo file_get_contents($argv[1], false, $c);' %URL%
	done
	if have php && ! php -m | grep -qx curl; then
		tap_skip php-curl "php-curl is not installed"
		return
	fi
	try_client php-curl php python4 php -r '
$c = curl_init($argv[1]);
curl_setopt_array($c, [CURLOPT_SSL_VERIFYPEER => 0, CURLOPT_SSL_VERIFYHOST => 0]);
curl_exec($c);' %URL%
}

# openssl s_client, from a port that was asked for, to each kind of server.
try_s_client() {
	local from
	from=$(free_port)
	{
		printf 'GET /s_client-%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' "$1"
		sleep 1
	} | timeout 20 openssl s_client -quiet -bind "$(host "$1"):$from" \
		-connect "$(host "$1"):${port[$1]}" >"$TMPDIR/s_client.log" 2>&1
	ct_check "s_client to $1: client" --role client --path "/s_client-$1" --src-port "$from" \
		--src-process openssl --dst-pid "${pid[$1]}" --dst-ip "$(address "$1")" \
		--src-ip "$(address "$1")" --dst-port "${port[$1]}" --bind nested --status 200 --complete
	ct_check "s_client to $1: server" --role server --path "/s_client-$1" --src-port "$from" \
		--src-process openssl --dst-pid "${pid[$1]}" --dst-port "${port[$1]}" --bind nested \
		--status 200 --complete
}

# What is not HTTP: a line each way between s_client and s_server.
try_opaque() {
	local from to side
	from=$(free_port)
	to=$(free_port)
	mkfifo "$TMPDIR/say"
	openssl s_server -quiet -4 -accept "127.0.0.1:$to" -key "$TMPDIR/key.pem" \
		-cert "$TMPDIR/cert.pem" <"$TMPDIR/say" >"$TMPDIR/heard" 2>&1 &
	at_exit_kill $!
	exec 7>"$TMPDIR/say"
	wait_port "$to" $!
	{
		echo 'what is the time?'
		eventually grep -q time "$TMPDIR/heard"
		echo 'late' >&7
		eventually grep -q late "$TMPDIR/s_client.log"
	} | timeout 20 openssl s_client -quiet -no_ign_eof -bind "127.0.0.1:$from" -connect "127.0.0.1:$to" \
		>"$TMPDIR/s_client.log" 2>&1
	exec 7>&-
	printf 'what is the time?\n' >"$TMPDIR/question"
	printf 'late\n' >"$TMPDIR/answer"
	for side in client server; do
		ct_check "opaque bytes: $side" --protocol tls --role $side --src-port "$from" \
			--dst-port "$to" --request-body "$TMPDIR/question" \
			--response-body "$TMPDIR/answer" --bind nested lock=open
	done
}

# Connections that were there before cleartap.
early_connect() {
	mkfifo "$TMPDIR/$1.paths"
	python3 "$here/early.py" "$(address "$1")" "${port[$1]}" <"$TMPDIR/$1.paths" \
		>"$TMPDIR/$1.port" 2>"$TMPDIR/$1.early.log" &
	early_pid[$1]=$!
	at_exit_kill $!
	exec {early_fd}>"$TMPDIR/$1.paths"
	early_to[$1]=$early_fd
	for ((i = 0; i < 100; i++)); do
		[ -s "$TMPDIR/$1.port" ] && return
		sleep 0.1
	done
	fail_with "$TMPDIR/$1.early.log" | tap_diag
}

# A server that waited inside SSL_read all the time is seen from its next call on: the answer.
try_early() {
	local seen=(--path "/early-$1" --method GET --complete)
	[ -n "${early_to[$1]}" ] || return
	local early_known=(--src-pid "${early_pid[$1]}" --src-port "$(cat "$TMPDIR/$1.port")"
		--src-ip "$(address "$1")" --dst-ip "$(address "$1")" --dst-port "${port[$1]}"
		--dst-pid "${pid[$1]}" --bind nested --status 200)
	echo "/early-$1" >&"${early_to[$1]}"
	ct_check "an older connection to $1: client" --role client --src-process python3 \
		"${early_known[@]}" "${seen[@]}"
	[[ $1 = nginx* ]] || seen=(--path '' --incomplete "reason=the request was not seen")
	ct_check "an older connection to $1: server" --role server "${early_known[@]}" "${seen[@]}"
	echo "/early-$1-again" >&"${early_to[$1]}"
	both_sides "an older connection to $1, again" "$1" "/early-$1-again" python3 \
		"${early_pid[$1]}" "$(cat "$TMPDIR/$1.port")" --method GET --status 200
}

# unknown NAME PATH: in clear, and no address rather than a wrong one.
unknown() {
	local role
	for role in client server; do
		ct_check "$1, $role: in clear, no addresses" --path "$2" --status 200 --complete \
			"${@:3}" --role $role --bind unknown src.ip= dst.ip= src.port=0 dst.port=0
	done
}

try_unknown() {
	python3 "$here/memory_bio.py" "$TMPDIR" /asyncio >"$TMPDIR/asyncio.log" 2>&1
	unknown asyncio /asyncio
	have node || { tap_skip "Node.js" "not installed"; return; }
	node -e 'const https = require("https"), fs = require("fs"), [d] = process.argv.slice(1);
		const s = https.createServer({ key: fs.readFileSync(d + "/key.pem"),
			cert: fs.readFileSync(d + "/cert.pem") }, (q, r) => r.end("node\n"));
		s.listen(0, "127.0.0.1", () => https.get({ host: "127.0.0.1", port: s.address().port,
			path: "/node", agent: false, rejectUnauthorized: false },
			r => r.on("data", () => 0).on("end", () => s.close())));' "$TMPDIR" \
		>"$TMPDIR/node.log" 2>&1
	unknown Node.js /node
}

need_cleartap
need openssl
make_cert "$TMPDIR"
chmod 644 "$TMPDIR/key.pem"
mkdir "$TMPDIR/files"
printf 'HTTP/1.0 200 ok\r\n\r\nfile\n' >"$TMPDIR/files/file-WWW4"
seq 1 20000 >"$TMPDIR/upload"
declare -A early_to early_pid
start_servers
for server in python4 python6 nginx4 nginx6; do
	[ -z "${port[$server]}" ] || early_connect $server
done
tap_ok "cleartap starts" ct_start --split-ends --keep-opaque || tap_done

for server in python4 python6 nginx4 nginx6; do try_early $server; done
for server in python4 python6 www4 www6 WWW4 nginx4 nginx6 ruby4 ruby6 php4 php6; do
	try_server $server
done
for server in python4 python6 ruby4 php6; do try_post $server; done
try_clients
try_s_client python4
try_s_client www6
try_s_client www4
try_opaque
try_unknown
tap_ok "cleartap ends well" ct_stop
tap_done
