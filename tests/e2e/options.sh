#!/bin/bash
# shellcheck disable=SC2317
# Options and requests that change what is captured: filters, pause, budget, kinds of probes, and
# the bound on the store while it runs.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
tls_cases=${tls_cases:-$builddir/tests/e2e/tls_cases}
declare -A port pid

serve() {
	port[$1]=$(free_port)
	"$TMPDIR/python-of-$$" "$srcdir/tests/e2e/server.py" 127.0.0.1 "${port[$1]}" "$TMPDIR" 2>"$TMPDIR/$1.log" &
	pid[$1]=$!
	at_exit_kill $!
	wait_port "${port[$1]}" $!
}

ask() { "${CURL:-curl}" -sSk --http1.1 -o /dev/null --max-time 20 "${CT_PLANT[@]}" "https://127.0.0.1:${port[$1]}/$2"; }

fresh() {
	[ -z "$CT_PID" ] || ct_stop
	CT_DIR=''
	tap_ok "cleartap starts with $*" ct_start --split-ends "$@"
}

# only ROLE PATH COUNT: so many entries of that role, and none of the other
only() {
	local other=client
	[ "$1" = client ] && other=server
	ct_check "$2: $3 of the $1" --path "/$2" --role "$1" --count "$3" --complete --status 200
	ct_check "$2: none of the $other" --path "/$2" --role $other --count 0
}

# A shell that runs one line of its standard input at a time.
start_shell() {
	mkfifo "$TMPDIR/$1.in"
	bash -s <"$TMPDIR/$1.in" >"$TMPDIR/$1.out" 2>&1 &
	pid[$1]=$!
	at_exit_kill $!
	exec {shell_fd}>"$TMPDIR/$1.in"
}

