#!/bin/bash
# shellcheck disable=SC2317
# Libraries, queries and readers that mean harm: each is answered or told, and capture goes on.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
here=$srcdir/tests/e2e

# goes_on NAME: a request made now is shown.
goes_on() {
	curl -sSk --http1.1 -o /dev/null --max-time 20 "${CT_PLANT[@]}" "https://127.0.0.1:$port/$1"
	ct_check "capture goes on after $1" --path "/$1" --role client --dst-port "$port" \
		--status 200 --complete
}

# status_of CURL-ARGUMENT...: of an answer within 10 seconds
status_of() {
	curl -s -o "$TMPDIR/answer" -w '%{http_code}' --max-time 10 --unix-socket "$CT_SOCK" "$@"
}

answers() {
	local want=$1 have
	have=$(status_of "${@:2}")
	echo "status $have"
	head -c 500 "$TMPDIR/answer"
	[[ " $want " = *" $have "* ]]
}

told_of() { ct_get /api/targets | python3 -c '
import json, sys
found = [t for t in json.load(sys.stdin)["targets"] if t["path"].endswith(sys.argv[1])]
print(found)
sys.exit(not (found and found[0]["state"] != "attached" and found[0]["reason"]))' "$1"; }

alive() {
	kill -0 "$CT_PID" && [ "$(pgrep -o -P "$CT_PID")" = "$server" ] && ct_get /healthz
}

try_libraries() {
	local good name i
	good=$(ldd "$(command -v curl)" | awk '$1 ~ /^libssl/ { print $3 }')
	mkfifo "$TMPDIR/hold"
	mkdir "$TMPDIR/elf"
	python3 "$here/hostile_elf.py" "$good" "$TMPDIR/elf" <"$TMPDIR/hold" >"$TMPDIR/mapped" &
	at_exit_kill $!
	exec 8>"$TMPDIR/hold"
	for ((i = 0; i < 200; i++)); do
		[ -s "$TMPDIR/mapped" ] && break
		sleep 0.1
	done
	for ((i = 0; i < 100; i++)); do
		told_of noise-5/libssl.so.3 >/dev/null && break
		sleep 0.1
	done
	for name in magic header half text zeros class machine segments-far; do
		tap_ok "libssl.so.3 ($name) is told of" told_of "$name/libssl.so.3"
	done
	tap_ok "cleartap lives" alive
	goes_on hostile-libraries
	try_slow
	exec 8>&-
}

# slow_library FILE: an ELF file whose analysis takes long.
slow_library() {
	python3 - "$1" <<'END'
import os, struct, sys
SYMBOLS, NAMES = 100000, 16 << 20
header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 3, 62, 1, 0, 64, 120, 0, 64, 56, 1, 64, 3, 0)
load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, 4096, 4096, 4096)
table = struct.pack("<IIQQQQIIQQ", 0, 2, 0, 0, 8192, SYMBOLS * 24, 2, 0, 8, 24)
names = struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, 8192 + SYMBOLS * 24, NAMES, 0, 0, 1, 0)
with open(sys.argv[1], "wb") as file:
    file.write(header + load + bytes(64) + table + names)
    # defined functions, each with a name that has no end: found nowhere, looked for every time
    file.seek(8192)
    file.write(struct.pack("<IBBHQQ", 1, 2, 0, 1, 64, 64) * SYMBOLS)
    file.seek(8192 + SYMBOLS * 24)
    file.write(b"\0" + b"A" * (NAMES - 1))
END
}

# Analyses that take long hold up neither the start of cleartap nor what comes after them.
try_slow() {
	local i before
	for i in 1 2 3 4; do
		mkdir "$TMPDIR/slow-$i"
		slow_library "$TMPDIR/slow-$i/libssl.so.3"
	done
	python3 -c 'import mmap, sys
files = [open(name, "rb") for name in sys.argv[2:]]
maps = [mmap.mmap(file.fileno(), 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC) for file in files]
open(sys.argv[1], "w").write("mapped")
sys.stdin.read()' "$TMPDIR/mapped-slow" "$TMPDIR"/slow-*/libssl.so.3 <"$TMPDIR/hold" &
	at_exit_kill $!
	for ((i = 0; i < 200; i++)); do
		[ -s "$TMPDIR/mapped-slow" ] && break
		sleep 0.05
	done
	good=$(ldd "$(command -v curl)" | awk '$1 ~ /^libssl/ { print $3 }')
	mkdir "$TMPDIR/fresh"
	cp "$good" "$TMPDIR/fresh/"
	LD_LIBRARY_PATH=$TMPDIR/fresh curl -sSk --http1.1 -o /dev/null --max-time 20 \
		"https://127.0.0.1:$port/warm-up"
	tap_ok "a library is probed while others are analysed" attached_before_slow
	LD_LIBRARY_PATH=$TMPDIR/fresh curl -sSk --http1.1 -o /dev/null --max-time 20 \
		"https://127.0.0.1:$port/during-slow"
	ct_check "and read" --path /during-slow --role client --dst-port "$port" --status 200 --complete
	for i in 1 2 3 4; do
		tap_ok "a library that takes long ($i) is told of" until_told "slow-$i/libssl.so.3"
	done
}

