#!/bin/bash
# shellcheck disable=SC2016,SC2317
# What can go wrong around cleartap: no root, no BTF, no disk, a second one, kill -9. Each has a
# clear message and its exit status, and nothing that was committed is lost.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
real=$CLEARTAP

# fails STATUS TEXT COMMAND...: ends with that status in good time and says so
fails() {
	local want=$1 text=$2 status
	timeout 30 "${@:3}" >"$TMPDIR/said" 2>&1
	status=$?
	echo "status $status"
	cat "$TMPDIR/said"
	[ "$status" = "$want" ] && grep -i -q -E -- "$text" "$TMPDIR/said"
}

other() { echo --store "$TMPDIR/other.db" --listen 127.0.0.1:0; }

ask() { curl -sSk --http1.1 -o /dev/null --max-time 20 "${CT_PLANT[@]}" "https://127.0.0.1:$port/$1"; }

# ask_many NAME COUNT: by one client
ask_many() {
	local i
	for ((i = 1; i <= $2; i++)); do echo "url = \"https://127.0.0.1:$port/$1/$i\""; done \
		>"$TMPDIR/urls"
	curl -sSk --http1.1 --max-time 60 -K "$TMPDIR/urls" | wc -l
}

# count_is NUMBER QUERY: entries that a query finds
count_is() {
	local i n
	for ((i = 0; i < 50; i++)); do
		n=$(ct_get /api/entries -G -d limit=1000 --data-urlencode "q=$2 and dst.port == $port" |
			grep -o '"request_size"' | wc -l)
		[ "$n" = "$1" ] && return
		sleep 0.2
	done
	echo "$n entries, not $1"
	return 1
}

is_shown() {
	ask "$1"
	ct_check "$2" --path "/$1" --dst-port "$port" --role client --status 200 --complete
}

try_start() {
	local copy=$TMPDIR/cleartap
	cp "$real" "$copy"
	chmod 755 "$copy"
	echo 0123456789abcdef0123456789abcdef >"$TMPDIR/others-token"
	chmod 600 "$TMPDIR/others-token"
	chown 65534 "$TMPDIR/others-token"
	# shellcheck disable=SC2046
	{
		tap_ok "no root" fails 1 root setpriv --reuid 65534 --regid 65534 --clear-groups \
			"$copy" $(other)
		tap_ok "no kernel types" fails 1 BTF "$real" $(other) --btf /nonexistent
		tap_ok "kernel types that are none" fails 1 BTF "$real" $(other) --btf /dev/null
		tap_ok "a store in no folder" fails 1 store "$real" --listen 127.0.0.1:0 \
			--store /dev/null/x.db
		echo 'this is no database, but a text of more than a hundred bytes, which is what
			SQLite looks at first when it opens a file' >"$TMPDIR/text.db"
		tap_ok "a store that is no store" fails 1 text.db "$real" --listen 127.0.0.1:0 \
			--store "$TMPDIR/text.db"
		tap_ok "and is left alone" grep -q '^this is no database' "$TMPDIR/text.db"
		tap_ok "a read-only store" fails 1 'read-only|permission' unshare -m --propagation \
			private sh -c 'mkdir -p "$1" && mount -t tmpfs -o ro none "$1" &&
			exec "$2" --listen 127.0.0.1:0 --store "$1/x.db"' - "$TMPDIR/ro" "$real"
		tap_ok "a process that is not there" fails 1 'no such process' "$real" $(other) --pid 4194303
		tap_ok "a user that is not there" fails 1 'no such user' "$real" $(other) --user no-such-user
		tap_ok "a pattern that is none" fails 2 'option exe' "$real" $(other) --exe 'curl['
		tap_ok "a token file of somebody else" fails 1 'belongs to user 65534' "$real" \
			--store "$TMPDIR/o.db" --listen 127.0.0.1:0 --token-file "$TMPDIR/others-token"
		tap_ok "wrong usage" fails 2 no-such-option "$real" --no-such-option
		tap_ok "beyond loopback without TLS" fails 1 tls "$real" --store "$TMPDIR/o.db" \
			--listen 0.0.0.0:0
	}
}

