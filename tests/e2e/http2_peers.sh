#!/bin/bash
# HTTP/2 of Apache (mod_http2) with curl and Python's httpx, both ends: each request has a number in its path
# and in a header, which the answer has in its body and in a header.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
here=$srcdir/tests/e2e
export CURL_HOME=$TMPDIR

start_apache() {
	local modules=/usr/lib/apache2/modules i
	mkdir -p "$TMPDIR/www/slow"
	for ((i = 1; i <= 400; i++)); do
		echo "body of $i" >"$TMPDIR/www/$i"
	done
	port=$(free_port)
	cat >"$TMPDIR/apache.conf" <<-END
		ServerRoot $TMPDIR
		ServerName localhost
		PidFile $TMPDIR/apache.pid
		ErrorLog $TMPDIR/apache.err
		User nobody
		LoadModule mpm_event_module $modules/mod_mpm_event.so
		LoadModule authz_core_module $modules/mod_authz_core.so
		LoadModule headers_module $modules/mod_headers.so
		LoadModule socache_shmcb_module $modules/mod_socache_shmcb.so
		LoadModule ssl_module $modules/mod_ssl.so
		LoadModule http2_module $modules/mod_http2.so
		Listen 127.0.0.1:$port
		Protocols h2 http/1.1
		SSLEngine on
		SSLCertificateFile $TMPDIR/cert.pem
		SSLCertificateKeyFile $TMPDIR/key.pem
		DocumentRoot $TMPDIR/www
		Header set X-Id "expr=%{req_novary:X-Id}"
	END
	chmod -R a+rX "$TMPDIR"
	apache2 -f "$TMPDIR/apache.conf" -DFOREGROUND >"$TMPDIR/apache.out" 2>&1 &
	at_exit_kill $!
	wait_port "$port" $! || { cat "$TMPDIR/apache.out" "$TMPDIR/apache.err"; return 1; }
}

# ask FIRST LAST: by curl, all at once
ask() {
	local i
	for ((i = $1; i <= $2; i++)); do
		printf 'next\nurl = https://localhost:%s/%s\nheader = "X-Id: %s"\ninsecure\noutput = /dev/null\n' \
			"$port" "$i" "$i"
	done | sed 1d >"$TMPDIR/asks"
	curl -sS -Z --parallel-max 100 -K "$TMPDIR/asks" 2>&1
}

# By httpx: a hundred at once over one connection (asyncio, so memory BIOs), and one by one (blocking).
ask_httpx() {
	timeout 30 /usr/bin/python3 - "$port" <<-'END' 2>&1
		import asyncio, ssl, sys
		import httpx
		url = "https://localhost:%s/" % sys.argv[1]
		context = ssl.create_default_context()
		context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

		def check(i, a):
		    assert a.http_version == "HTTP/2" and a.text == "body of %d\n" % i, (i, a)
		    assert a.headers["x-id"] == str(i), (i, a.headers)

		async def at_once():
		    limits = httpx.Limits(max_connections=1)
		    async with httpx.AsyncClient(http2=True, verify=context, limits=limits, timeout=20) as c:
		        ids = range(101, 201)
		        answers = await asyncio.gather(
		            *(c.get(url + str(i), headers={"X-Id": str(i)}) for i in ids))
		        for i, a in zip(ids, answers):
		            check(i, a)

		asyncio.run(at_once())
		with httpx.Client(http2=True, verify=context, timeout=20) as c:
		    for i in range(201, 251):
		        check(i, c.get(url + str(i), headers={"X-Id": str(i)}))
	END
}

is_there() { "$here/check_http2.py" "$CT_SOCK" "$@"; }

need_cleartap
need apache2 openssl
[ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import httpx, h2' 2>/dev/null ||
	tap_skip_all "httpx with h2 is not installed"
make_cert "$TMPDIR"
tap_ok "Apache starts" start_apache || tap_done
tap_ok "cleartap starts" ct_start || tap_done
tap_ok "curl: a hundred at once" ask 1 100
tap_ok "are a hundred pairs, both ends, each with its number" is_there 'http2 and src.process == "curl"' 100 \
	'body of {}\n' ends=both role=client
tap_ok "httpx: a hundred at once, and fifty one by one" ask_httpx
tap_ok "are as many pairs, each with its number" is_there 'http2 and src.process == "python3"' 150 \
	'body of {}\n' role=client
tap_ok "at Apache's end, too" is_there \
	'dst.process == "apache2" and path.matches("^/(10[1-9]|1[1-9][0-9]|2[0-9][0-9])$") and (role == "server" or ends == "both")' \
	150 'body of {}\n'
tap_ok "cleartap ends well" ct_stop
tap_done
