#!/bin/bash
# shellcheck disable=SC2317
# Go's crypto/tls, end to end: the programs of gotest/ say what must be seen (check_go.py).
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
GO="$srcdir/tests/e2e/gotest"
GOCACHE=$(cd "$builddir" && pwd)/tests/e2e/go-cache
export GO111MODULE=off GOTOOLCHAIN=local GOFLAGS='' GOMAXPROCS=2 GOCACHE

# build OUTPUT PACKAGE [OPTION...]
build() {
	local output=$TMPDIR/$1 package=$GO/$2
	shift 2
	(cd "$package" && go build "$@" -o "$output" .)
}

builds() {
	build gotest . && build goplain plain &&
		CGO_ENABLED=0 build gostripped . -ldflags '-s -w' &&
		build gopie . -buildmode=pie && build gonoopt . -gcflags 'crypto/tls=-N -l'
}

# target PATH FIELD=VALUE...: /api/targets has that file, with fields that begin so.
target() {
	ct_get /api/targets | python3 -c 'import json, sys
found = [t for t in json.load(sys.stdin)["targets"] if t["path"].endswith(sys.argv[1])]
pairs = [pair.split("=", 1) for pair in sys.argv[2:]]
if not any(all(str(t[name]).startswith(value) for name, value in pairs) for t in found):
    sys.exit("%s: %s" % (sys.argv[1], found))' "$@"
}

# until_target PATH FIELD=BEGINNING...: as target, within ten seconds
until_target() {
	local i
	for ((i = 0; i < 200; i++)); do
		target "$@" 2>/dev/null && return
		sleep 0.05
	done
	target "$@"
}

until_attached() { until_target "$1" state=attached; }

# say_all PROGRAM CASE...: what it expects goes to the file of each case.
say_all() {
	local program=$1 name
	shift
	for name; do
		timeout 60 "$TMPDIR/$program" "$name" >"$TMPDIR/$program-$name" 2>>"$TMPDIR/said" ||
			echo "$program $name failed" >>"$TMPDIR/$program-$name"
	done
}

# is_seen FILE: all that a program said.
is_seen() {
	! grep -v '^{' "$1" || { tail -n 20 "$TMPDIR/said"; return 1; }
	"$srcdir/tests/e2e/check_go.py" "$CT_SOCK" "$1"
}

# over_http NAME PROGRAM ADDRESS: net/http in two processes; both ends' entries.
over_http() {
	local port
	port=$(free_port)
	"$TMPDIR/$2" serve "$3:$port" >"$TMPDIR/$1" 2>>"$TMPDIR/said" &
	at_exit_kill $!
	wait_port "$port" $! && until_attached "/$2" &&
		"$TMPDIR/$2" get "https://$3:$port" 8 >>"$TMPDIR/$1" 2>>"$TMPDIR/said"
	tap_ok "$1" is_seen "$TMPDIR/$1"
	tap_ok "$1: processes" "$CHECK" --socket "$CT_SOCK" --dst-port "$port" --protocol http --count 16 \
		--src-process "$2" --dst-process "$2"
}

# Programs that nobody has seen before and that make one request at once, all of it known. Probes
# must be in before it is sent, some 4 ms after the start; a busy machine may be late at times.
never_seen() {
	local i port
	port=$(free_port)
	"$TMPDIR/gotest" serve "127.0.0.1:$port" >>"$TMPDIR/said" 2>&1 &
	at_exit_kill $!
	wait_port "$port" $! || return
	for ((i = 0; i < 40; i++)); do
		cp "$TMPDIR/$1" "$TMPDIR/new-$i" && echo "$i" >>"$TMPDIR/new-$i"
		"$TMPDIR/new-$i" get "https://127.0.0.1:$port" 1 >>"$TMPDIR/never" 2>>"$TMPDIR/said"
		rm "$TMPDIR/new-$i"
	done
	tap_ok "never seen, one request ($1)" "$srcdir/tests/e2e/check_go.py" --share 0.75 \
		"$CT_SOCK" "$TMPDIR/never"
	echo "# $(tail -n 1 "$TMPDIR/output")"
	rm "$TMPDIR/never"
}

