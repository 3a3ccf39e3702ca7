#!/bin/bash
# shellcheck disable=SC2317
# What README says, and where it is shown to be so:
#
#   no proxy, no certificates, no change             every test here; the first lines below
#   OpenSSL, GnuTLS, Go's crypto/tls                 programs.sh, tests/matrix; gnutls.sh; go.sh
#   HTTP/1.x and HTTP/2 taken apart                  "over HTTP/2" below; http2.sh, http.sh
#   sent before, and the entry says which            tests/unit/test_http2_cases
#   Debian 12, kernel 5.10 or newer                  make check-kernels
#   ./bootstrap run, ./bootstrap check               "each command is there" below
#   the URL is printed when the first probes are in  "seen at once" below
#   the three commands, and their rows               below, run as README has them
#   one row when it has ended, one while it goes on  "a row while it goes on" below
#   both ends, --split-ends                          below; ends.sh
#   open lock, click a row, click to filter          tests/web/e2e.mjs (browser.sh)
#   the four filters                                 below, as README has them
#   the password is not in the database              below; http.sh
#   Options: --help, the manual, the configuration   "as --help" below; options.sh
#   make install                                     "installed" below
#   not read; /api/targets says why                  "why not" below
#   addresses known, or bind unknown                 programs.sh (nested, Node.js), go.sh
#   a closed lock that says why, with counts         "closed" below; wire.sh
#   rows of connections when asked for, Coverage     tests/web/wire.test.mjs, e2e.mjs (browser.sh)
#   with --no-wire no closed locks                   "no closed locks" below
#   at most 1 MiB of one message                     "truncated" below; options.sh
#   the same token for the same password             tests/unit/test_secrets
#   by names and looks; opaque not kept              secrets.sh, tests/unit/test_secrets
#   a body that grows is not kept                    tests/unit/test_redact, test_secrets
#
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
readme=$srcdir/README
port=$(free_port) behind=$(free_port)
export CURL_HOME=$TMPDIR

