#!/bin/bash
# HTTP/1.1 in all its forms, and what is not HTTP: bodies to the byte, sizes, and no secret in any
# byte of the store.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

converse() { timeout 60 "$srcdir/tests/e2e/http_cases.py" "$TMPDIR/http"; }

# both NAME PATH ARGUMENT...: the same in the entry of the client and of the server
both() {
	ct_check "$1: client" --path "$2" --role client --dst-port "$port" --bind nested "${@:3}"
	ct_check "$1: server" --path "$2" --role server --dst-port "$port" --bind nested "${@:3}"
}

answer() { printf '%b' "$1" >"$TMPDIR/body"; echo "$TMPDIR/body"; }

try_framing() {
	local i
	for i in 1 2 3; do
		both "keep-alive $i" /keep-alive/$i --status 200 --complete \
			--response-body "$(answer "answer $i\n")"
	done
	for i in 1 2 3 4 5; do
		both "pipelining $i" /pipeline/$i --status 200 --complete \
			--response-body "$(answer "answer $i\n")"
	done
	both HEAD /head --method HEAD --status 200 --complete --response-body /dev/null
	both "GET after HEAD" /after-head --complete --response-body "$(answer 'ok\n')"
	both 100-continue /continue --status 200 --complete --request-body "$(answer 'hello\n')"
	both 204 /204 --status 204 --complete --response-body /dev/null
	both 304 /304 --status 304 --complete --response-body /dev/null
	both "GET after 304" /after-304 --status 200 --complete --response-body "$(answer 'ok\n')"
	both chunked /chunked --complete --request-body "$TMPDIR/http/chunked.request" \
		--response-body "$TMPDIR/http/chunked.response"
	both "GET after chunked" /after-chunked --complete --response-body "$(answer 'ok\n')"
	both "answer until close" /until-close --complete \
		--response-body "$TMPDIR/http/until-close.response"
	both "request never answered" /unanswered --incomplete status_code=0
}

# entry_id PATH ROLE: of an entry
entry_id() {
	ct_get /api/entries -G --data-urlencode "q=path == \"$1\" and role == \"$2\" and dst.port == $port" |
		grep -o -m 1 '"id":[0-9]*' | head -n 1 | cut -d : -f 2
}

detail_has() { ct_get "/api/entries/$(entry_id "$1" client)" | grep -F -- "$2"; }

try_codings() {
	local coding
	for coding in gzip deflate br zstd; do
		both $coding /$coding --complete --response-body "$TMPDIR/http/$coding.response"
	done
	both "gzip bomb is shown" /bomb --status 200 --incomplete
	tap_ok "and does not go off: its body is not kept" detail_has /bomb \
		'not kept: decoded it is larger than what is looked through for secrets'
}

# 100 MB: the budget of 1 MiB is kept, all is counted.
try_sizes() {
	local head=$'HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n'
	both "100 MB" /huge --status 200 --incomplete --response-size $((${#head} + 100000000)) \
		lost_bytes=0 truncated_bytes=$((${#head} + 100000000 - (1 << 20)))
	both "GET after 100 MB" /after-huge --status 200 --complete
	both "a request with a line of 1 MB" /long-line --status 200 --incomplete \
		--request-size 1000054 lost_bytes=0 truncated_bytes=!0
	both "an answer with a line of 1 MB" /long-answer --status 200 --incomplete \
		--response-size 1000051 lost_bytes=0 truncated_bytes=!0
	both "GET at the end" /last --status 200 --complete --response-body "$(answer 'ok\n')"
}

try_noise() {
	local role
	for role in client server; do
		ct_check "noise: $role" --protocol tls --role $role --dst-port "$port" \
			--request-body "$TMPDIR/http/noise.request" --complete \
			--response-body "$TMPDIR/http/noise.response" lock=open
	done
	both "garbage after a request line" /garbage --method GET --incomplete --response-size 30009
}

# What the store holds, byte by byte, once it is closed.
stored() { cat "$CT_DIR"/store.db*; }
hidden() { ! stored | grep -a -o "$1" | sort | uniq -c | grep .; }

try_secrets() {
	local form
	for form in json form gzip; do
		tap_ok "$form: a plain header is there" detail_has /secret/$form shown2
		tap_ok "$form: a plain value of the answer is there" detail_has /secret/$form shown3
		tap_ok "$form: it is said what was hidden" detail_has /secret/$form redacted
	done
	ct_get "/api/entries/$(entry_id /secret/gzip client)/request/body" >"$TMPDIR/decoded"
	tap_ok "gzip'ed JSON is still readable" grep -F '"password":' "$TMPDIR/decoded"
	tap_ok "gzip'ed JSON holds no secret" sh -c '! grep SECRET "$1"' - "$TMPDIR/decoded"
	ct_get "/api/export/har?limit=1000" >"$TMPDIR/har" 2>/dev/null
	tap_ok "no secret in the export" sh -c '! grep -o "SECRET." "$1"' - "$TMPDIR/har"
}

need_cleartap
need openssl node zstd
mkdir "$TMPDIR/http"
make_cert "$TMPDIR/http"
python3 -c 'import sys
for i in range(3000): print("line %d of the text" % i)' >"$TMPDIR/http/text"
zstd -q "$TMPDIR/http/text" -o "$TMPDIR/http/text.zst"
node -e 'const f = require("fs"), d = process.argv[1]; f.writeFileSync(d + "/text.br",
	require("zlib").brotliCompressSync(f.readFileSync(d + "/text")))' "$TMPDIR/http"
head -c 200M /dev/zero | gzip >"$TMPDIR/http/bomb.gz"

tap_ok "cleartap starts" ct_start --split-ends --keep-opaque --redact header:X-Mine \
	--redact query:tok --redact body:ssn || tap_done
port=$(converse 2>"$TMPDIR/log") || tap_ok "conversations" fail_with "$TMPDIR/log"
both "GET at the end" /last --status 200 --complete
try_framing
try_codings
try_sizes
try_noise
try_secrets
tap_ok "cleartap ends well" ct_stop
tap_ok "no secret in the store" hidden 'SECRET[0-9A-F]'
tap_ok "but what is plain" sh -c 'cat "$1"/store.db* | grep -a -q shown2' - "$CT_DIR"

CT_DIR=''
CT_SECRETS=()
tap_ok "cleartap starts with --redact off" ct_start --split-ends --redact off || tap_done
port=$(converse 2>"$TMPDIR/log")
both "GET at the end" /last --status 200 --complete
tap_ok "secrets are shown" detail_has /secret/json SECRET2
ct_check "a cookie is shown" --path "/secret/json?tok=SECRET1&plain=shown1" --role client \
	--dst-port "$port"
tap_ok "cleartap ends well" ct_stop
tap_done
