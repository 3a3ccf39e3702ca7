#!/bin/bash
# Both ends of a connection are one entry: a client, nginx as a proxy, and another nginx behind it,
# all over TLS. Each exchange has its own id, so that a wrong pair would show.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
ends=$srcdir/tests/e2e/ends_talk.py
front=$(free_port) back=$(free_port)

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
	ct_start "$@"
}

# load FIRST COUNT OPTION...
load() { timeout 120 "$ends" load "$front" "$@"; }

# all_both FIRST COUNT: one entry of both ends for each id at both hops
all_both() { timeout 120 "$ends" check "$CT_SOCK" "$1" "$2" "$front" "$back" "${@:3}"; }

# try NAME FIRST COUNT OPTION...
try() {
	tap_ok "$1: requests" load "${@:2}"
	tap_ok "$1: $((2 * $3)) entries of both ends" all_both "$2" "$3"
	sed -n 's/^of both/# of both/p' "$TMPDIR/output"
}

# The proxy's connections to the backend are there already, and the client's are in use.
late() {
	local first=700000 last loader status
	rm -f "$TMPDIR/enough"
	load $first 1000000 --pause 0.002 --until "$TMPDIR/enough" --connections 1 >"$TMPDIR/last" &
	loader=$!
	at_exit_kill $loader
	sleep 1
	cleartap || return
	sleep 4
	touch "$TMPDIR/enough"
	wait $loader
	last=$(cat "$TMPDIR/last")
	echo "$(((last - first) / 4)) exchanges"
	all_both $((last - (last - first) / 4 + 1)) $(((last - first) / 4)) --joined
	status=$?
	ct_stop && return $status
}

# What goes on is one entry for both ends too, and stays that one. While it goes on it may say `client`
# alone (a fault: on a connection without a finished exchange the ends are not always known to be one).
try_hanging() {
	local path=(--path /e/600000 --method POST --dst-port "$front")
	timeout 60 "$ends" hang "$front" 600000 --until "$TMPDIR/go-on" &
	at_exit_kill $!
	ct_check "hanging: one entry" "${path[@]}" --role client open=true
	ct_check "hanging: no other" "${path[@]}" --wait 1
	touch "$TMPDIR/go-on"
	wait $!
	ct_check "hanging: then it is over" "${path[@]}" --role client --complete --status 200 \
		--src-process python3 --dst-process nginx open=false ends=both
	ct_check "hanging: there is no other" "${path[@]}"
}

# serve NAME COMMAND...: a server of its own; PORT in the command is replaced. Sets port and server.
serve() {
	local name=$1
	port=$(free_port)
	shift
	"${@//PORT/$port}" <"${say:-/dev/null}" >"$TMPDIR/$name.log" 2>&1 &
	server=$!
	at_exit_kill $server
	wait_port "$port" $server || fail_with "$TMPDIR/$name.log"
}

# joint NAME CLIENT-PROCESS CLIENT-PID SERVER-PROCESS FIELD=VALUE...: of all that was told of the
# connection there is one entry, of both ends.
joint() {
	local name=$1
	tap_ok "$name: one entry of both ends" "$CHECK" --socket "$CT_SOCK" --dst-port "$port" \
		--src-process "$2" --src-pid "$3" --dst-process "$4" --dst-pid "$server" \
		--role client --complete open=false ends=both server_elapsed_us=!null "${@:5}"
	# beside the connection itself and its handshake
	tap_ok "$name: no other" "$CHECK" --socket "$CT_SOCK" --dst-port "$port" --count 3
}

# pair NAME CLIENT-PROCESS SERVER-PROCESS PATH COMMAND...: a client of that server.
pair() {
	local name=$1 client=$2 other=$3 target=$4 pid
	shift 4
	"${@//URL/https://127.0.0.1:$port$target}" >"$TMPDIR/client.log" 2>&1 &
	pid=$!
	wait $pid || fail_with "$TMPDIR/client.log" | tap_diag
	joint "$name" "$client" $pid "$other" status=200 summary="${target//PID/$pid}"
}

build_go() {
	local cache
	cache=$(cd "$builddir" && pwd)/tests/e2e/go-cache
	(cd "$srcdir/tests/e2e/gotest" && GO111MODULE=off GOTOOLCHAIN=local GOFLAGS='' \
		GOCACHE=$cache go build -o "$TMPDIR/gopair" .)
}

