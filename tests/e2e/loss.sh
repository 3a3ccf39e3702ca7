#!/bin/bash
# shellcheck disable=SC2317
# Records are lost, by a small ring and every Nth on purpose, while wrk, h2load, Go, Node.js and all
# forms of HTTP/1 are under way with numbers that the answers repeat: no entry has a byte of another,
# what is complete is as it was sent. Again and again until there were LOSS_REQUESTS;
# LOSS_SECONDS (1) of each load, LOSS_LOADS of them.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
here=$srcdir/tests/e2e
CLEARTAP=$builddir/tests/e2e/lossy
requests=${LOSS_REQUESTS:-0} seconds=${LOSS_SECONDS:-1}

serve() {
	port=$(free_port)
	cat >"$TMPDIR/nginx.conf" <<-END
		daemon off; master_process off; pid $TMPDIR/nginx.pid; error_log $TMPDIR/nginx.err;
		events { worker_connections 4000; }
		http {
			access_log off; client_body_temp_path $TMPDIR/body; keepalive_requests 1000000000;
			server {
				listen 127.0.0.1:$port ssl http2;
				ssl_certificate $TMPDIR/cert.pem; ssl_certificate_key $TMPDIR/key.pem;
				add_header X-Id \$request_uri;
				set \$x1 "\$request_uri\n";
				set \$x8 "\$x1\$x1\$x1\$x1\$x1\$x1\$x1\$x1";
				set \$x64 "\$x8\$x8\$x8\$x8\$x8\$x8\$x8\$x8";
				set \$x512 "\$x64\$x64\$x64\$x64\$x64\$x64\$x64\$x64";
				location /1/ { return 200 \$x1; }
				location /8/ { return 200 \$x8; }
				location /64/ { return 200 \$x64; }
				location /512/ { return 200 \$x512; }
			}
		}
	END
	"$TMPDIR/nginx" -p "$TMPDIR" -c "$TMPDIR/nginx.conf" >"$TMPDIR/nginx.log" 2>&1 &
	at_exit_kill $!
	wait_port "$port" $!
}

# load_NAME SECONDS: prints how many requests were sent.
load_wrk() { numbered "$1" 1; }
load_pipelined() { numbered "$1" 10; }
numbered() {
	"$TMPDIR/wrk" -t 2 -c 20 -d "$1" -s "$here/loss_wrk.lua" "https://127.0.0.1:$port" -- w "$2" |
		sed -n 's/^ *\([0-9]*\) requests in.*/\1/p'
}

load_forms() {
	local i
	for i in 1 2 3 4; do
		PYTHONHOME=$home "$TMPDIR/python3" "$here/loss_talk.py" "$port" "f$i" "$1" >"$TMPDIR/forms.$i" &
		forms[i]=$!
	done
	wait "${forms[@]}"
	cat "$TMPDIR"/forms.? | awk '{ n += $1 } END { print n }'
}

load_h2load() {
	local i n=$(($1 * 4000))
	for ((i = 1; i <= n / 10 + 1; i++)); do
		echo "https://127.0.0.1:$port/$((i % 7 ? i % 3 ? 1 : 8 : i % 2 ? 64 : 512))/h-$i"
	done >"$TMPDIR/urls"
	"$TMPDIR/h2load" -n "$n" -c 10 -m 20 -i "$TMPDIR/urls" |
		sed -n 's/^requests: .* \([0-9]*\) succeeded.*/\1/p'
}

load_go() { "$TMPDIR/gotalk" "$port" g "$1"; }
load_go2() { "$TMPDIR/gotalk" "$port" g2 "$1" h2; }
load_node() { "$TMPDIR/node" "$here/loss_talk.mjs" "$port" n "$1"; }

build_go() {
	GO111MODULE=off GOTOOLCHAIN=local GOFLAGS='' GOCACHE=$(cd "$builddir" && pwd)/tests/e2e/go-cache \
		go build -o "$TMPDIR/gotalk" "$here/loss_talk.go"
}

# lose EVERY RING PROTOCOL LOAD SECONDS: one case.
lose() {
	local sent status lost
	CT_DIR=$(mktemp -d "$TMPDIR/ct.XXXXXX")
	: >"$CT_DIR/out"
	LOSSY_EVERY=$1 ct_start "${exes[@]}" --redact off --keep-opaque --ring-size "$2" || return 1
	sent=$("load_$4" "$5")
	sleep 0.5
	lost=$(ct_get /api/stats | grep -o -m 1 '"lost_bytes":[0-9]*' | head -n 1)
	ct_stop || return 1
	"$here/check_loss.py" "$CT_DIR/store.db" "$3" "$sent" "${lost#*:}"
	status=$?
	echo "$sent" >>"$TMPDIR/sent"
	rm -rf "$CT_DIR"
	return $status
}

try() {
	tap_ok "$*" lose "$@"
	[ -z "$LOSS_REQUESTS" ] || tap_diag <"$TMPDIR/output"
}

need_cleartap
need nginx wrk h2load openssl go node
[ -x "$CLEARTAP" ] || tap_skip_all "tests/e2e/lossy is not built"
make_cert "$TMPDIR"
for tool in nginx wrk h2load node; do cp "$(realpath "$(command -v $tool)")" "$TMPDIR/$tool"; done
cp "$(python3 -c 'import sys; print(sys.executable)')" "$TMPDIR/python3"
home=$(python3 -c 'import sys; print(sys.prefix)')
exes=()
for tool in nginx wrk h2load python3 gotalk node; do exes+=(--exe "$TMPDIR/$tool"); done
tap_ok "the Go client is built" build_go || tap_done
serve || tap_done
drops=7
[ "$requests" = 0 ] || drops="7 50 1000"
# go2 is in the long run alone: it finds entries that were told while they went on, and whose end is
# told as another entry; and now and then a request that is called complete without its body.
loads=wrk\ pipelined\ forms\ h2load\ go\ node
[ "$requests" = 0 ] || loads="$loads go2"
loads=${LOSS_LOADS:-$loads}
true >"$TMPDIR/sent"
while
	for load in $loads; do
		protocol=http
		case $load in h2load | go2) protocol=http2 ;; esac
		for every in $drops; do
			try "$every" 16M "$protocol" "$load" "$seconds"
		done
		# of these, one form must do where there is little time
		case $requests:$load in 0:go* | 0:node) continue ;; esac
		try 0 64K "$protocol" "$load" "$seconds"
	done
	[ "$(awk '{ n += $1 } END { print n + 0 }' "$TMPDIR/sent")" -lt "$requests" ]
do :; done
tap_done
