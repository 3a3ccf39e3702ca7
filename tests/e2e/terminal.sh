#!/bin/bash
# shellcheck disable=SC2317
# cleartap tail, query, show, endpoints and why ask the cleartap that runs.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

ct() { "$CLEARTAP" "$@" -s "$CT_SOCK"; }

# until_holds FILE TEXT: within 20 s
until_holds() {
	local i
	for ((i = 0; i < 200; i++)); do
		grep -qF -- "$2" "$1" && return 0
		sleep 0.1
	done
	echo "no '$2' in:"
	cat "$1"
	return 1
}

# status N COMMAND...: it ends so
status() {
	local want=$1 have
	shift
	"$@"
	have=$?
	[ "$have" = "$want" ] || { echo "status $have, not $want"; return 1; }
}

plain() { ! LC_ALL=C grep -q $'[\033\177\001-\010\016-\037]' "$1" || { echo "control characters:"; cat -v "$1"; return 1; }; }

ask() {
	"$curl" -sSk --http1.1 -o /dev/null --max-time 20 -H "$(printf 'X-Evil: \033[31mred')" \
		"https://127.0.0.1:$port$1" "${@:2}"
}

need_cleartap
need openssl
make_cert "$TMPDIR"
port=$(free_port)
python3 "$srcdir/tests/e2e/server.py" 127.0.0.1 "$port" "$TMPDIR" 2>"$TMPDIR/server.log" &
at_exit_kill $!
wait_port "$port" $!
curl=$TMPDIR/terminal-curl
cp "$(command -v curl)" "$curl"
tap_ok "cleartap starts" ct_start --exe terminal-curl

ct tail >"$TMPDIR/tail" 2>"$TMPDIR/tail.errors" &
tail=$!
at_exit_kill $tail
ct tail --json 'path == "/terminal/2"' >"$TMPDIR/tail.json" &
at_exit_kill $!
for i in 1 2 3; do ask "/terminal/$i" -d "a=$i"; done
tap_ok "tail shows what comes" until_holds "$TMPDIR/tail" /terminal/3
tap_ok "tail --json with a filter" until_holds "$TMPDIR/tail.json" '"summary":"/terminal/2"'
tap_ok "and nothing else" test "$(grep -c summary "$TMPDIR/tail.json")" = 1
ct_check "all are stored" --path /terminal/3 --complete

ct query 'path.startsWith("/terminal")' >"$TMPDIR/query"
tap_ok "query has them, the newest first" test \
	"$(grep -o '/terminal/[0-9]' "$TMPDIR/query" | tr -d '\n')" = /terminal/3/terminal/2/terminal/1
tap_ok "query -n 1" test "$(ct query -n 1 'path.startsWith("/terminal")' | wc -l)" = 1
tap_ok "query of what is not there ends with 1" status 1 ct query 'path == "/nothing"'
tap_ok "query within the last hour" status 0 ct query --since 1h 'path == "/terminal/1"'
tap_ok "a wrong filter is told with its place" status 3 ct query 'path ='
tap_ok "HAR" ct query --har "$TMPDIR/har" 'path.startsWith("/terminal")'
tap_ok "with each exchange once" test \
	"$(python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["log"]["entries"]))' "$TMPDIR/har")" = 3
tap_ok "pcapng to a pipe" test "$(ct query --pcapng - 'path == "/terminal/1"' | head -c 4 | od -An -tx1 | tr -d ' ')" = 0a0d0d0a
tap_ok "no file where nothing matches" status 1 ct query --har "$TMPDIR/none" 'path == "/nothing"'
tap_ok "indeed" test ! -e "$TMPDIR/none"

id=$(ct query --json -n 1 'path == "/terminal/2"' | grep -o '"id":[0-9]*' | cut -d : -f 2)
ct show "$id" >"$TMPDIR/show"
tap_ok "show has the request" grep -qx '> POST /terminal/2 HTTP/1.1' "$TMPDIR/show"
tap_ok "its header fields, escaped" grep -qxF '> X-Evil: \x1b[31mred' "$TMPDIR/show"
tap_ok "its body" grep -qx 'a=2' "$TMPDIR/show"
tap_ok "and the answer" grep -qx '< HTTP/1.1 200 OK' "$TMPDIR/show"
tap_ok "show --body --request is the bytes" test "$(ct show "$id" --body --request)" = a=2
tap_ok "show of what is not there" status 3 ct show 999999
tap_ok "nothing steers the terminal" plain "$TMPDIR/show"

tap_ok "endpoints: the three are one" test \
	"$(ct endpoints 'path.startsWith("/terminal")' | grep -c "POST .*/terminal/{id}")" = 1
tap_ok "endpoints of what is not there" status 1 ct endpoints 'path == "/nothing"'

ct why terminal-curl >"$TMPDIR/why" 2>&1
tap_ok "why of a program that is read" status 0 ct why terminal-curl
tap_ok "has its bytes" grep -q 'read in clear' "$TMPDIR/why"
tap_ok "why of nobody" status 1 ct why no-such-program
tap_ok "a pipe that closes ends it" sh -c "\"\$1\" query -n 0 -s \"\$2\" | head -n 1 >\"$TMPDIR/one\"" - "$CLEARTAP" "$CT_SOCK"
tap_ok "each command has help" status 0 ct why --help
tap_ok "a wrong option is told" status 2 ct why --nonsense x
tap_ok "without a word it says what to write" status 2 ct show
tap_ok "cleartap ends well" ct_stop
wait $tail
tap_ok "tail says that it ended" grep -q 'cleartap ended' "$TMPDIR/tail.errors"
tap_done