try_pid() {
	local i
	fresh --pid "${pid[one]}" || return
	for i in 1 2 3; do ask one pid; done
	ask two pid
	only server pid 3
	start_shell parent
	fresh --pid "${pid[parent]}" || return
	echo "curl -sk --http1.1 https://127.0.0.1:${port[one]}/child
		(sleep 0.1; curl -sk --http1.1 https://127.0.0.1:${port[one]}/grandchild)" >&"$shell_fd"
	ct_check "a child that starts later" --path /child --role client --status 200 --complete
	ct_check "a child of a child" --path /grandchild --role client --status 200 --complete
	ask one child
	only client child 1
}

# A child that was there before cleartap.
try_older_child() {
	mkfifo "$TMPDIR/older.in"
	# shellcheck disable=SC2016
	bash -c 'python3 "$@"; true' - "$srcdir/tests/e2e/early.py" 127.0.0.1 "${port[one]}" \
		<"$TMPDIR/older.in" >"$TMPDIR/older.out" 2>&1 &
	pid[older]=$!
	at_exit_kill $!
	exec {older_fd}>"$TMPDIR/older.in"
	for ((i = 0; i < 100; i++)); do
		[ -s "$TMPDIR/older.out" ] && break
		sleep 0.1
	done
	fresh --pid "${pid[older]}" || return
	echo /older >&"$older_fd"
	only client older 1
	exec {older_fd}>&-
}

try_exe() {
	local i
	fresh --exe "curl-of-$$" || return
	for ((i = 0; i < 20; i++)); do CURL=$TMPDIR/curl-of-$$ ask one exe; done
	ask one exe
	only client exe 20
	fresh --exe "*/python-of-$$" || return
	ask one exe-python
	only server exe-python 1
}

try_container() {
	local id group mount
	id=$(head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n')
	mount=$(findmnt -n -o TARGET -t cgroup2 | head -n 1)
	group=$mount/$id
	if [ -z "$mount" ] || ! mkdir "$group" 2>/dev/null; then
		tap_skip "--container" "no cgroup can be made"
		return
	fi
	fresh --container "${id:0:12}" || return
	bash -c 'echo $$ >"$1/cgroup.procs" && exec curl -sk --http1.1 "$2"' - "$group" \
		"https://127.0.0.1:${port[one]}/container" >/dev/null
	ask one container
	only client container 1
	ct_check "the container is told" --path /container "src.container=$id"
	rmdir "$group"
}

set_state() { ct_get /api/capture -X POST -d "{\"state\":\"$1\"}" -H 'Content-Type: application/json'; }

truncated_while_paused() {
	ct_get /api/stats | python3 -c 'import json, sys
sys.exit(json.load(sys.stdin)["capture"]["truncated_bytes"] < 100)'
}

# A connection that lives on while capture pauses: its later messages are in place. Whose answer comes
# after the pause nobody can prove while requests may be under way that were not seen, so question
# and answer are told apart; once the connection has been quiet they are one again.
try_pause() {
	mkfifo "$TMPDIR/pause.in"
	fresh || return
	python3 "$srcdir/tests/e2e/early.py" 127.0.0.1 "${port[one]}" <"$TMPDIR/pause.in" \
		>"$TMPDIR/pause.out" 2>&1 &
	at_exit_kill $!
	exec {pause_fd}>"$TMPDIR/pause.in"
	echo /pause-before >&"$pause_fd"
	ct_check "before the pause" --path /pause-before --role client --complete
	tap_ok "pause" set_state paused
	sleep 0.3
	echo /pause-during >&"$pause_fd"
	sleep 0.5
	ct_check "during the pause" --path /pause-during --count 0
	tap_ok "bytes during the pause are counted" truncated_while_paused
	tap_ok "resume" set_state running
	sleep 0.3
	echo /pause-after >&"$pause_fd"
	ct_check "after the pause: client" --path /pause-after --role client --method GET
	ct_check "after the pause: server" --path /pause-after --role server --method GET
	sleep 7
	echo /pause-next >&"$pause_fd"
	ct_check "the next: client" --path /pause-next --role client --complete --status 200
	ct_check "the next: server" --path /pause-next --role server --complete --status 200
	exec {pause_fd}>&-
}

# try_case NAME OPTION...
try_case() {
	timeout 60 "$tls_cases" "$1" >"$TMPDIR/$1" 2>"$TMPDIR/$1.log" ||
		tap_ok "$1" fail_with "$TMPDIR/$1.log"
	tap_ok "$case_of: $1" "$srcdir/tests/e2e/check_cases.py" "${@:2}" "$CT_SOCK" "$TMPDIR/$1"
}

try_cases() {
	local name kind
	case_of='--budget 8M'
	fresh --budget 8M || return
	try_case big --budget $((8 << 20)) --call $((4 << 20))
	case_of='--budget 10K'
	fresh --budget 10K || return
	try_case plain --budget $((10 << 10))
	for kind in multi perf; do
		case_of="--probes $kind"
		fresh --probes $kind || return
		for name in plain ex peek partial retry reuse clear fork longjmp; do try_case $name; done
	done
}

# Sizes of the store's files are looked at all the time.
watch_size() {
	local most=0 now
	while [ ! -e "$TMPDIR/stop" ]; do
		now=$(stat -c %s "$CT_DIR"/store.db* 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }')
		[ "$now" -le "$most" ] || most=$now
		echo "$most" >"$TMPDIR/most"
		sleep 0.02
	done
}

upload() {
	curl -sSk --http1.1 -o /dev/null --max-time 20 -H Expect: \
		--data-binary "@$TMPDIR/upload" "https://127.0.0.1:${port[one]}/size/$1"
}

# A disk that hesitates may cost bodies while the flood lasts; these are counted. After it, nothing
# may be missing.
try_size() {
	local i watcher
	fresh --max-size 48M || return
	yes 'nothing that could be taken for a secret' | head -c 250000 >"$TMPDIR/upload"
	watch_size &
	watcher=$!
	for ((i = 0; i < 99; i++)); do upload $i; done
	ct_check "--max-size: the last of the flood is there" --path /size/98 --role client
	upload 99
	ct_check "--max-size: the newest is there" --path /size/99 --role client --complete \
		--request-body "$TMPDIR/upload"
	ct_check "--max-size: the oldest is gone" --path /size/0 --count 0
	touch "$TMPDIR/stop"
	wait $watcher
	tap_ok "--max-size: never more ($(cat "$TMPDIR/most") bytes)" \
		test "$(cat "$TMPDIR/most")" -le $((48 << 20))
	tap_ok "--max-size: and not much less" test "$(cat "$TMPDIR/most")" -ge $((16 << 20))
}

# The tracer goes before all else, and its children must have their turn on the same processor.
confined() { exec taskset -c 0 "$program" "$@"; }

# rests PID: less than a tenth of a processor within two seconds.
rests() {
	local before after
	before=$(awk '{ print $14 + $15 }' "/proc/$1/stat")
	sleep 2
	after=$(awk '{ print $14 + $15 }' "/proc/$1/stat")
	echo "$((after - before)) ticks"
	[ $((after - before)) -lt $(($(getconf CLK_TCK) / 5)) ]
}

try_one_processor() {
	program=$CLEARTAP
	CLEARTAP=confined fresh || return
	tap_ok "on one processor the tracer rests" rests "$CT_PID"
	cp "$(command -v curl)" "$TMPDIR/fresh-curl"
	"$TMPDIR/fresh-curl" -sk --http1.1 "https://127.0.0.1:${port[one]}/confined" >/dev/null
	ct_check "and sees what starts" --path /confined --role client --status 200 --complete \
		--src-process fresh-curl
}

# Perf events are taken out one after another, 0.1 s each.
nobody_left() {
	local i
	for ((i = 0; i < 1200; i++)); do
		pgrep -f "$CT_DIR/store.db" >/dev/null || return 0
		sleep 0.1
	done
	pgrep -af "$CT_DIR/store.db"
	return 1
}

need_cleartap
need openssl
make_cert "$TMPDIR"
# Names that no other program has.
cp /usr/bin/python3 "$TMPDIR/python-of-$$"
cp "$(command -v curl)" "$TMPDIR/curl-of-$$"
serve one
serve two
try_pid
try_older_child
try_exe
try_container
try_pause
try_size
try_one_processor
if [ -x "$tls_cases" ]; then
	try_cases
else
	tap_skip "budget and probes" "tls_cases is not built (it needs libssl-dev)"
fi
tap_ok "cleartap ends well" ct_stop
tap_ok "what the kernel takes its time for goes on without it, and ends" nobody_left
tap_done