# Any host is the server of this test: README's commands need no change. Who logs in is answered once
# his password was read.
serve() {
	cat >"$TMPDIR/nginx.conf" <<-END
		daemon off; master_process off; pid $TMPDIR/nginx.pid; error_log $TMPDIR/nginx.err;
		events { }
		http {
			access_log off; client_body_temp_path $TMPDIR/body; client_max_body_size 8m;
			server { listen 127.0.0.1:$behind; return 200 "in\n"; }
			server {
				listen 127.0.0.1:$port ssl http2;
				ssl_certificate $TMPDIR/cert.pem; ssl_certificate_key $TMPDIR/key.pem;
				location / { return 200 "ok\n"; }
				location /login { proxy_pass http://127.0.0.1:$behind; }
				location /none { return 404 "none\n"; }
				location /slow { limit_rate 100; return 200 "$(printf 'x%.0s' {1..400})"; }
			}
		}
	END
	printf '%s\n' insecure silent "connect-to = \"any.host:443:127.0.0.1:$port\"" >"$TMPDIR/.curlrc"
	nginx -p "$TMPDIR" -c "$TMPDIR/nginx.conf" >"$TMPDIR/nginx.log" 2>&1 &
	nginx=$!
	at_exit_kill "$nginx"
	wait_port "$port" "$nginx" || fail_with "$TMPDIR/nginx.log"
}

# Indented lines of README that begin so, without what is said beside them.
lines() { sed -n "s/^    \($1.*\)/\1/p" "$readme" | sed 's/   .*//'; }

# The programs of this test and their server alone.
start() {
	CT_DIR=''
	ct_start --exe "$TMPDIR/curl" --exe "$TMPDIR/blind" --pid "$nginx" "$@"
}

# From the line on every request is seen: nothing else is waited for.
seen_at_once() {
	local begin now i
	CT_DIR=$(mktemp -d "$TMPDIR/ct.XXXXXX") CT_SOCK=$TMPDIR/once.sock
	chmod 711 "$CT_DIR"
	begin=$(date +%s%3N)
	"$CLEARTAP" --store "$CT_DIR/store.db" --listen 127.0.0.1:0 --unix-socket "$CT_SOCK" \
		--token-file "$CT_DIR/token" --exe "$TMPDIR/curl" >"$CT_DIR/out" 2>"$CT_DIR/log" &
	CT_PID=$!
	for ((i = 0; i < 1000; i++)); do
		[ -s "$CT_DIR/out" ] && break
		sleep 0.01
	done
	curl --http1.1 https://any.host/at-once
	now=$(date +%s%3N)
	grep 'cleartap: open http://127.0.0.1:[0-9]*/' "$CT_DIR/out" || fail_with "$CT_DIR/log" || return
	echo "the line came after $((now - begin)) ms"
	awk '{ exit $1 > 0.7 }' /proc/loadavg || return 0
	[ $((now - begin)) -le 1500 ]
}

matches() { ct_get /api/entries -G --data-urlencode "q=$1" | grep -F '"id":'; }

while_it_goes_on() {
	local i pid
	curl --http1.1 -H 'Content-Type: application/json' -d '{}' https://any.host/slow >/dev/null &
	pid=$!
	for ((i = 0; i < 15; i++)); do
		sleep 0.1
		matches 'open and path == "/slow"' && break
	done
	[ "$i" -lt 15 ] || { kill "$pid"; return 1; }
	wait "$pid"
	for ((i = 0; i < 30; i++)); do
		matches 'not open and path == "/slow" and complete' && return
		sleep 0.1
	done
	return 1
}

none() { ! matches "$1"; }

# A program that brings its TLS library without symbols says something to a server that nobody reads.
closed() {
	local plain i
	plain=$(free_port)
	"${CC:-gcc}" -static -s -o "$TMPDIR/blind" "$srcdir/tests/e2e/blind.c" -lssl -lcrypto || return
	openssl s_server -accept "127.0.0.1:$plain" -cert "$TMPDIR/cert.pem" -key "$TMPDIR/key.pem" -www -quiet \
		>"$TMPDIR/s_server.log" 2>&1 &
	at_exit_kill $!
	wait_port "$plain" $! || fail_with "$TMPDIR/s_server.log" || return
	timeout 10 "$TMPDIR/blind" "$plain" || return
	for ((i = 0; i < 50; i++)); do
		matches 'encrypted and tcp and not open and src.process == "blind" and packets > 5
			and tlsx_sni == "blind.example" and reason.contains("TLS")' && return
		sleep 0.2
	done
	return 1
}

# ledger_says REASON: bytes of the program `blind` in the ledger, and a remedy.
ledger_says() {
	ct_get /api/coverage | python3 -c '
import json, sys
ledger = json.load(sys.stdin)["ledger"]
blind = [p for p in ledger["programs"] if p["process"] == "blind"]
print(blind)
assert [b["reason"] for b in blind[0]["bytes"]] == [sys.argv[1]], "one reason"
assert blind[0]["bytes"][0]["sent"] == 200, "what blind.c sends"
assert {r["reason"]: r["remedy"] for r in ledger["reasons"]}[sys.argv[1]]' "$1"
}

dots() {
	local id
	matches "path == \"/login\" and $1" >"$TMPDIR/login" || return
	id=$(grep -o -m 1 '"id":[0-9]*' "$TMPDIR/login" | head -n 1 | cut -d : -f 2)
	ct_get "/api/entries/$id" | grep -o -m 1 'password=•[^"&]*' | tee -a "$TMPDIR/tokens"
	[ "${PIPESTATUS[1]}" = 0 ]
}

# As a word: extended_master_secret is the name of an extension of TLS.
no_secret() { ! grep -a -l -w -e secret "$CT_DIR"/store.db*; }

why_not() {
	ct_get /api/targets | python3 -c '
import json, sys
files = json.load(sys.stdin)["targets"]
print(files)
assert any(f["state"] == "attached" for f in files)
assert all(f["reason"] for f in files if f["state"] != "attached")'
}

installed() {
	make -C "$builddir" install DESTDIR="$TMPDIR/root" >"$TMPDIR/install.log" 2>&1 ||
		fail_with "$TMPDIR/install.log" || return
	(cd "$TMPDIR/root" && find . ! -type d | sed 's,.*/,,' | sort | tr '\n' ' ') >"$TMPDIR/files"
	cat "$TMPDIR/files"
	# the program, and what bash completes of it, which has its name
	[ "$(grep -o '[^ ]*' "$TMPDIR/files" | grep -v -e '^cleartap\.' | tr '\n' ' ')" = "cleartap cleartap " ] &&
		[ -x "$TMPDIR/root/usr/sbin/cleartap" ]
}

as_help() {
	local command
	"$CLEARTAP" --help >"$TMPDIR/helps"
	for command in $("$CLEARTAP" --help | sed -n 's/^  cleartap \([a-z]*\) .*/\1/p'); do
		"$CLEARTAP" "$command" --help >>"$TMPDIR/helps"
	done
	sed -n 's/^ *\(-[a-z], \)*\(--[a-z-]*\).*/\2/p' "$TMPDIR/helps" | sort -u >"$TMPDIR/help"
	tr -d '\134' <"$builddir/man/cleartap.8" >"$TMPDIR/man"
	[ "$(wc -l <"$TMPDIR/help")" -gt 15 ] || return
	while read -r option; do
		grep -q -e "$option" "$TMPDIR/man" || { echo "the manual lacks $option"; return 1; }
	done <"$TMPDIR/help"
	while read -r option; do
		case $option in --help | --http) continue ;; esac
		grep -q -x -e "$option" "$TMPDIR/help" || { echo "there is no $option"; return 1; }
	done < <(grep -o -e '--[a-z][a-z-]*' "$readme" | sort -u)
}

