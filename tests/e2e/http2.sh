#!/bin/bash
# shellcheck disable=SC2317
# HTTP/2 as real programs speak it, both sides: curl, nginx, Node.js, nghttpd and h2load. Go's are in
# go.sh, secrets in secrets.sh, what no program does in tests/unit/test_http2.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
here=$srcdir/tests/e2e
export CURL_HOME=$TMPDIR

files() {
	local i
	mkdir "$TMPDIR/www"
	for ((i = 1; i <= 1000; i++)); do
		echo "body of $i" >"$TMPDIR/www/$i"
	done
}

serve() {
	nginx_port=$(free_port) nghttpd_port=$(free_port)
	cat >"$TMPDIR/nginx.conf" <<-END
		daemon off; master_process off; pid $TMPDIR/nginx.pid; error_log $TMPDIR/nginx.err;
		events { }
		http {
			access_log off; client_body_temp_path $TMPDIR/body; root $TMPDIR/www;
			server {
				listen 127.0.0.1:$nginx_port ssl http2;
				ssl_certificate $TMPDIR/cert.pem; ssl_certificate_key $TMPDIR/key.pem;
				location /slow { limit_rate 100; return 200 "$(printf 'x%.0s' {1..3000})"; }
			}
		}
	END
	nginx -p "$TMPDIR" -c "$TMPDIR/nginx.conf" >"$TMPDIR/nginx.log" 2>&1 &
	nginx=$!
	nghttpd -m 1000 -a 127.0.0.1 -d "$TMPDIR/www" "$nghttpd_port" "$TMPDIR/key.pem" "$TMPDIR/cert.pem" \
		>"$TMPDIR/nghttpd.log" 2>&1 &
	nghttpd=$!
	mkfifo "$TMPDIR/begin"
	node "$here/http2_talk.mjs" "$TMPDIR" <"$TMPDIR/begin" >"$TMPDIR/node.port" 2>"$TMPDIR/node.log" &
	node=$!
	exec 9>"$TMPDIR/begin"
	at_exit_kill "$nginx" "$nghttpd" "$node"
	wait_port "$nginx_port" "$nginx" && wait_port "$nghttpd_port" "$nghttpd" &&
		timeout 20 bash -c "until [ -s '$TMPDIR/node.port' ]; do sleep 0.05; done"
}

is_there() { "$here/check_http2.py" "$CT_SOCK" "$@"; }

parallel() {
	local i
	for ((i = 1; i <= 100; i++)); do
		printf 'url = https://localhost:%s/%s\noutput = /dev/null\n' "$nginx_port" "$i"
	done >"$TMPDIR/parallel"
	"$TMPDIR/curl" -sS -k -Z --parallel-max 100 -K "$TMPDIR/parallel" 2>&1
}

load() {
	seq -f "https://127.0.0.1:$nghttpd_port/%.0f" 1 1000 >"$TMPDIR/urls"
	"$TMPDIR/h2load" -n 10000 -c 10 -m 100 -i "$TMPDIR/urls" >"$TMPDIR/h2load.log" 2>&1 &&
		grep '10000 succeeded' "$TMPDIR/h2load.log"
}

load_at_once() {
	sed 's/$/?at=once/' "$TMPDIR/urls" >"$TMPDIR/urls.once"
	"$TMPDIR/h2load" -n 2000 -c 1 -m 1000 -i "$TMPDIR/urls.once" >"$TMPDIR/h2load.log" 2>&1 &&
		grep '2000 succeeded' "$TMPDIR/h2load.log"
}

# It would take half a minute.
goes_on() {
	local status
	"$TMPDIR/curl" -sS -k "https://localhost:$nginx_port/slow" >/dev/null 2>&1 &
	ct_finds 1 'open and http2 and path == "/slow"'
	status=$?
	kill $!
	return $status
}

need_cleartap
need nginx node nghttpd h2load openssl
make_cert "$TMPDIR"
files
tap_ok "the servers start" serve || tap_done
cp "$(command -v curl)" "$TMPDIR/curl"
cp "$(command -v h2load)" "$TMPDIR/h2load"
tap_ok "cleartap starts" ct_start --exe "$TMPDIR/curl" --exe "$TMPDIR/h2load" --pid "$nginx" \
	--pid "$nghttpd" --pid "$node" || tap_done

tap_ok "curl and nginx" "$TMPDIR/curl" -sS -k "https://localhost:$nginx_port/1?a=b" \
	-b 'lang=en; theme=dark' "${CT_PLANT[@]}"
ct_check "are one entry, read at both ends" --path '/1?a=b' --protocol http2 --method GET \
	--status 200 --complete --count 1 version=2 ends=both host="localhost:$nginx_port"
tap_ok "with headers and query" ct_holds 'path == "/1"' '["a","b"]' '[":authority","localhost' \
	'"body":"body of 1\n"' 'header cookie' 'header authorization'
tap_ok "the flags http and http2" ct_holds 'http and http2 and http_version == "HTTP/2"' '"http2"'
tap_ok "one goes on" goes_on
tap_ok "a hundred at once" parallel
tap_ok "are a hundred entries" is_there \
	'path.matches("^/[0-9]+$") and query_string == "" and src.process == "curl"' 100 \
	'body of {}\n' ends=both

tap_ok "h2load and nghttpd: 10,000 requests over 10 connections" load
tap_ok "are 10,000 pairs, each with its body" is_there "http and dst.port == $nghttpd_port" 10000 \
	'body of {}\n' ends=both role=client
tap_ok "a thousand streams at once on one connection" load_at_once
tap_ok "are pairs, each with its body" is_there 'query_string == "at=once"' 2000 \
	'body of {}\n' ends=both role=client

echo >&9
tap_ok "Node.js with itself" timeout 20 tail --pid="$node" -f /dev/null
for role in client server; do
	of="pid == $node and role == \"$role\""
	tap_ok "a hundred at once, $role" ct_finds 100 \
		"$of and path.startsWith(\"/node/\") and complete and http2 and request_size > 9"
	tap_ok "with bodies and trailers" ct_holds "$of and path == \"/node/3\"" \
		'"x-trailer","of /node/3"' '"body":"body of 3 body of 3 '
	tap_ok "an interim answer" ct_holds "$of and path == \"/early\"" '"interim":[{"status":103' \
		'"body":"answer to /early\n"'
	tap_ok "a reset" ct_holds "$of and path == \"/reset\"" 'reset by the server: REFUSED_STREAM'
	tap_ok "a push" ct_holds "$of and path == \"/pushed\"" 'PUSH_PROMISE' '"body":"pushed body\n"'
	tap_ok "a tunnel" ct_holds "$of and method == \"CONNECT\"" '"complete":true'
	tap_ok "and what is in it" ct_holds "$of and path == \"/in-the-tunnel\"" '"protocol":"http"' \
		'"body":"inside"'
done
tap_ok "cleartap ends well, without a secret in its store" ct_stop
tap_done
