#!/bin/bash
# Secrets as programs send them are in no file of the store, and bodies that are made to be slow to
# look through hold up nobody.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

password=${CT_SECRETS[0]} token=${CT_SECRETS[1]} cookie=${CT_SECRETS[2]}

request() { curl -sS -k --max-time 10 -o /dev/null "$@"; }

# What README shows, and what else curl's users do.
send_secrets() {
	local version url=https://127.0.0.1:$port
	for version in --http1.1 --http2; do
		request $version -d "user=me&password=$password" "$url/login"
		request $version -u "me:$password" "$url/basic?api_key=$token"
		request $version -H "Authorization: Bearer $token" -b "sid=$cookie" "$url/bearer"
		request $version -H "Content-Type: text/plain" -d "{\"db_password\":\"$password\"}" "$url/json"
		request $version -F "user=me" -F "password=$password" "$url/form"
		request $version -H "Referer: $url/a?token=$token" "$url/;jsessionid=$cookie"
		request $version -d "query=mutation { login(password: \"$password\") { ok } }" "$url/graphql"
	done
}

stat_of() { ct_get /api/stats | grep -o "\"$1\":[0-9]*" | head -n 1 | cut -d : -f 2; }

# plain_entries N: so many ordinary requests are stored within some seconds
plain_entries() {
	local i n
	for ((i = 0; i < 100; i++)); do
		n=$(ct_get '/api/entries?limit=1000' -G --data-urlencode \
			'q=path.startsWith("/plain/") and role == "client"' | grep -o '"summary":"/plain/' | wc -l)
		[ "$n" = "$1" ] && return
		sleep 0.1
	done
	echo "$n of $1"
	return 1
}

need_cleartap
need node
mkdir "$TMPDIR/s"
make_cert "$TMPDIR/s"
mkfifo "$TMPDIR/port"
node "$srcdir/tests/e2e/secrets.mjs" "$TMPDIR/s" "$token" "$cookie" >"$TMPDIR/port" &
at_exit_kill $!
read -r -t 20 port <"$TMPDIR/port"
tap_ok "cleartap starts" ct_start || tap_done
tap_ok "requests with secrets are sent" send_secrets
ct_check "a login is seen" --protocol http --path /login --role client --dst-port "$port" --status 200 --complete
ct_check "who used the same password stays visible" --protocol http --path /json --role client --dst-port "$port" --complete
tap_ok "ordinary requests are answered" test "$("$srcdir/tests/e2e/hostile_body.py" "$port")" = 200
tap_ok "and stored at once, whatever others sent" plain_entries 200
tap_ok "nothing was lost" test "$(stat_of dropped)" = 0
tap_ok "what is not kept is counted" test "$(stat_of over_budget)" -gt 0
tap_ok "cleartap ends well, without a secret in its store" ct_stop
tap_ok "masks are there" grep -a -q -F '•••' "$CT_DIR"/store.db*
tap_done
