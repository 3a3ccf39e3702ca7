#!/bin/bash
# The wire: TLS is found whatever the port, the sums agree with the programs' own to the byte, what
# is not read stays closed and says why, and what a filter leaves out is not shown.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
here=$srcdir/tests/e2e
need_cleartap
need ip
grep -q ' cgroup2 ' /proc/mounts || tap_skip_all "no cgroup2 is mounted"
make_cert "$TMPDIR"
mkdir "$TMPDIR/bin" "$TMPDIR/else"
python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')
PYTHONHOME=$(python3 -c 'import sys; print(sys.base_prefix)')

# talk NAME CASE [FILE]: the case in a program of that name, which is its comm too
talk() {
	PYTHONHOME=$PYTHONHOME "$1" "$here/wire_talk.py" "$2" "$TMPDIR/cert.pem" "$TMPDIR/key.pem" "${@:3}" \
		>"$TMPDIR/$(basename "$1" | cut -c2-).said"
}

# ledger CASE [REASON=BYTES...]
ledger() { "$here/check_ledger.py" "$CT_SOCK" "w$1" "$TMPDIR/$1.said" "${@:2}"; }

# lossy_net: three namespaces in a row; the one in the middle loses, doubles and reorders
lossy_net() {
	local n
	local -A address=([a]=1 [b]=2)
	for n in a m b; do ip netns add "ct$n$$" && ip -n "ct$n$$" link set lo up || return 1; done
	for n in a b; do
		ip link add "ct$n" netns "ct$n$$" type veth peer name "ct$n" netns "ctm$$" &&
			ip -n "ct$n$$" addr add "10.231.7.${address[$n]}/24" dev "ct$n" &&
			ip -n "ct$n$$" link set "ct$n" up && ip -n "ctm$$" link set "ct$n" up || return 1
		ip netns exec "ct$n$$" "$here/wire_bridge.py" --plain "ct$n"
	done
	ip netns exec "ctm$$" "$here/wire_bridge.py" cta ctb &
	at_exit_kill $!
	sleep 0.5
}
undo() {
	local n
	for n in a m b; do ip netns del "ct$n$$" 2>/dev/null; done
	_cleanup
}
trap undo EXIT

# try CASE [REASON=BYTES...]: both ends are read, so that all that is sent is received
try() {
	cp "$python" "$TMPDIR/bin/w$1"
	tap_ok "$1: the program talks" talk "$TMPDIR/bin/w$1" "$1"
	tap_ok "$1: the sums are its own" ledger "$@"
}

cp "$python" "$TMPDIR/bin/wlate"
talk "$TMPDIR/bin/wlate" late "$TMPDIR/go" 2>"$TMPDIR/late.log" &
late=$!
at_exit_kill $late
for ((i = 0; i < 100; i++)); do grep -q waiting "$TMPDIR/late.log" && break; sleep 0.1; done

tap_ok "cleartap starts" ct_start --exe "$TMPDIR/bin/*" || { tap_diag <"$TMPDIR/output"; tap_done; }
watched() { ct_get /api/stats | grep -q '"watched":true'; }
tap_ok "the wire is watched, and /api/stats says so" watched
# programs that run already are looked at in the background
for ((i = 0; i < 150; i++)); do ct_get /api/targets | grep -q '"wlate"' && break; sleep 0.1; done
sleep 1
touch "$TMPDIR/go"
wait $late
# its server waits in a read of one byte, of which nobody saw the begin
tap_ok "late: a connection that was there before is counted, and what was read before" \
	ledger late read=read/read-1 before-start=0/1
try tls13 read=read
try tls12 read=read
try ipv6 read=read
try starttls read=read
# a relay that cuts hellos into single bytes is not read, and both its ends are known to the byte
try cut read=read unknown=read
cp "$python" "$TMPDIR/bin/wlossy"
tap_ok "lossy: the link is there" lossy_net
tap_ok "lossy: the program talks" talk "$TMPDIR/bin/wlossy" lossy "cta$$,ctb$$,10.231.7.2"
tap_ok "lossy: the sums are its own" ledger lossy read=read
try noise
held() { ct_get /api/stats | grep -o '"wire":{"watched":true,"open":[0-9]*' | grep -o '[0-9]*$'; }
before=$(held)
cp "$python" "$TMPDIR/bin/wraw"
tap_ok "raw: sockets with forged segments" talk "$TMPDIR/bin/wraw" raw
sleep 1
tap_ok "raw: they are no connections" [ $(($(held) - before)) -lt 50 ]
ct_check "one entry of both ends, with version and name" --protocol tcp --src-process wtls13 \
	--dst-process wtls13 ends=both lock=open tls_version="TLS 1.3" tls_sni=wire.example
ct_check "its handshake is an entry" --protocol tlsx --src-process wtls12 tls_version="TLS 1.2" \
	tls_sni=wire.example

cp "$python" "$TMPDIR/else/wother"
tap_ok "other: a program that the filter leaves out talks" talk "$TMPDIR/else/wother" other
sleep 3
tap_ok "other: it is in no row" ledger other
port=$(grep -o '"ports": \[[0-9]*' "$TMPDIR/other.said" | grep -o '[0-9]*$')
ct_check "other: and no entry" --count 0 --src-port "$port"

# packets_told: of a connection that lives
packets_told() {
	local name
	for ((i = 0; i < 50; i++)); do
		name=$(ct_get '/api/entries?q=tcp+and+open+and+src.process=="whold"' |
			grep -o '"connection":"[^"]*' | cut -d'"' -f4)
		[ -z "$name" ] || break
		sleep 0.2
	done
	sleep 1.5 # each slot is looked at once a second
	ct_get "/api/connections/$name/packets" >"$TMPDIR/packets" || return 1
	cat "$TMPDIR/packets"
	[ "$(grep -o '"records":\["application_data"\]' "$TMPDIR/packets" | wc -l)" -gt 8 ]
}

cp "$python" "$TMPDIR/bin/whold"
talk "$TMPDIR/bin/whold" late "$TMPDIR/stop" 2>/dev/null &
hold=$!
at_exit_kill $hold
tap_ok "the last packets of a connection are told" packets_told
touch "$TMPDIR/stop"
wait $hold
tap_ok "cleartap ends" ct_stop
tap_done