need_cleartap
need openssl nginx
make_cert "$TMPDIR"
cp "$(command -v curl)" "$TMPDIR/curl"
PATH=$TMPDIR:$PATH
tap_ok "the server starts" serve || tap_done
tap_ok "seen at once: the line comes when the probes are in" seen_at_once
ct_check "and the request after it" --path /at-once --status 200 --complete
ct_stop

tap_ok "cleartap starts" start || tap_done
count=0
while read -r command; do
	count=$((count + 1))
	tap_ok "$command" timeout 20 bash -c "$command"
done < <(lines curl)
tap_ok "three commands" test $count = 3
ct_check "over HTTP/2" --path /path --protocol http2 --method GET --status 200 --complete \
	--src-process curl --bind nested --count 1 lock=open ends=both
ct_check "a form" --path /login --protocol http2 --method POST --status 200 --complete ends=both
ct_check "over HTTP/1.1" --path /login --protocol http --method POST --status 200 --complete ends=both
tap_ok "the filter http finds both" eventually matches 'http and path == "/login" and http_version == "HTTP/2"'
tap_ok "the password shows as dots over HTTP/2" dots http2
tap_ok "and over HTTP/1.1, as the same ones" dots 'not http2'
tap_ok "which are one token" test "$(sort -u "$TMPDIR/tokens" | wc -l)" = 1
tap_ok "a row while it goes on, and when it has ended" while_it_goes_on
head -c 2097152 /dev/zero >"$TMPDIR/large"
curl --http1.1 --data-binary "@$TMPDIR/large" https://any.host/large >/dev/null
curl --http1.1 https://any.host/none >/dev/null
tap_ok "truncated: at most 1 MiB of a message is copied, the rest is counted" \
	eventually matches 'path == "/large" and request_size > 2097152 and truncated_bytes == 1048576'
curl -H 'Content-Type: application/json' -d '{"user":{"name":"ann"}}' https://any.host/json >/dev/null
curl -H 'Content-Type: application/json' -d '{"query":"query GetUser { user { name } }"}' \
	https://any.host/graphql >/dev/null
while read -r query; do
	tap_ok "the filter $query" eventually matches "$query"
done < <(sed -n '/speaks KFL:$/,/^Passwords/s/^    //p' "$readme" | sed 's/   .*//')
tap_ok "closed: a connection that is not read has a row that says why" closed
tap_ok "and its handshake" eventually matches 'tlsx and src.process == "blind" and tls_version == "TLS 1.3"'
tap_ok "and the ledger has its bytes, and what helps" ledger_says unsupported-library
tap_ok "each page says what is left out" eval 'ct_get /api/stats | grep -F "\"scope\":\"--exe $TMPDIR/curl"'
tap_ok "why not: each file that is not read has a reason" why_not
tap_ok "the API is described" ct_get /api/openapi.json
tap_ok "cleartap ends well" ct_stop
tap_ok "and the password is not in the database" no_secret

tap_ok "cleartap starts with --no-wire" start --no-wire || tap_done
curl --http1.1 https://any.host/unwatched >/dev/null
ct_check "the request is read" --path /unwatched --count 1 lock=open
tap_ok "no closed locks" none 'lock == "closed" or tcp or tlsx'
tap_ok "and Coverage says so" eval 'ct_get /api/coverage | grep "does not watch the wire"'
tap_ok "cleartap ends well" ct_stop

tap_ok "cleartap starts with --split-ends" start --split-ends || tap_done
curl --http1.1 https://any.host/split >/dev/null
ct_check "each end by itself" --path /split --count 2
ct_check "the client's" --path /split --role client ends=client
ct_check "the server's" --path /split --role server ends=server
tap_ok "cleartap ends well" ct_stop

tap_ok "each command is there" eval "grep -q '^run)' '$srcdir/bootstrap' && grep -q '^check)' '$srcdir/bootstrap'"
tap_ok "as --help and README have them, the manual has the options" as_help
tap_ok "installed: one program, and what belongs to it" installed
tap_done
