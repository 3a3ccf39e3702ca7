#!/bin/bash
# A hundred POSTs that do not end take no more memory than there may be, and nothing of others.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
posts=$srcdir/tests/e2e/slow_posts.py
COUNT=${COUNT:-100} EACH=${EACH:-4} # MiB
SERVER_MIB=512 TRACER_MIB=64

# talk NAME ARGUMENT...: run it, with its lines at descriptors of that name; sets talk_pid
talk() {
	local name=$1 in
	mkfifo "$TMPDIR/$name.in" "$TMPDIR/$name.out"
	timeout 60 "$posts" "$TMPDIR" "${@:2}" <"$TMPDIR/$name.in" >"$TMPDIR/$name.out" &
	at_exit_kill $!
	exec {in}>"$TMPDIR/$name.in"
	printf -v "${name}_in" %s "$in"
	exec {in}<"$TMPDIR/$name.out"
	printf -v "${name}_out" %s "$in"
	read -r -t 20 -u "$in" _ talk_port || return
	talk_pid=$(pgrep -P $! -f slow_posts.py | head -n 1)
}

server_pid() { pgrep -P "$CT_PID" -x cleartap | head -n 1; }

most_mib() { awk '/^VmHWM:/ { print int($2 / 1024) }' "/proc/$1/status"; }

# below NAME PID MIB
below() {
	local most
	most=$(most_mib "$2") || return
	echo "$1 took $most MiB at most"
	[ "$most" -le "$3" ]
}

stat_of() { ct_get /api/stats | grep -o "\"$1\":[0-9]*" | head -n 1 | cut -d : -f 2; }

gave_way() {
	local n held limit
	n=$(stat_of gave_way) held=$(stat_of held_bytes) limit=$(stat_of held_limit_bytes)
	echo "$n gave way, $held bytes of $limit are held"
	[ "$n" -gt 0 ] && [ "$held" -gt 0 ] && [ "$held" -le "$limit" ]
}

# told REASON: of an entry of those that were held
told() {
	ct_get "/api/entries?limit=1000" --get --data-urlencode 'q=path.startsWith("/held/") and !open' |
		grep -o "\"reason\":\"[^\"]*$1[^\"]*\"" | head -n 3 | grep .
}

told_at_last() {
	local i
	for ((i = 0; i < 50; i++)); do
		told "$1" && return
		sleep 0.1
	done
	return 1
}

need_cleartap
need openssl
make_cert "$TMPDIR"
talk many "$COUNT" "$EACH" || tap_ok "clients start" false
many=$talk_pid port=$talk_port
talk other one "$port" /other || tap_ok "clients start" false
tap_ok "cleartap starts" ct_start --budget 32M --pid "$many" --pid "$talk_pid" || tap_done
server=$(server_pid)
echo go >&"$many_in"
read -r -t 40 -u "$many_out" _ held
tap_ok "$COUNT POSTs are held" [ "$held" = "$COUNT" ]
sleep 2
tap_ok "the largest gave way, and it is told" gave_way
echo go >&"$other_in"
ct_check "another's exchange is whole" --path /other --method POST --status 200 --complete \
	--src-pid "$talk_pid" --wait 5
echo end >&"$many_in"
tap_ok "entries say why" told_at_last "memory was short"
tap_ok "the server has its bound" below server "$server" $SERVER_MIB
tap_ok "the tracer has its bound" below tracer "$CT_PID" $TRACER_MIB
echo "# server $(most_mib "$server") MiB, tracer $(most_mib "$CT_PID") MiB"
tap_ok "cleartap ends well" ct_stop
tap_done
