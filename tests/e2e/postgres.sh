#!/bin/bash
# PostgreSQL over TLS, both ends traced: simple and extended queries with their SQL, parameters and
# rows, COPY, errors, notifications, a cancelled query; passwords are in no file of the store.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

secret=${CT_SECRETS[0]}
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
export PGPASSWORD=$secret PGSSLMODE=require PGCONNECT_TIMEOUT=10 PGHOST=127.0.0.1 PGUSER=app PGDATABASE=postgres

sql() { timeout 20 psql -X -q -p "$port" "$@"; }

postgres() { ct_check "$1" --protocol postgres --dst-port "$port" "${@:2}"; }

start_server() {
	local data=$TMPDIR/data
	install -d -o postgres -g postgres -m 700 "$data"
	printf '%s\n' "$secret" >"$TMPDIR/password"
	chown postgres "$TMPDIR/password"
	runuser -u postgres -- "$bin/initdb" -D "$data" -U app -A scram-sha-256 \
		--pwfile "$TMPDIR/password" -N >"$TMPDIR/initdb.log" 2>&1 || return 1
	install -o postgres -m 600 "$TMPDIR/cert.pem" "$TMPDIR/key.pem" "$data"
	runuser -u postgres -- "$bin/postgres" -D "$data" -p "$port" -k '' -c ssl=on \
		-c ssl_cert_file=cert.pem -c ssl_key_file=key.pem -c listen_addresses=127.0.0.1 \
		-c fsync=off >"$TMPDIR/postgres.log" 2>&1 &
	at_exit_kill $!
	wait_port "$port" $! || fail_with "$TMPDIR/postgres.log"
}

try_listen() {
	{
		printf 'LISTEN jobs;\n\\echo listens\n'
		eventually test -e "$TMPDIR/notified"
		echo 'SELECT 17;'
	} | sql >"$TMPDIR/listener" &
	eventually grep -q listens "$TMPDIR/listener"
	sql -c "NOTIFY jobs, 'number one'"
	touch "$TMPDIR/notified"
	wait $!
	postgres "a notification" --path 'jobs number one' method=Notification --complete
}

sleeps() { sql -At -c "SELECT 'it ' || 'does' FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(20)'" | grep 'it does'; }

try_cancel() {
	psql -X -q -p "$port" -c 'SELECT pg_sleep(20)' >/dev/null 2>&1 &
	local client=$!
	eventually sleeps
	kill -INT $client
	wait $client
	postgres "a cancelled query" --path 'SELECT pg_sleep(20)' status=57014 failed=true --complete
}

need_cleartap
[ -n "$bin" ] || tap_skip_all "postgresql is not installed"
need psql openssl runuser
make_cert "$TMPDIR"
port=$(free_port)
tap_ok "a server starts" start_server || tap_done
tap_ok "cleartap starts" ct_start || tap_done

sql -c 'CREATE TABLE t (id int, name text, password text)'
sql -c "INSERT INTO t (id, name, password) VALUES (1, 'Ann', '$secret'), (2, NULL, '$secret')"
sql -c 'SELECT id, name FROM t ORDER BY id' >/dev/null
sql -c 'SELECT * FROM nothing' 2>/dev/null
sql -c "ALTER USER app PASSWORD '$secret'"
printf '3\tBob\t\\N\n' | sql -c 'COPY t FROM STDIN'
sql -c 'COPY (SELECT id FROM t) TO STDOUT' >/dev/null
printf '\\set id random(1, 3)\nSELECT name FROM t WHERE id = :id;\n' >"$TMPDIR/bench.sql"
timeout 20 "$bin/pgbench" -n -p "$port" -M prepared -t 5 -f "$TMPDIR/bench.sql" >"$TMPDIR/bench.log" 2>&1

postgres "a login" --path app@postgres method=Startup status=OK --complete --count 7 lock=open \
	library=openssl ends=both src.process=psql
postgres "a query" --path 'SELECT id, name FROM t ORDER BY id' method=Query 'status=SELECT 2' \
	--complete ends=both
tap_ok "its rows" ct_holds 'sql.startsWith("SELECT id, name") and rows == 2' '{\"id\":2,\"name\":null}'
postgres "an error" --path 'SELECT * FROM nothing' status=42P01 failed=true --complete
tap_ok "is found by its SQLSTATE" ct_holds 'sqlstate == "42P01" and error' 'does not exist'
postgres "a value of a column that is a secret" 'status=INSERT 0 2' --complete \
	--path "INSERT INTO t (id, name, password) VALUES (1, 'Ann', '•••'), (2, NULL, '•••')"
postgres "a password that is changed" --path "ALTER USER app PASSWORD '•••'" --complete
postgres "COPY to the server" --path 'COPY t FROM STDIN' 'status=COPY 1' --complete
postgres "COPY from the server" --path 'COPY (SELECT id FROM t) TO STDOUT' 'status=COPY 3' --complete
postgres "a prepared statement" --path 'SELECT name FROM t WHERE id = $1;' method=Parse --complete
postgres "is run by its name" --path 'SELECT name FROM t WHERE id = $1;' method=Execute --count 5 \
	'status=SELECT 1' --complete
tap_ok "with parameters" ct_holds 'postgres and method == "Execute"' '\n$1 = \"'
try_listen
try_cancel
tap_ok "cleartap ends well, without a secret in its store" ct_stop
tap_done
