#!/bin/bash
# shellcheck disable=SC2317
# Files of packets (--read): real programs talk in a network of their own, tcpdump listens, and
# what cleartap reads of the file is what they said. tshark, with the same secrets, is the judge.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
GOCACHE=$(cd "$builddir" && pwd)/tests/e2e/go-cache
export GO111MODULE=off GOTOOLCHAIN=local GOFLAGS='' GOCACHE
TALK=$srcdir/tests/e2e/read_talk.py
NOBODY="setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs"
DIR=$TMPDIR/file

# read_file [OPTION...]: reads as nobody, until the end of the file was told.
read_file() {
	local i
	CT_SOCK=$DIR/sock
	: >"$DIR/log" # or the last run's would be taken for this one's
	$READ_AS "$CLEARTAP" --listen none --unix-socket "$CT_SOCK" "$@" >"$DIR/out" 2>"$DIR/log" &
	CT_PID=$!
	for ((i = 0; i < 600; i++)); do
		grep -q 'is read to its end' "$DIR/log" && return 0
		kill -0 "$CT_PID" 2>/dev/null || break
		sleep 0.05
	done
	cat "$DIR/log"
	ct_stop
	return 1
}

# Until all entries are stored: the same number of them twice.
settled() {
	local i before=- now
	for ((i = 0; i < 100; i++)); do
		now=$(ct_get /api/stats | python3 -c 'import json, sys
s = json.load(sys.stdin); print(s["sessions"]["entries"], s["store"]["entries"], s["queue"]["bytes"])')
		[ "$now" = "$before" ] && [ "${now##* }" = 0 ] && return 0
		before=$now
		sleep 0.15
	done
	echo "entries are still being stored: $now"
	return 1
}

# file_is FIELD=VALUE...: what /api/stats says of the file.
file_is() {
	ct_get /api/stats | python3 -c 'import json, sys
has = json.load(sys.stdin)["file"]
wrong = [p for p in sys.argv[1:] if str(has[p.partition("=")[0]]) != p.partition("=")[2]]
if wrong: sys.exit("%s: %s" % (wrong, has))' "$@"
}

is_read() {
	read_file "$@" && settled && "$TALK" check "$CT_SOCK" "$DIR" && ct_stop
}

same_paths() {
	read_file --read "$DIR/all.pcap" --keylog "$DIR/keys" && settled || return 1
	"$TALK" paths "$CT_SOCK" >"$DIR/ours" && ct_stop || return 1
	tshark -r "$DIR/all.pcap" -o "tls.keylog_file:$DIR/keys" -T fields -e http.request.uri \
		-e http2.headers.path -Y 'http.request or http2.headers.path' 2>"$DIR/tshark" |
		tr ',\t' '\n\n' | grep . | sort >"$DIR/theirs"
	diff "$DIR/ours" "$DIR/theirs" || fail_with "$DIR/tshark"
}

# Each ClientHello as tshark has it: JA3 and SNI; and what was decrypted knows its TLS.
same_hellos() {
	read_file --read "$DIR/all.pcap" --keylog "$DIR/keys" && settled || return 1
	"$TALK" hellos "$CT_SOCK" >"$DIR/ours" && ct_stop || return 1
	tshark -r "$DIR/all.pcap" -Y 'tls.handshake.type == 1' -T fields -E separator=/s \
		-E quote=n -e tcp.srcport -e tls.handshake.ja3 \
		-e tls.handshake.extensions_server_name 2>"$DIR/tshark" | sed 's/ *$//' | sort >"$DIR/theirs"
	[ -s "$DIR/theirs" ] && diff "$DIR/ours" "$DIR/theirs" || fail_with "$DIR/tshark"
}

# Without secrets locks stay closed, and nothing is known of what was said.
closed() {
	read_file --read "$DIR/all.pcap" && settled || return 1
	[ "$("$TALK" paths "$CT_SOCK")" = /clear ] || return 1
	ct_get '/api/entries?limit=1000&q=tls' | python3 -c 'import json, sys
e = json.load(sys.stdin)["entries"]
sys.exit(not e or any(x["lock"] != "closed" for x in e if x["protocol"] != "tlsx") or
	{x["protocol"] for x in e} != {"tls", "tcp", "tlsx"})' &&
		file_is records_opened=0 ended=True && ct_stop
}

# Into a store that stays, twice, as root; what opens records is not in it.
twice() {
	local READ_AS='' i random label secret
	for i in 1 2; do
		read_file --read "$DIR/all.pcap" --keylog "$DIR/keys" --store "$DIR/store.db" &&
			settled && "$TALK" check "$CT_SOCK" "$DIR" $i && ct_stop || return 1
	done
	while read -r label random secret; do
		! LC_ALL=C grep -a -q -F -e "$secret" -e "$(echo "$secret" | xxd -r -p | head -c 16 | tr -d '\0\n')" \
			"$DIR"/store.db* || { echo "a secret of $label $random is in the store"; return 1; }
	done <"$DIR/keys"
}

# Packets are missing: no entry has other bytes, and what is missing is told.
with_holes() {
	# shellcheck disable=SC2046
	editcap "$DIR/all.pcap" "$DIR/holes.pcap" $(seq 23 41 1300) &&
		read_file --read "$DIR/holes.pcap" --keylog "$DIR/keys" && settled &&
		"$TALK" never-wrong "$CT_SOCK" "$DIR" && ct_stop
}

# Cut within a packet: what is before it is there, and the damage is told.
damaged() {
	head -c 1000001 "$DIR/all.pcap" >"$DIR/cut.pcap" &&
		read_file --read "$DIR/cut.pcap" --keylog "$DIR/keys" && settled &&
		file_is 'damage=it ends within a packet' && grep -q 'what is before it is loaded' "$DIR/log" &&
		"$TALK" paths "$CT_SOCK" | grep -q '^/small?0' && ct_stop
}

nothing_to_capture() {
	local i
	read_file --read "$DIR/all.pcap" && file_is "name=$DIR/all.pcap" || return 1
	[ "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$CT_SOCK" -X POST \
		-d '{"state":"paused"}' http://localhost/api/capture)" = 409 ] && ct_stop &&
		[ -z "$(find "$DIR" -name '.cleartap-*')" ] # its own store is gone with it
}

# refused WORDS OPTION...: it does not start, and says why.
refused() {
	local words=$1
	shift
	timeout 10 $NOBODY "$CLEARTAP" --listen none --unix-socket "$DIR/sock" "$@" >"$DIR/log" 2>&1
	[ $? -eq "${STATUS:-1}" ] && grep -q "$words" "$DIR/log" || fail_with "$DIR/log"
}

need_cleartap
need nginx openssl go tcpdump tshark editcap setpriv unshare ip xxd
mkdir -p "$DIR" && chmod 755 "$TMPDIR" && make_cert "$DIR" && chmod 777 "$DIR"
READ_AS=$NOBODY
(cd "$srcdir/tests/e2e/gotest/keylog" && go build -o "$DIR/keylog" .) ||
	echo "Bail out! gotest/keylog cannot be built"
tap_ok "programs talk" timeout 60 unshare -n "$TALK" talk "$DIR" "$DIR/keylog"
chmod 644 "$DIR/all.pcap" "$DIR/keys"
tap_ok "what they said is read, by nobody" is_read --read "$DIR/all.pcap" --keylog "$DIR/keys"
tap_ok "the file has the secrets itself" eval 'editcap --inject-secrets "tls,$DIR/keys" \
	"$DIR/all.pcap" "$DIR/all.pcapng" && is_read --read "$DIR/all.pcapng"'
tap_ok "tshark finds the same requests" same_paths
tap_ok "tshark finds the same hellos" same_hellos
tap_ok "without secrets all is closed" closed
tap_ok "a store that stays, twice, without secrets" twice
tap_ok "missing packets" with_holes
tap_ok "a damaged file" damaged
tap_ok "nothing to pause, nothing left behind" nothing_to_capture
tap_ok "no file of packets" refused 'neither pcap nor pcapng' --read "$DIR/keys"
tap_ok "no file" refused 'No such file' --read "$DIR/nothing"
tap_ok "no secrets without a file" eval 'STATUS=2 refused "for --read" --keylog "$DIR/keys"'
tap_done
