#!/bin/bash
# --keep-packets: what was on the wire comes out as it was, beside the plaintext, for tshark to read and
# to decrypt; nothing of what a filter leaves out; a flood, kills and full disks cost nobody else.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
here=$srcdir/tests/e2e
need_cleartap
need tshark capinfos
grep -q ' cgroup2 ' /proc/mounts || tap_skip_all "no cgroup2 is mounted"
make_cert "$TMPDIR"
mkdir "$TMPDIR/bin" "$TMPDIR/else"
python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')
PYTHONHOME=$(python3 -c 'import sys; print(sys.base_prefix)')
for name in bin/kquiet bin/kflood bin/kpaused bin/klast else/kother; do cp "$python" "$TMPDIR/$name"; done
KEYLOG=$TMPDIR/keylog
touch "$KEYLOG"

# talk PROGRAM PATH REQUESTS SIZE [KEYLOG]: leaves the client's port in port_PROGRAM
talk() {
	PYTHONHOME=$PYTHONHOME "$TMPDIR/$1" "$here/packets_talk.py" "$TMPDIR/cert.pem" \
		"$TMPDIR/key.pem" "${5:-$KEYLOG}" "$2" "$3" "$4" >"$TMPDIR/port_$(basename "$1")"
}
port() { cat "$TMPDIR/port_$1"; }

# export_of PARAMETERS [QUERY]: what tshark finds in it, a line for each packet; it must read all of it
export_of() {
	ct_get /api/export/pcapng -G -d "$1" --data-urlencode "q=${2-}" -o "$TMPDIR/out.pcapng" &&
		tshark -r "$TMPDIR/out.pcapng" -n -T fields -E separator=/t -e frame.interface_id -e tcp.port \
			-e tls.record.content_type -e http.request.uri -e tcp.analysis.retransmission \
			-e frame.comment -e _ws.col.Protocol -e tls.record.opaque_type >"$TMPDIR/rows" 2>"$TMPDIR/tshark.err" ||
		fail_with "$TMPDIR/tshark.err"
}

# rows CONDITION: lines of the last export of which this is true, with
# wire: 1 or 0, port, types: of TLS records, uri, again: sent again, comment, protocol
rows() {
	awk -F'\t' "{ wire = \$1 == 0; ports = \",\" \$2 \",\"; types = \$3 \$8; uri = \$4; again = \$5
		comment = \$6; protocol = \$7 } $1" "$TMPDIR/rows"
}
of() { echo "ports ~ /,$(port "$1"),/"; }

# has N CONDITION, none CONDITION: at least so many rows of the last export; exported asks for another
has() {
	rows "$2" >"$TMPDIR/found"
	head -n 20 "$TMPDIR/found"
	[ "$(wc -l <"$TMPDIR/found")" -ge "$1" ]
}
none() { ! has 1 "$1"; }
exported() { export_of "$3" "${4-}" && has "$1" "$2"; }
number() { ct_get /api/stats | grep -o "\"packets\":{[^}]*" | grep -o "\"$1\":[0-9]*" | cut -d: -f2; }

begin() { ct_start --exe "$TMPDIR/bin/*" --keep-packets 4M --keylog "$KEYLOG"; }
tap_ok "cleartap starts" begin || { tap_diag <"$TMPDIR/output"; tap_done; }
tap_ok "quiet: a program talks" talk bin/kquiet /kept-quiet 3 2000
entry_there() { [ "$(ct_get '/api/entries?q=http+and+request.path=="/kept-quiet"' | grep -o '"id":' | wc -l)" = 3 ]; }
tap_ok "quiet: its entries are there" eventually entry_there
# both hellos, and what is encrypted
tap_ok "its records are there as they were on the wire" \
	eventually exported 8 "wire && types && $(of kquiet)" packets=1
tap_ok "each packet once, though both ends are here" none "wire && again && $(of kquiet)"
tap_ok "without keys nothing of them can be read" none "wire && protocol ~ /HTTP/"
tap_ok "the plaintext is the other interface" has 3 '!wire && uri == "/kept-quiet"'
# those of an entry, which comes after the packets
tap_ok "with keys the packets are decrypted, and comments say whose they are" \
	eventually exported 3 "wire && uri == \"/kept-quiet\" && comment ~ /^kquiet .pid [0-9]+. to kquiet .pid [0-9]+.$/" \
	"packets=1&keys=1"
tap_ok "and the plaintext is there as before" has 3 '!wire && uri == "/kept-quiet"'

refused() { [ "$(ct_get "/api/export/pcapng?$1" -o "$TMPDIR/out" -w '%{http_code}' 2>/dev/null)" = "$2" ]; }
tap_ok "keys without packets are refused" refused keys=1 400
tap_ok "and packets with redact()" refused 'packets=1&q=redact(%22src.ip%22)' 400

tap_ok "other: a program that the filter leaves out talks" talk else/kother /other 3 2000
tap_ok "flood: a program sends more than all files hold" talk bin/kflood /flood 12 1000000
kept() { [ "$(number packets)" -gt 200 ]; }
tap_ok "flood: it is kept" eventually kept
within() { [ "$(cat "$CT_DIR"/store.db-packets-* | wc -c)" -le $((4 << 20)) ]; }
tap_ok "all files together keep to their bound" within
tap_ok "flood: its newest packets are there" \
	eventually exported 5 "wire && $(of kflood)" packets=1
tap_ok "quiet: nothing of it was pushed out" has 8 "wire && types && $(of kquiet)"
tap_ok "other: there is no packet of it" none "$(of kother)"
tap_ok "a filter chooses connections" exported 8 "wire && $(of kquiet)" packets=1 'request.path == "/kept-quiet"'
tap_ok "and no others" none "$(of kflood)"

owned() { [ "$(stat -c '%a %U' "$CT_DIR"/store.db-packets-* | sort -u)" = "600 $(stat -c %U "$CT_DIR/store.db")" ]; }
tap_ok "the files are their owner's alone" owned
pause() { curl -sS -f --unix-socket "$CT_SOCK" -X POST -H 'Content-Type: application/json' -d "{\"state\":\"$1\"}" http://localhost/api/capture -o "$TMPDIR/out"; }
paused() { ct_get /api/stats | grep -q '"state":"paused"'; }
pause paused
tap_ok "capture is paused" eventually paused
tap_ok "paused: a program talks" talk bin/kpaused /paused 3 2000
pause running

# both processes at once, in the midst of a flood
talk bin/kflood /flood 12 1000000 &
flood=$!
at_exit_kill $flood
sleep 0.5
server=$(pgrep -P "$CT_PID" | head -n 1)
kill -KILL "$server" "$CT_PID"
wait "$CT_PID" 2>/dev/null
CT_PID=''
wait $flood
rm -f "$CT_SOCK"
# a write that was torn
for file in "$CT_DIR"/store.db-packets-*; do
	[ ! -s "$file" ] || head -c 77 "$TMPDIR/key.pem" >>"$file"
done
tap_ok "after a kill it starts again" begin || { tap_diag <"$TMPDIR/output"; tap_done; }
tap_ok "and has the packets of before" \
	exported 8 "wire && types && $(of kquiet)" packets=1
tap_ok "paused: there is no packet of it" none "wire && $(of kpaused)"
tap_ok "it goes on keeping them" talk bin/klast /last 3 2000
tap_ok "and shows both" eventually exported 8 "wire && types && $(of klast)" packets=1
readable() { find "$CT_DIR" -name 'store.db-packets-*' -size +0 -exec capinfos -Tmc {} +; }
tap_ok "cleartap ends" ct_stop
tap_ok "each file is pcapng by itself" readable
tap_done
