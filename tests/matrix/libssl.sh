#!/bin/bash
# shellcheck disable=SC2016,SC2317
# Programs of other Debian suites with their own libssl, each in an unpacked root of its own as in
# a container, while cleartap runs outside. SUITES="bullseye sid" tries some of them only.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
SUITES=${SUITES:-bullseye bookworm trixie sid}
declare -A root port
go_port=$(free_port)

# in_root SUITE COMMAND...: in a mount namespace of its own, with the suite's files as the root.
# What the program may write is a tmpfs at /tmp; /srv holds files of this test.
in_root() {
	# shellcheck disable=SC2086
	exec ${LIMIT:+timeout $LIMIT} unshare -m --propagation private bash -c '
		mount --bind "$1" "$1" && cd "$1" && mount --bind "$2" srv &&
		mount -t proc proc proc && mount -t tmpfs tmpfs tmp && mount --rbind /dev dev &&
		pivot_root . . && umount -l . && shift 2 && cd /srv && exec "$@"' \
		- "${root[$1]}" "$TMPDIR/srv" "${@:2}"
}

# start_server SUITE: that suite's s_server for HTTP/1.1 over IPv4.
start_server() {
	port[$1]=$(free_port)
	in_root "$1" openssl s_server -quiet -HTTP -accept "127.0.0.1:${port[$1]}" -4 \
		-key key.pem -cert cert.pem >>"$TMPDIR/servers" 2>&1 &
	at_exit_kill $!
	wait_port "${port[$1]}" $!
}

# page NAME: the file that s_server sends for /NAME.
page() {
	printf 'this is /%s\n' "$1" >"$TMPDIR/srv/body.$1"
	{
		printf 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n'
		printf 'Content-Length: %d\r\n\r\n' "$(stat -c %s "$TMPDIR/srv/body.$1")"
		cat "$TMPDIR/srv/body.$1"
	} >"$TMPDIR/srv/$1"
}

# curl_in SUITE URL [OPTION...]: prints the source port.
curl_in() {
	(in_root "$1" curl -sSk --http1.1 --max-time 20 -o /tmp/out -w '%{local_port}' "${@:2}")
}

# known PORT NAME ROLE...: what every entry of a GET of page NAME must hold.
known() {
	echo --protocol http --version 1.1 --library openssl --method GET --path "/$2" \
		--status 200 --src-ip 127.0.0.1 --dst-ip 127.0.0.1 --dst-port "$1" --complete \
		--response-body "$TMPDIR/srv/body.$2" lock=open
}

try_get() {
	local name=$1-get from
	page "$name"
	from=$(curl_in "$1" "https://127.0.0.1:${port[$1]}/$name")
	# shellcheck disable=SC2046
	set -- "$1" $(known "${port[$1]}" "$name") --src-port "$from"
	cell "$1" client "$CHECK" --socket "$CT_SOCK" "${@:2}" --role client --src-process curl
	cell "$1" server "$CHECK" --socket "$CT_SOCK" "${@:2}" --role server --dst-process openssl
}

try_post() {
	local from
	from=$(curl_in "$1" --data-binary @upload "https://[::1]:$go_port/$1-post")
	cell "$1" post-ipv6 "$CHECK" --socket "$CT_SOCK" --role client --library openssl \
		--method POST --path "/$1-post" --status 200 --src-ip ::1 --dst-ip ::1 \
		--src-port "$from" --dst-port "$go_port" --complete \
		--request-body "$TMPDIR/srv/upload" --response-body "$TMPDIR/srv/upload"
}

# The command line program writes and reads through BIOs.
try_s_client() {
	local name=$1-s_client from
	page "$name"
	from=$(free_port)
	printf 'GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n' "$name" |
		(LIMIT=20 in_root "$1" openssl s_client -quiet -bind "127.0.0.1:$from" \
			-connect "127.0.0.1:${port[$1]}") >>"$TMPDIR/clients" 2>&1
	# shellcheck disable=SC2046
	cell "$1" s_client "$CHECK" --socket "$CT_SOCK" $(known "${port[$1]}" "$name") \
		--role client --src-port "$from"
}

# A root that comes up while cleartap runs: it is found without a restart.
try_new() {
	local name=$1-new tries
	rm -rf "$TMPDIR/root"
	cp -a "${root[$1]}" "$TMPDIR/root"
	root[new]=$TMPDIR/root
	start_server new
	page warm-up
	for ((tries = 0; tries < 100; tries++)); do
		curl_in "$1" "https://127.0.0.1:${port[new]}/warm-up" >>"$TMPDIR/clients" 2>&1
		"$CHECK" --socket "$CT_SOCK" --path /warm-up --role server --wait 0.2 --count 0 \
			--dst-port "${port[new]}" >>"$TMPDIR/clients" 2>&1 || break
	done
	page "$name"
	curl_in "$1" "https://127.0.0.1:${port[new]}/$name" >>"$TMPDIR/clients" 2>&1
	# shellcheck disable=SC2046
	cell "$1" new-root "$CHECK" --socket "$CT_SOCK" $(known "${port[new]}" "$name") --role server
}

need_cleartap
need unshare openssl go
mkdir -p "$TMPDIR/srv"
make_cert "$TMPDIR/srv"
seq 1 20000 >"$TMPDIR/srv/upload"
go build -o "$TMPDIR/gotls" "$srcdir/tests/matrix/gotls.go"
"$TMPDIR/gotls" serve "[::1]:$go_port" &
at_exit_kill $!
for suite in $SUITES; do
	if root[$suite]=$("$srcdir/tests/vm/fetch.sh" root "$suite" amd64 curl openssl mount \
		2>"$TMPDIR/reason"); then
		start_server "$suite"
	else
		cell_skip "$suite" client "$(cat "$TMPDIR/reason")"
		unset "root[$suite]"
	fi
done
tap_ok "cleartap starts" ct_start --split-ends
for suite in $SUITES; do
	[ -n "${root[$suite]}" ] || continue
	table_set "$suite" libssl "$(chroot "${root[$suite]}" openssl version | cut -d ' ' -f 2)"
	try_get "$suite"
	try_post "$suite"
	try_s_client "$suite"
	try_new "$suite"
done
tap_ok "cleartap stops" ct_stop
table_print
tap_done
