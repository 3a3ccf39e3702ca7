#!/bin/bash
# shellcheck disable=SC2016,SC2317
# Programs that nobody has seen before, on a busy machine: each is read from its first request on, or
# it is told that it was not, and why. From overlays, too: a file of the lower layer, and its copy.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
GO="$srcdir/tests/e2e/gotest"
GOCACHE=$(cd "$builddir" && pwd)/tests/e2e/go-cache
export GO111MODULE=off GOTOOLCHAIN=local GOFLAGS='' GOMAXPROCS=2 GOCACHE
STARTS=${STARTS:-60}

# build OUTPUT [OPTION...]
build() {
	local output=$TMPDIR/$1
	shift
	(cd "$GO" && go build "$@" -o "$output" .)
}

builds() {
	build gotest && CGO_ENABLED=0 build gostripped -ldflags '-s -w' && build gopie -buildmode=pie
}

# Two that never rest, with the priority that everybody has.
keep_busy() {
	local i
	for i in 1 2; do
		sh -c 'while :; do :; done' &
		busy+=($!)
	done
	at_exit_kill "${busy[@]}"
}

# start NAME PROGRAM MS: a new file that makes one request so long after its start
start() {
	cp "$TMPDIR/$2" "$TMPDIR/$1"
	echo "$1" >>"$TMPDIR/$1"
	"$TMPDIR/$1" later "$3" "https://127.0.0.1:$port" >"$TMPDIR/said.$1" 2>>"$TMPDIR/errors"
}

# One at a time, with a request that comes as soon as it can, from three programs.
start_hasty() {
	local i programs=(gotest gostripped gopie)
	for ((i = 0; i < STARTS; i++)); do
		start "hasty-$i" "${programs[i % 3]}" 0
	done
}

# More at once than there are processors and analysers.
start_crowd() {
	local i pids=()
	for ((i = 0; i < 20; i++)); do
		start "crowd-$i" gotest 300 &
		pids+=($!)
	done
	wait "${pids[@]}"
}

# Of each layer: what comes from below, what is written over it, and what is only above.
start_in_overlay() {
	local i
	mkdir "$TMPDIR/lower" "$TMPDIR/layers" "$TMPDIR/merged"
	for i in 0 1 2 3 4 5; do
		cp "$TMPDIR/gotest" "$TMPDIR/lower/layer-$i"
		echo "$i" >>"$TMPDIR/lower/layer-$i"
	done
	# An overlay cannot lie on every file system.
	unshare --mount --propagation private sh -c 'mount -t tmpfs tmpfs "$1/layers" &&
		mkdir "$1/layers/upper" "$1/layers/work" &&
		mount -t overlay -o "lowerdir=$1/lower,upperdir=$1/layers/upper,workdir=$1/layers/work" \
			overlay "$1/merged" || exit 77
		for i in 3 4 5; do echo over >>"$1/merged/layer-$i"; done
		for i in 0 1 2 3 4 5; do
			"$1/merged/layer-$i" later 300 "https://127.0.0.1:$2" >"$1/said.layer-$i" || exit
		done
		for i in 0 3; do
			"$1/merged/layer-$i" later 0 "https://127.0.0.1:$2" >"$1/said.layer-$i-again" ||
				exit
		done' sh "$TMPDIR" "$port" 2>>"$TMPDIR/errors"
}

check() { "$srcdir/tests/e2e/check_started.py" "$CT_SOCK" "$TMPDIR" "$@"; }

need go
need_cleartap
tap_ok "the programs are built" builds || tap_done
port=$(free_port)
tap_ok "cleartap starts" ct_start --split-ends --exe "$TMPDIR/*" || tap_done
cp "$TMPDIR/gotest" "$TMPDIR/server"
"$TMPDIR/server" serve "127.0.0.1:$port" >/dev/null 2>>"$TMPDIR/errors" &
at_exit_kill $!
wait_port "$port" $! || tap_done
keep_busy
start_hasty
tap_ok "one after another, a request at once: seen, or told" check --share 0.75 --within-ms 3 hasty
head -n 2 "$TMPDIR/output" | tap_diag
start_crowd
tap_ok "a crowd, a request after 0.3 s: seen, or told" check --share 0.7 --within-ms 300 crowd
head -n 2 "$TMPDIR/output" | tap_diag
start_in_overlay
if [ $? = 77 ]; then
	tap_skip "first starts from an overlay" "no overlay can be mounted here"
else
	tap_ok "first starts from an overlay" check --share 0.95 --within-ms 300 --files 6 layer
fi
tap_ok "cleartap stops" ct_stop
tap_done