try_two() {
	local first=$CT_DIR taken=${CT_URL#*://} second
	taken=${taken%%/*}
	tap_ok "a second one on the same store" fails 1 store.db "$real" --listen 127.0.0.1:0 \
		--store "$first/store.db"
	tap_ok "a second one on the same port" fails 1 "${taken#*:}" "$real" --listen "$taken" \
		--store "$TMPDIR/other.db"
	tap_ok "a second one on the same unix socket" fails 1 sock "$real" --listen 127.0.0.1:0 \
		--store "$TMPDIR/other.db" --unix-socket "$CT_SOCK"
	is_shown after-refused "the first goes on"
	"$real" --store "$TMPDIR/second.db" --listen 127.0.0.1:0 --unix-socket "$TMPDIR/sock2" \
		>"$TMPDIR/second.log" 2>&1 &
	second=$!
	at_exit_kill $second
	for ((i = 0; i < 300; i++)); do
		curl -sf --unix-socket "$TMPDIR/sock2" http://localhost/readyz >/dev/null && break
		sleep 0.1
	done
	is_shown two "two at once: the first sees it once"
	tap_ok "two at once: the second sees it once" "$CHECK" --socket "$TMPDIR/sock2" --path /two \
		--dst-port "$port" --role client --status 200 --complete
	kill "$second"
	wait "$second"
	tap_ok "the second ends well" test $? = 0
	is_shown after-two "the first goes on without it"
}

# Numbers of the kernel's programs and links that a process holds.
held() {
	sed -n 's/^\(prog\|link\)_id:[[:space:]]*/\1 /p' "/proc/$1/fdinfo/"* 2>/dev/null | sort -u
}

nothing_held() {
	local kind number i
	[ -s "$TMPDIR/held" ] || { echo "held nothing before"; return 1; }
	for ((i = 0; i < 100; i++)); do
		while read -r kind number; do
			bpftool "$kind" show id "$number" 2>/dev/null
		done <"$TMPDIR/held" >"$TMPDIR/left"
		[ -s "$TMPDIR/left" ] || return 0
		sleep 0.1
	done
	cat "$TMPDIR/left"
	return 1
}

ended() {
	local i
	for ((i = 0; i < 150; i++)); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.1
	done
	echo "process $1 is still there"
	return 1
}

start_again() { CT_PID='' && ct_start --split-ends; }

# try_kill WHO STATUS TEXT
try_kill() {
	local server victim status
	server=$(pgrep -o -P "$CT_PID")
	{ held "$CT_PID"; held "$server"; } >"$TMPDIR/held"
	ask_many "kill-$1" 50 >"$TMPDIR/asked"
	tap_ok "kill -9 of the $1: committed before" count_is 50 \
		"path.startsWith(\"/kill-$1/\") and role == \"client\""
	[ "$1" = server ] && victim=$server || victim=$CT_PID
	kill -KILL "$victim"
	wait "$CT_PID" 2>/dev/null
	status=$?
	tap_ok "kill -9 of the $1: the server ends" ended "$server"
	tap_ok "kill -9 of the $1: exit status $status" test "$status" = "$2"
	tap_ok "kill -9 of the $1: it is said" grep -i -E "$3" "$CT_DIR/log"
	if command -v bpftool >/dev/null; then
		tap_ok "kill -9 of the $1: no probe is left" nothing_held
	else
		tap_skip "kill -9 of the $1: no probe is left" "bpftool is not installed"
	fi
	tap_ok "kill -9 of the $1: programs go on" ask after-kill
	tap_ok "kill -9 of the $1: the store opens" start_again || tap_done
	tap_ok "kill -9 of the $1: what was committed is there" count_is 50 \
		"path.startsWith(\"/kill-$1/\") and role == \"client\""
	tap_ok "kill -9 of the $1: nothing is there twice" count_is 50 \
		"path.startsWith(\"/kill-$1/\") and role == \"server\""
}

# All that has been read when the signal comes is stored.
try_term() {
	ask_many term 300 >"$TMPDIR/asked"
	tap_ok "SIGTERM under load" ct_stop
	tap_ok "300 were asked" grep -x 300 "$TMPDIR/asked"
	tap_ok "the store opens" ct_start --split-ends || tap_done
	tap_ok "all is stored, of clients" count_is 300 'path.startsWith("/term/") and role == "client" and complete'
	tap_ok "all is stored, of servers" count_is 300 'path.startsWith("/term/") and role == "server" and complete'
}

stat_of() { ct_get /api/stats | python3 -c '
import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1].split("."):
    value = value[name]
print(value)' "$1"; }

said_full() {
	local i
	for ((i = 0; i < 100; i++)); do
		[ -n "$(stat_of store.error)" ] && [ "$(stat_of store.lost_entries)" -gt 0 ] && break
		sleep 0.1
	done
	ct_get /api/stats
	grep -i 'full\|no space' "$CT_DIR/log" && [ -n "$(stat_of store.error)" ] &&
		[ "$(stat_of store.lost_entries)" -gt 0 ]
}

# A disk of 6 MB, half of it taken by something else.
try_full() {
	CT_DIR=''
	cat >"$TMPDIR/wrapper" <<-END
		#!/bin/sh
		mkdir -p "$TMPDIR/disk" && mount -t tmpfs -o size=6M none "$TMPDIR/disk" &&
		chmod 777 "$TMPDIR/disk" && head -c 3000000 /dev/zero >"$TMPDIR/disk/ballast" &&
		exec "$(realpath "$real")" "\$@" --store "$TMPDIR/disk/store.db"
	END
	chmod 755 "$TMPDIR/wrapper"
	cat >"$TMPDIR/alone" <<-END
		#!/bin/sh
		exec unshare -m --propagation private "$TMPDIR/wrapper" "\$@"
	END
	chmod 755 "$TMPDIR/alone"
	CLEARTAP=$TMPDIR/alone
	tap_ok "cleartap starts on a small disk" ct_start || return
	ask_many before-full 20 >"$TMPDIR/asked"
	tap_ok "committed before" count_is 20 'path.startsWith("/before-full/") and role == "client"'
	head -c 500000 /dev/urandom >"$TMPDIR/upload"
	for ((i = 0; i < 16; i++)); do
		curl -sSk --http1.1 -o /dev/null --max-time 20 --data-binary "@$TMPDIR/upload" \
			"https://127.0.0.1:$port/fill/$i"
	done
	tap_ok "a full disk is told of and counted" said_full
	tap_ok "a full disk: what was committed is there" count_is 20 \
		'path.startsWith("/before-full/") and role == "client"'
	tap_ok "a full disk: programs go on" ask full
	nsenter -t "$CT_PID" -m rm "$TMPDIR/disk/ballast"
	sleep 1
	is_shown after-full "with room again, new entries are stored"
	tap_ok "which is said" grep 'takes new entries again' "$CT_DIR/log"
	tap_ok "what was committed is still there" count_is 20 \
		'path.startsWith("/before-full/") and role == "client"'
	tap_ok "cleartap ends well" ct_stop
}

need_cleartap
need openssl setpriv unshare nsenter
make_cert "$TMPDIR"
port=$(free_port)
python3 "$srcdir/tests/e2e/server.py" 127.0.0.1 "$port" "$TMPDIR" 2>"$TMPDIR/server.log" &
at_exit_kill $!
wait_port "$port"
try_start
tap_ok "cleartap starts" ct_start --split-ends || tap_done
try_two
try_kill server 3 'killed by signal 9'
try_kill tracer 137 'tracer|tracing'
try_term
tap_ok "cleartap ends well" ct_stop
try_full
tap_done
