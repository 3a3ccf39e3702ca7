#!/bin/bash
# The wire by a packet socket, as where there is no cgroup2: the sums are the programs' own to the byte,
# connections learn whose they are from what reads them, and other network namespaces are not seen.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
here=$srcdir/tests/e2e
need_cleartap
need ip
make_cert "$TMPDIR"
mkdir "$TMPDIR/bin" "$TMPDIR/else"
python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')
PYTHONHOME=$(python3 -c 'import sys; print(sys.base_prefix)')
undo() {
	ip netns del "ctp$$" 2>/dev/null
	_cleanup
}
trap undo EXIT

# talk PROGRAM CASE [COMMAND...]: the case in a program of that name, which is its comm too
talk() {
	PYTHONHOME=$PYTHONHOME "${@:3}" "$1" "$here/wire_talk.py" "$2" "$TMPDIR/cert.pem" "$TMPDIR/key.pem" \
		>"$TMPDIR/$(basename "$1" | cut -c2-).said"
}

# try CASE: both ends are read, so that all that is sent is received
try() {
	cp "$python" "$TMPDIR/bin/p$1"
	tap_ok "$1: the program talks" talk "$TMPDIR/bin/p$1" "$1"
	tap_ok "$1: the sums are its own" "$here/check_ledger.py" "$CT_SOCK" "p$1" "$TMPDIR/$1.said" read=read
}

tap_ok "cleartap starts" ct_start --wire packet --exe "$TMPDIR/bin/*" || { tap_diag <"$TMPDIR/output"; tap_done; }
watched() { ct_get /api/stats | grep -q '"watched":true,"packet_socket":true'; }
tap_ok "the wire is watched by a packet socket, and /api/stats says so" watched
for case in tls13 tls12 ipv6 starttls; do try $case; done
ct_check "one entry of both ends, with version and name" --protocol tcp --src-process ptls13 \
	--dst-process ptls13 ends=both lock=open tls_version="TLS 1.3" tls_sni=wire.example
ct_check "its handshake is an entry" --protocol tlsx --src-process ptls12 tls_version="TLS 1.2" \
	tls_sni=wire.example

cp "$python" "$TMPDIR/bin/paway"
tap_ok "away: another network namespace" ip netns add "ctp$$"
tap_ok "away: its loopback is up" ip -n "ctp$$" link set lo up
tap_ok "away: a program talks there" talk "$TMPDIR/bin/paway" tls13 ip netns exec "ctp$$"
cp "$python" "$TMPDIR/else/pother"
tap_ok "other: a program that the filter leaves out talks" talk "$TMPDIR/else/pother" tls13
cp "$python" "$TMPDIR/bin/plast"
tap_ok "last: a program talks after them" talk "$TMPDIR/bin/plast" tls13
tap_ok "last: its sums are its own" "$here/check_ledger.py" "$CT_SOCK" plast "$TMPDIR/last.said" read=read
tap_ok "away: the wire has nothing of it" "$here/check_ledger.py" "$CT_SOCK" paway "$TMPDIR/away.said"
port=$(grep -o '"ports": \[[0-9]*' "$TMPDIR/other.said" | grep -o '[0-9]*$')
ct_check "other: it is no entry" --count 0 --src-port "$port"
tap_ok "cleartap ends" ct_stop
tap_done
