#!/bin/bash
# shellcheck disable=SC2317
# gotls.go built by Go toolchains of several Debian suites, each executable and PIE, with symbols
# and stripped, with C and without optimisation; every program is server and client. A c-shared
# library is a client. GOS="bullseye:1.15 sid:1.27" tries some only.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
GOS=${GOS:-bullseye:1.15 bookworm:1.19 trixie:1.24 sid:1.27}
programs=()
declare -A https wrapped echo

# build_library SUITE VERSION: VERSION.so for programs that are not Go's.
build_library() {
	CGO_ENABLED=1 GOSOURCE=$srcdir/tests/e2e/gotest/shared/shared.go \
		"$srcdir/tests/matrix/gobuild.sh" "$1" "$2" "$TMPDIR/$2.so" -buildmode=c-shared
}

# build SUITE VERSION: VERSION-{exe,pie}{,-stripped}, -cgo, and -noopt, whose Read is probed at its
# returns.
build() {
	local mode flags name
	for mode in exe pie; do
		for flags in '' '-s -w'; do
			name=$2-$mode${flags:+-stripped}
			"$srcdir/tests/matrix/gobuild.sh" "$1" "$2" "$TMPDIR/$name" \
				-buildmode=$mode -ldflags "$flags" || return
			programs+=("$name")
		done
	done
	CGO_ENABLED=1 "$srcdir/tests/matrix/gobuild.sh" "$1" "$2" "$TMPDIR/$2-cgo" &&
		"$srcdir/tests/matrix/gobuild.sh" "$1" "$2" "$TMPDIR/$2-noopt" \
			-gcflags 'crypto/tls=-N -l' || return
	programs+=("$2-cgo" "$2-noopt")
}

# start_servers NAME: HTTPS, the same with a net.Conn of its own, and TLS echo.
start_servers() {
	https[$1]=$(free_port) wrapped[$1]=$(free_port) echo[$1]=$(free_port)
	"$TMPDIR/$1" serve "127.0.0.1:${https[$1]}" 2>>"$TMPDIR/servers" &
	at_exit_kill $!
	"$TMPDIR/$1" wrapped-serve "127.0.0.1:${wrapped[$1]}" 2>>"$TMPDIR/servers" &
	at_exit_kill $!
	"$TMPDIR/$1" echo-serve "[::1]:${echo[$1]}" 2>>"$TMPDIR/servers" &
	at_exit_kill $!
	wait_port "${https[$1]}" && wait_port "${wrapped[$1]}" && wait_port "${echo[$1]}"
}

# try NAME COLUMN ARGUMENT...: an entry of the client and one of the server hold all of it.
try() {
	local row=$1 column=$2
	shift 2
	set -- --socket "$CT_SOCK" --library go --complete lock=open "$@"
	cell "$row" "$column-client" "$CHECK" "$@" --role client "src.process=$short"
	cell "$row" "$column-server" "$CHECK" "$@" --role server "dst.process=$short"
}

try_get() {
	local ip from
	read -r ip from _ < <("$TMPDIR/$1" get "https://127.0.0.1:${https[$1]}/get-$1")
	echo "this is /get-$1" >"$TMPDIR/body"
	try "$1" get --protocol http --version 1.1 --method GET --path "/get-$1" --status 200 \
		--src-ip "$ip" --src-port "$from" --dst-ip 127.0.0.1 --dst-port "${https[$1]}" \
		--response-body "$TMPDIR/body"
	cell "$1" goroutine "$CHECK" --socket "$CT_SOCK" --count 2 --path "/get-$1" 'goroutine=!0'
}

try_post() {
	local ip from
	read -r ip from _ < <("$TMPDIR/$1" get "https://127.0.0.1:${https[$1]}/post-$1" "$TMPDIR/up")
	try "$1" post --protocol http --method POST --path "/post-$1" --status 200 \
		--src-ip "$ip" --src-port "$from" --dst-ip 127.0.0.1 --dst-port "${https[$1]}" \
		--request-body "$TMPDIR/up" --response-body "$TMPDIR/up"
}