# A file system that only this program's mount namespace has.
in_container() {
	local port root=$TMPDIR/root
	port=$(free_port)
	mkdir "$root"
	# shellcheck disable=SC2016
	unshare --mount --propagation private sh -c 'mount -t tmpfs tmpfs "$1" &&
		cp "$2" "$1/gohidden" && exec chroot "$1" /gohidden serve "127.0.0.1:$3"' \
		sh "$root" "$TMPDIR/gostripped" "$port" >"$TMPDIR/container" 2>>"$TMPDIR/said" &
	at_exit_kill $!
	wait_port "$port" $! && until_attached /gohidden &&
		"$TMPDIR/gostripped" get "https://127.0.0.1:$port" 4 >>"$TMPDIR/container"
	tap_ok "a program in a container's root" is_seen "$TMPDIR/container"
	tap_ok "a program in a container's root: process" "$CHECK" --socket "$CT_SOCK" --protocol http --count 8 \
		--dst-port "$port" --dst-process gohidden --src-process gostripped
}

# A library of Go in a program of another language.
shared_library() {
	local port python
	port=$(free_port)
	"$TMPDIR/gotest" serve "127.0.0.1:$port" >/dev/null 2>&1 &
	at_exit_kill $!
	mkfifo "$TMPDIR/go"
	python3 -c 'import ctypes, sys
go = ctypes.CDLL(sys.argv[1])
open(sys.argv[2]).read()
sys.exit(go.request(sys.argv[3].encode(), b"/shared") != 200)' \
		"$TMPDIR/goshared.so" "$TMPDIR/go" "127.0.0.1:$port" &
	python=$!
	wait_port "$port" && until_attached /goshared.so
	: >"$TMPDIR/go"
	tap_ok "a c-shared library makes a request" wait "$python"
	ct_check "a c-shared library is seen" --path /shared --role client --status 200 --complete \
		--src-process python3 --src-pid "$python" --dst-port "$port" --library go \
		goroutine=!0
}

old_connections() {
	mkfifo "$TMPDIR/old-go"
	"$TMPDIR/gotest" old <"$TMPDIR/old-go" >"$TMPDIR/old" 2>>"$TMPDIR/said" &
	old=$!
	exec 7>"$TMPDIR/old-go"
	until grep -qs ready "$TMPDIR/old"; do
		kill -0 "$old" || return
		sleep 0.05
	done
}

no_loss() {
	ct_get /api/stats | python3 -c 'import json, sys
stats = json.load(sys.stdin)
capture = stats["capture"]
bad = {name: capture[name] for name in ("dropped_records", "connections_full", "threads_full",
       "bad_records") if capture[name]}
sys.exit(str(bad) if bad or stats["dropped"] else 0)'
}

need go
need_cleartap
ulimit -n "$(ulimit -Hn)"
tap_ok "the programs are built" builds || tap_done
old_connections
tap_ok "cleartap starts" ct_start --split-ends --keep-opaque || tap_done
echo now >&7
exec 7>&-
wait "$old"
# The server was waiting as the probes came, and what it got then is seen as well; "/" was before.
sed -i -e /ready/d -e '/server.*"\/"/d' "$TMPDIR/old"
tap_ok "a connection from before" is_seen "$TMPDIR/old"

over_http "HTTP over IPv4" gotest 127.0.0.1
over_http "HTTP over IPv6" gotest "[::1]"
over_http "stripped, without C" gostripped 127.0.0.1
over_http "PIE" gopie "[::1]"
over_http "not optimised" gonoopt 127.0.0.1
never_seen gotest
never_seen gopie
all="http2 many stream deep threads large failed wrapped pipe alternate proxy reuse"
# shellcheck disable=SC2086
say_all gotest $all
say_all gostripped deep wrapped proxy
say_all gopie deep wrapped proxy
say_all gonoopt deep wrapped proxy
for name in $all; do
	tap_ok "$name" is_seen "$TMPDIR/gotest-$name"
done
for name in gostripped-deep gostripped-wrapped gostripped-proxy gopie-deep gopie-wrapped gopie-proxy \
	gonoopt-deep gonoopt-wrapped gonoopt-proxy; do
	tap_ok "$name" is_seen "$TMPDIR/$name"
done
tap_ok "nothing was dropped" no_loss
in_container
if tap_ok "a c-shared library is built" build goshared.so shared -buildmode=c-shared; then
	shared_library
fi
"$TMPDIR/goplain" &
at_exit_kill $!
tap_ok "a Go program is listed" target /gotest library=go version=go1. 'plan=(*Conn).Read, its copy'
tap_ok "one without TLS says so" until_target /goplain state=skipped library=go 'reason=Go 1.'
tap_ok "cleartap stops" ct_stop
tap_done
