#!/bin/bash
# MongoDB over TLS: Debian's PyMongo as the client of a small server of the test, since Debian has no
# server; both ends. Commands, documents, failures, logins, compression, replies that go on.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
peers="/usr/bin/python3 $srcdir/tests/e2e/mongo_peers.py"

# seen NAME COUNT FIELD=VALUE...: so many entries of MongoDB with these
seen() {
	local name=$1 count=$2
	shift 2
	ct_check "$name" --count "$count" --protocol mongodb lock=open --bind nested \
		--dst-port "$port" "$@"
}

# kfl NAME COUNT QUERY
kfl() { tap_ok "$1" ct_finds "$2" "$3"; }

try_talk() {
	local db=shop${1:+-zlib} how=${1:-plain}
	# shellcheck disable=SC2086
	tap_ok "$how: PyMongo talks" timeout 20 $peers talk "$port" "$TMPDIR/cert.pem" \
		"${CT_SECRETS[0]}" "$1"
	seen "$how: insert" 1 method=insert summary="$db.orders" status=OK --complete ends=both
	seen "$how: find" 1 method=find summary="$db.orders" status=OK --complete ends=both
	seen "$how: getMore" 1 method=getMore summary="$db.orders" status=OK --complete
	seen "$how: a write error" 1 method=insert summary="$db.unique" failed=true \
		status="11000 WriteError"
	seen "$how: not authorized" 1 method=drop summary="$db.forbidden" failed=true \
		status="13 Unauthorized"
	seen "$how: createUser" 1 method=createUser summary="$db.bob" status=OK --complete
}

need_cleartap
need openssl
/usr/bin/python3 -c 'import pymongo' 2>/dev/null || tap_skip_all "python3-pymongo is not installed"
make_cert "$TMPDIR"
port=$(free_port)
# shellcheck disable=SC2086
$peers serve "$port" "$TMPDIR/cert.pem" "$TMPDIR/key.pem" >"$TMPDIR/server.log" 2>&1 &
at_exit_kill $!
tap_ok "the server starts" wait_port "$port" $! || tap_done
tap_ok "cleartap starts" ct_start || tap_done
CT_SECRETS+=(payload-of-server)

try_talk ""
try_talk zlib
kfl "a login is seen" '-ge 2' 'method == "saslStart" and status == "OK"'
kfl "commands without an answer" '= 2' 'collection == "unasked" and complete and response_size == 0'
kfl "documents in KFL" '= 1' 'database == "shop" and request.body.json().documents[1].item == "thing 1"'
kfl "compression is named" '-ge 4' 'request..compression == "zlib"'
kfl "replies that go on are one exchange" '-ge 1' 'method == "ismaster" and complete and response_size > 800'
kfl "nothing is left that is not understood" '= 0' 'protocol == "tls"'
tap_ok "cleartap ends well, without a password in its store" ct_stop
tap_done