# The new library has its probes, and no slow one has been told of yet.
attached_before_slow() { ct_get /api/targets | python3 -c '
import json, sys
targets = json.load(sys.stdin)["targets"]
slow = [t for t in targets if "/slow-" in t["path"]]
new = [t for t in targets if "/fresh/" in t["path"]]
print(slow, new)
sys.exit(not (new and new[0]["state"] == "attached" and len(slow) < 4))'; }

until_told() {
	local i
	for ((i = 0; i < 600; i++)); do
		told_of "$1" >/dev/null && break
		sleep 0.1
	done
	told_of "$1"
}

# query NAME STATUS: what is in the file `raw' is answered with one of these, in bounded time
query() {
	tap_ok "$1" answers "$2" -G --data-urlencode "q@$TMPDIR/raw" http://localhost/api/entries
	tap_ok "$1, validated" answers "200 $2" -G --data-urlencode "q@$TMPDIR/raw" \
		http://localhost/api/kfl/validate
}

try_queries() {
	python3 -c 'print("a" * 100000, end="")' >"$TMPDIR/raw"
	query "query of 100 KB" "400 414"
	python3 -c 'print("(" * 10000 + "tls" + ")" * 10000, end="")' >"$TMPDIR/raw"
	query "10,000 parentheses" "400 414"
	python3 -c 'print("(" * 2000 + "tls" + ")" * 2000, end="")' >"$TMPDIR/raw"
	query "2,000 parentheses" 400
	python3 -c 'print("not " * 2000 + "tls", end="")' >"$TMPDIR/raw"
	query "2,000 nots" "200 400"
	printf '%s' 'summary.matches("^(/?[a-z-]*)*$@")' >"$TMPDIR/raw"
	query "catastrophic regex" "200 400"
	printf '%s' 'request.body.matches("(a*)*b") or response.body.matches("(.*)*(.*)*x$y")' >"$TMPDIR/raw"
	query "catastrophic regex on bodies" "200 400"
	printf '%s' "summary == \"'; DROP TABLE entries; --\"" >"$TMPDIR/raw"
	query "SQL in a string" 200
	printf 'tls and \377\376' >"$TMPDIR/raw"
	query "bytes that are no text" 400
	tap_ok "cleartap lives" alive
	goes_on hostile-queries
}

try_readers() {
	local i pids=()
	mkfifo "$TMPDIR/hold2"
	python3 "$here/stalled.py" 127.0.0.1 "$api_port" "$CT_TOKEN" 200 <"$TMPDIR/hold2" \
		>"$TMPDIR/stalled" 2>"$TMPDIR/stalled.log" &
	at_exit_kill $!
	exec 9>"$TMPDIR/hold2"
	for ((i = 0; i < 200; i++)); do
		[ -s "$TMPDIR/stalled" ] && break
		sleep 0.1
	done
	tap_ok "200 readers that never read" grep -x 200 "$TMPDIR/stalled"
	(timeout 30 curl -sN --unix-socket "$CT_SOCK" http://localhost/api/stream >"$TMPDIR/stream") &
	pids+=($!)
	for ((i = 0; i < 300; i++)); do
		[ -s "$TMPDIR/stream" ] && break
		sleep 0.1
	done
	for ((i = 0; i < 60; i++)); do echo "url = \"https://127.0.0.1:$port/many/$i\""; done \
		>"$TMPDIR/urls"
	curl -sSk --http1.1 -o /dev/null --max-time 60 -K "$TMPDIR/urls" >/dev/null 2>&1
	goes_on stalled-readers
	tap_ok "a reader that reads gets it all" all_streamed
	kill "${pids[@]}" 2>/dev/null
	tap_ok "cleartap lives" alive
	exec 9>&-
}

all_streamed() {
	local i n=0
	for ((i = 0; i < 100; i++)); do
		n=$(grep -o '"role":"client"[^}]*"summary":"/many/[0-9]*"' "$TMPDIR/stream" | sort -u | wc -l)
		[ "$n" = 60 ] && return
		sleep 0.1
	done
	echo "$n of 60"
	tail -c 2000 "$TMPDIR/stream"
	return 1
}

need_cleartap
need openssl ldd
make_cert "$TMPDIR"
port=$(free_port)
python3 "$here/server.py" 127.0.0.1 "$port" "$TMPDIR" 2>"$TMPDIR/server.log" &
at_exit_kill $!
wait_port "$port"
tap_ok "cleartap starts" ct_start --split-ends || tap_done
server=$(pgrep -o -P "$CT_PID")
api_port=${CT_URL#*://*:}
api_port=${api_port%%/*}
try_libraries
try_queries
try_readers
tap_ok "cleartap ends well" ct_stop
tap_done
