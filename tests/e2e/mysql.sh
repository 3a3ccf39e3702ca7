#!/bin/bash
# MariaDB over TLS, both ends traced: its own client, PyMySQL, mysqlclient and Node.js' mysql2. Queries with
# rows, errors, transactions, prepared statements with parameters, LOAD DATA LOCAL, large rows, compression;
# passwords are in no file of the store.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

secret=${CT_SECRETS[0]}
modules=$srcdir/tests/web/node_modules

sql() {
	MYSQL_PWD=$secret timeout 20 mariadb --no-defaults -h 127.0.0.1 -P "$port" -u app --ssl \
		--local-infile=1 "$@" shop
}

mysql() { ct_check "$1" --protocol mysql "${@:2}"; }

start_server() {
	local data=$TMPDIR/data
	install -d -o mysql -m 700 "$data"
	TMPDIR=$data mariadb-install-db --no-defaults --user=mysql --datadir="$data" --skip-test-db \
		--auth-root-authentication-method=normal >"$TMPDIR/install.log" 2>&1 ||
		fail_with "$TMPDIR/install.log" || return 1
	install -o mysql -m 600 "$TMPDIR/cert.pem" "$TMPDIR/key.pem" "$data"
	TMPDIR=$data mariadbd --no-defaults --user=mysql --datadir="$data" --port="$port" --local-infile=1 \
		--bind-address=127.0.0.1 --socket="$data/sock" --skip-name-resolve \
		--ssl-cert="$data/cert.pem" --ssl-key="$data/key.pem" --max-allowed-packet=64M \
		--innodb-flush-log-at-trx-commit=0 >"$TMPDIR/server.log" 2>&1 &
	at_exit_kill $!
	wait_port "$port" $! || fail_with "$TMPDIR/server.log" || return 1
	timeout 20 mariadb --no-defaults -S "$data/sock" -u root <<-END
		CREATE DATABASE shop;
		CREATE TABLE shop.t (id INT AUTO_INCREMENT PRIMARY KEY, name TEXT, password TEXT, big LONGTEXT);
		CREATE USER app IDENTIFIED BY '$secret';
		GRANT ALL ON *.* TO app;
	END
}

talk_mariadb() {
	sql -e "INSERT INTO t (name, password) VALUES ('Ann', '$secret'), (\"Bob\", \"$secret\")" &&
		sql -e 'SELECT id, name FROM t ORDER BY id; SELECT 17 AS seventeen' >/dev/null || return 1
	sql -e 'SELECT * FROM nothing' 2>/dev/null
	sql -e "SET PASSWORD = PASSWORD('$secret')" &&
		sql -e 'START TRANSACTION; DELETE FROM t; ROLLBACK' || return 1
	printf '7\tCee\t\\N\t\\N\n' >"$TMPDIR/in.tsv"
	sql -e "LOAD DATA LOCAL INFILE '$TMPDIR/in.tsv' INTO TABLE t" &&
		sql -e "SELECT repeat('x', 700000) AS big" >/dev/null &&
		sql --max-allowed-packet=64M -e "SELECT repeat('y', 17000000) AS huge" >/dev/null &&
		sql --compress -e 'SELECT 4242 AS compressed' >/dev/null
}

need_cleartap
command -v mariadbd >/dev/null || tap_skip_all "mariadb-server is not installed"
need mariadb mariadb-install-db openssl node
/usr/bin/python3 -c 'import pymysql, MySQLdb' 2>/dev/null ||
	tap_skip_all "python3-pymysql and python3-mysqldb are not installed"
[ -d "$modules/mysql2" ] || tap_skip_all "npm ci has not been run in tests/web"
make_cert "$TMPDIR"
port=$(free_port)
tap_ok "a server starts" start_server || tap_done
tap_ok "cleartap starts" ct_start || tap_done

tap_ok "MariaDB's client talks" talk_mariadb
tap_ok "PyMySQL and mysqlclient talk" timeout 20 \
	/usr/bin/python3 "$srcdir/tests/e2e/mysql_talk.py" "$port" "$secret"
tap_ok "mysql2 talks" timeout 20 \
	node "$srcdir/tests/e2e/mysql_peer.mjs" "$(realpath "$modules")" "$port" "$secret"

mysql "logins of the client" --path app@shop method=Login status=OK --complete --count 9 lock=open \
	library=openssl ends=both src.process=mariadb --dst-port "$port"
mysql "a query" --path 'SELECT id, name FROM t ORDER BY id' method=Query 'status=2 rows' --complete ends=both
tap_ok "its rows" ct_holds 'sql.startsWith("SELECT id, name FROM t ORDER") and rows == 2' \
	'{\"id\":2,\"name\":\"Bob\"}'
mysql "an error" --path 'SELECT * FROM nothing' status=1146 failed=true --complete ends=both
tap_ok "is found by its numbers" ct_holds 'sqlstate == "42S02" and sql_code == 1146 and error' "doesn't exist"
mysql "values of a column that is a secret" 'status=2 affected' --complete ends=both \
	--path "INSERT INTO t (name, password) VALUES ('Ann', '•••'), (\"Bob\", '•••')"
tap_ok "what it changed" ct_holds 'affected_rows == 2 and insert_id == 1' 'Records: 2'
tap_ok "a password that is changed" ct_finds 1 'sql.startsWith("SET PASSWORD = ") and complete and status == "OK"'
mysql "a transaction" --path 'ROLLBACK' status=OK --complete --count 2
mysql "LOAD DATA LOCAL" --path "LOAD DATA LOCAL INFILE '$TMPDIR/in.tsv' INTO TABLE t" \
	'status=1 affected' --complete ends=both
tap_ok "with what was loaded" ct_holds 'sql.startsWith("LOAD DATA")' '7\tCee'
mysql "a compressed connection" --path 'SELECT 4242 AS compressed' 'status=1 row' --complete ends=both
mysql "a large row" --path "SELECT repeat('x', 700000) AS big" 'status=1 row' --complete ends=both
tap_ok "its size, and its first bytes" ct_holds 'sql.contains("700000) AS big")' 'xxx...'
tap_ok "of a row in several packets what was not copied is told" ct_finds 1 \
	'sql.contains("17000000") and complete == false and truncated_bytes > 15000000 and response_size > 16777216'

for client in pymysql mysqlclient mysql2; do
	tap_ok "$client: ids and their answers belong together" ct_finds 20 \
		"mysql and complete and src.process != \"mariadb\" and sql.contains(\"$client-id\") and rows == 1"
done
mysql "a duplicate" status=1062 failed=true --complete --path "INSERT INTO t (id) VALUES (1)"
tap_ok "statements of mysql2 are prepared once" ct_finds 1 'method == "Prepare" and sql.contains("mysql2-id")'
tap_ok "and run with parameters" ct_holds 'method == "Execute" and sql.contains("mysql2-id")' '\n?1 = \"'
tap_ok "a parameter that is a secret" ct_holds \
	'method == "Execute" and sql.startsWith("UPDATE t SET password") and complete' '\n?1 = \"•••'
tap_ok "nothing is left that is not understood" ct_finds 0 'protocol == "tls"'
tap_ok "cleartap ends well, without a secret in its store" ct_stop
tap_done