# A line each way, which is no HTTP.
pair_s_client() {
	local pid say=$TMPDIR/say
	mkfifo "$say"
	exec 8<>"$say"
	serve s_server openssl s_server -quiet -4 -accept 127.0.0.1:PORT \
		-key "$TMPDIR/key.pem" -cert "$TMPDIR/cert.pem" || return
	{
		echo question
		eventually grep -q question "$TMPDIR/s_server.log"
		echo answer >&8
		eventually grep -q answer "$TMPDIR/client.log"
	} | timeout 20 openssl s_client -quiet -no_ign_eof -connect "127.0.0.1:$port" >"$TMPDIR/client.log" 2>&1
	exec 8>&-
	joint "s_client to s_server" openssl '!0' openssl protocol=tls request_size=9 response_size=7
}

# Clients and servers of several kinds.
pair_programs() {
	local port server here=$srcdir/tests/e2e dir=$TMPDIR insecure
	insecure='import ssl, sys, urllib.request
c = ssl._create_unverified_context()
urllib.request.urlopen(sys.argv[1], context=c).read()'
	conf own "$(free_port)" 'return 200 "own";'
	port=$(sed -n 's/.*listen 127.0.0.1:\([0-9]*\).*/\1/p' "$TMPDIR/own.conf")
	nginx -p "$TMPDIR" -c "$TMPDIR/own.conf" >"$TMPDIR/own.log" 2>&1 &
	server=$!
	at_exit_kill $server
	wait_port "$port" $server
	pair "curl to nginx" curl nginx /curl curl -sSk --http1.1 --max-time 20 URL
	serve python python3 "$here/server.py" 127.0.0.1 PORT "$dir" &&
		pair "Python to Python" python3 python3 /python python3 -c "$insecure" URL
	if command -v ruby >/dev/null; then
		serve ruby ruby "$here/server.rb" 127.0.0.1 PORT "$dir" &&
			pair "Ruby to Ruby" ruby ruby /ruby ruby -rnet/http -ropenssl -e 'u = URI(ARGV[0])
h = Net::HTTP.new(u.hostname, u.port); h.use_ssl = true
h.verify_mode = OpenSSL::SSL::VERIFY_NONE; h.get(u.path)' URL
	fi
	if command -v php >/dev/null; then
		serve php php "$here/server.php" 127.0.0.1 PORT "$dir" &&
			pair "PHP to PHP" php php /php php -r '$c = stream_context_create(["ssl" =>
["verify_peer" => false, "verify_peer_name" => false]]); file_get_contents($argv[1], false, $c);' URL
	fi
	if command -v go >/dev/null && build_go; then
		serve go "$TMPDIR/gopair" serve 127.0.0.1:PORT && until_attached &&
			pair "Go to Go" gopair gopair /get/PID/0 "$TMPDIR/gopair" get \
				"https://127.0.0.1:$port" 1
	fi
	pair_s_client
}

# The Go program's file is new, and analysed before it is probed.
until_attached() {
	local i
	for ((i = 0; i < 200; i++)); do
		ct_get /api/targets | python3 -c 'import json, sys
sys.exit(not any(t["path"].endswith("/gopair") and t["state"] == "attached"
                 for t in json.load(sys.stdin)["targets"]))' && return
		sleep 0.1
	done
	return 1
}

need_cleartap
need nginx openssl
make_cert "$TMPDIR"
conf back "$back" "return 200 \"id \$http_x_id.\$http_x_pad\";"
conf front "$front" "proxy_pass https://back; proxy_http_version 1.1; proxy_set_header Connection '';"
start back "$back" && start front "$front" || tap_ok "servers" false

tap_ok "cleartap starts" cleartap || tap_done
pair_programs
tap_ok "cleartap ends well" ct_stop

tap_ok "cleartap starts" cleartap || tap_done
try "keep-alive" 100000 10000 --connections 8
try "pipelining" 200000 2000 --ahead 10
try "a connection for each" 300000 500 --per-connection 1
try "reused port" 400000 200 --per-connection 2 --connections 1 --port "$(free_port)"
try_hanging
tap_ok "cleartap ends well" ct_stop

tap_ok "late: the exchanges are of both ends" late

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