# Nothing in the program tells of the socket: what it sends does.
try_wrapped() {
	local ip from
	read -r ip from _ < <("$TMPDIR/$1" wrapped-get "https://127.0.0.1:${wrapped[$1]}/wrapped-$1")
	try "$1" wrapped --protocol http --method GET --path "/wrapped-$1" --status 200 \
		--src-ip "$ip" --src-port "$from" --dst-ip 127.0.0.1 --dst-port "${wrapped[$1]}" \
		--bind nested
}

# TLS without HTTP: opaque bytes, there and back.
try_echo() {
	local ip from
	read -r ip from _ < <("$TMPDIR/$1" echo "[::1]:${echo[$1]}" "hello $1")
	printf 'hello %s' "$1" >"$TMPDIR/body"
	cell "$1" goroutine-1 "$CHECK" --socket "$CT_SOCK" --role client --protocol tls \
		--src-port "$from" --goroutine 1
	try "$1" echo --protocol tls --src-ip "$ip" --src-port "$from" --dst-ip ::1 \
		--dst-port "${echo[$1]}" --request-body "$TMPDIR/body" --response-body "$TMPDIR/body"
}

# try_new NAME: a program file that appears while cleartap runs.
try_new() {
	local tries
	cp "$TMPDIR/$1" "$TMPDIR/new-$1"
	start_servers "new-$1"
	for ((tries = 0; tries < 100; tries++)); do
		"$TMPDIR/new-$1" get "https://127.0.0.1:${https[new-$1]}/warm-up" >/dev/null
		"$CHECK" --socket "$CT_SOCK" --path /warm-up --role server --wait 0.2 --count 0 \
			--dst-port "${https[new-$1]}" >/dev/null 2>&1 || break
	done
	"$TMPDIR/new-$1" get "https://127.0.0.1:${https[new-$1]}/new-$1" >/dev/null
	cell "$1" new-file "$CHECK" --socket "$CT_SOCK" --library go --role server --complete \
		--path "/new-$1" --status 200 --dst-port "${https[new-$1]}"
}

# try_library VERSION: in a python that maps it before and calls it after it has been probed.
try_library() {
	local python port=${https[$1-exe]}
	mkfifo "$TMPDIR/go-$1"
	python3 -c 'import ctypes, sys
go = ctypes.CDLL(sys.argv[1])
open(sys.argv[2]).read()
sys.exit(go.request(sys.argv[3].encode(), sys.argv[4].encode()) != 200)' \
		"$TMPDIR/$1.so" "$TMPDIR/go-$1" "127.0.0.1:$port" "/shared-$1" &
	python=$!
	sleep 2
	: >"$TMPDIR/go-$1"
	wait "$python"
	cell "$1" c-shared "$CHECK" --socket "$CT_SOCK" --library go --role client --complete \
		--path "/shared-$1" --status 200 --src-process python3 --src-pid "$python" \
		--dst-port "$port" 'goroutine=!0'
}

need_cleartap
seq 1 20000 >"$TMPDIR/up"
for go in $GOS; do
	build "${go%:*}" "${go#*:}" 2>"$TMPDIR/reason"
	case $? in
	0) ;;
	77) cell_skip "${go#*:}" get-client "$(tail -n 1 "$TMPDIR/reason")" ;;
	*) cell "${go#*:}" build fail_with "$TMPDIR/reason" ;;
	esac
done
for name in "${programs[@]}"; do
	start_servers "$name"
done
tap_ok "cleartap starts" ct_start --split-ends
for name in "${programs[@]}"; do
	short=${name:0:15}
	try_get "$name"
	try_post "$name"
	try_wrapped "$name"
	try_echo "$name"
	try_new "$name"
done
for go in $GOS; do
	if build_library "${go%:*}" "${go#*:}" >"$TMPDIR/reason" 2>&1; then
		try_library "${go#*:}"
	else
		cell_skip "${go#*:}" c-shared "$(tail -n 1 "$TMPDIR/reason")"
	fi
done
tap_ok "cleartap stops" ct_stop
table_print
tap_done
