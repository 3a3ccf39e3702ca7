#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What probing costs a Go HTTPS server (net/http, keepalive) under wrk, as nginx.sh tells it.
. "${srcdir:-.}/tests/e2e/lib.sh"
. "${srcdir:-.}/tests/bench/rounds.sh"
need go wrk
need_cleartap
make_cert "$TMPDIR"
(cd "$srcdir/tests/bench" && GO111MODULE=off GOCACHE="$TMPDIR/cache" go build -o "$TMPDIR/goserver" goserver.go) || exit 1
port=$(free_port)
GOMAXPROCS=1 "$TMPDIR/goserver" "127.0.0.1:$port" "$TMPDIR/cert.pem" "$TMPDIR/key.pem" 2>"$TMPDIR/go.log" & server=$!
at_exit_kill "$server"
wait_port "$port" || exit 1
# A Go whose code cleartap does not know yet is probed at entries and returns.
like=$TMPDIR/goserver-later
sed 's/go1\.[0-9][0-9]/go1.99/g' "$TMPDIR/goserver" >"$like"
# cleartap's probes on libssl are on wrk's way, so the floor's are too
name=go file="$TMPDIR/goserver $(ldconfig -p | awk '/libssl\.so\.3/ { print $NF; exit }')" exe='*goserver' modes="nothing returns floor cleartap"
run_rounds
