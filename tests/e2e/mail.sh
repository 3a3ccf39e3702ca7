#!/bin/bash
# Mail over TLS, both ends: SMTP of curl and Python's smtplib with aiosmtpd and Postfix, after STARTTLS
# and with TLS from the start; IMAP of curl and imaplib with dovecot. No password is told.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

password=${CT_SECRETS[0]}

start_server() {
	plain=$(free_port)
	port=$(free_port)
	/usr/bin/python3 "$srcdir/tests/e2e/mail_server.py" "$TMPDIR" "$plain" "$port" ann "$password" \
		>"$TMPDIR/server.log" 2>&1 &
	server=$!
	at_exit_kill $server
	{ wait_port "$plain" $server && wait_port "$port" $server; } || fail_with "$TMPDIR/server.log"
}

start_dovecot() {
	imap=$(free_port)
	mkdir "$TMPDIR/mails"
	chown mail "$TMPDIR/mails"
	cat >"$TMPDIR/dovecot.conf" <<-END
		base_dir = $TMPDIR/dovecot
		state_dir = $TMPDIR/dovecot
		log_path = $TMPDIR/dovecot.log
		protocols = imap
		listen = 127.0.0.1
		ssl = required
		ssl_cert = <$TMPDIR/cert.pem
		ssl_key = <$TMPDIR/key.pem
		mail_location = maildir:$TMPDIR/mails
		first_valid_uid = 1
		auth_mechanisms = plain login
		passdb {
		  driver = static
		  args = user=ann password=$password
		}
		userdb {
		  driver = static
		  args = uid=mail gid=mail home=$TMPDIR/mails
		}
		service imap-login {
		  inet_listener imap {
		    port = 0
		  }
		  inet_listener imaps {
		    port = $imap
		    ssl = yes
		  }
		}
		namespace inbox {
		  inbox = yes
		}
	END
	dovecot -F -c "$TMPDIR/dovecot.conf" >"$TMPDIR/dovecot.out" 2>&1 &
	dovecot=$!
	at_exit_kill $dovecot
	wait_port "$imap" $dovecot || { cat "$TMPDIR/dovecot.log"; fail_with "$TMPDIR/dovecot.out"; }
}

# Its OpenSSL has the socket itself.
start_postfix() {
	local dir=$TMPDIR/postfix service
	smtp=$(free_port)
	mkdir "$dir" "$dir/conf" "$dir/spool"
	install -d -o postfix "$dir/data"
	cat >"$dir/conf/main.cf" <<-END
		compatibility_level = 3.6
		queue_directory = $dir/spool
		data_directory = $dir/data
		maillog_file = $dir/log
		maillog_file_prefixes = $dir
		inet_interfaces = 127.0.0.1
		inet_protocols = ipv4
		myhostname = till.example
		mydestination =
		alias_maps =
		default_transport = discard
		smtpd_recipient_restrictions = permit_mynetworks, reject
		smtpd_tls_cert_file = $TMPDIR/cert.pem
		smtpd_tls_key_file = $TMPDIR/key.pem
		smtpd_tls_security_level = encrypt
	END
	{
		echo "127.0.0.1:$smtp inet n - n - - smtpd"
		echo "postlog unix-dgram n - n - 1 postlogd"
		echo "rewrite unix - - n - - trivial-rewrite"
		echo "cleanup unix n - n - 0 cleanup"
		echo "qmgr unix n - n 300 1 qmgr"
		for service in discard error bounce tlsmgr anvil proxymap; do
			echo "$service unix - - n - 1 $service"
		done
	} >"$dir/conf/master.cf"
	postfix -c "$dir/conf" start-fg >"$dir/out" 2>&1 &
	postfix=$!
	wait_port "$smtp" $postfix || { cat "$dir/out"; fail_with "$dir/log"; }
	at_exit_kill "$postfix" "$(pgrep -o -P "$postfix")"
}

# at_server NAME QUERY: the server's end has seen it, too. Where TLS writes to memory (asyncio, dovecot) nobody
# knows yet which socket that is, and it is an entry of its own.
at_server() {
	tap_ok "$1" ct_finds '-ge 1' "complete and (role == \"server\" or ends == \"both\") and $2"
}

# seen NAME ARGUMENT...: one entry of SMTP
seen() {
	ct_check "$1" --protocol smtp --complete lock=open "${@:2}"
}

# seen_imap NAME ARGUMENT...: one entry of IMAP
seen_imap() {
	ct_check "$1" --protocol imap --complete lock=open --role client --dst-port "$imap" "${@:2}"
}

# send URL LOGIN-OPTION...: the mail, by curl
send() {
	curl -sS --max-time 10 --cacert "$TMPDIR/cert.pem" --ssl-reqd "$1" "${@:2}" \
		--mail-from ann@a.example --mail-rcpt bob@b.example --upload-file "$TMPDIR/mail" \
		>"$TMPDIR/curl.out" 2>&1 || { tap_diag <"$TMPDIR/curl.out"; return 1; }
}

need_cleartap
need dovecot postfix
[ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null ||
	tap_skip_all "aiosmtpd is not installed"
make_cert "$TMPDIR"
tap_ok "a mail server starts" start_server || tap_done
tap_ok "dovecot starts" start_dovecot || tap_done
tap_ok "Postfix starts" start_postfix || tap_done
printf 'From: Ann <ann@a.example>\r\nTo: bob@b.example\r\nSubject: order 17\r\n\r\nHello\r\n.\r\n' \
	>"$TMPDIR/mail"
tap_ok "cleartap starts" ct_start || tap_done

send "smtp://localhost:$plain/client.example" --user "ann:$password" --login-options AUTH=PLAIN
client=(--role client --dst-port "$plain" src.process=curl)
seen "the hello after STARTTLS" "${client[@]}" --method EHLO summary=client.example status=250
seen "AUTH PLAIN" "${client[@]}" --method AUTH summary=PLAIN status=235
seen "the sender" "${client[@]}" --method MAIL summary=ann@a.example status=250
seen "the recipient" "${client[@]}" --method RCPT summary=bob@b.example status=250
seen "the mail, with its dots as they were" "${client[@]}" --method DATA status=250 \
	summary="order 17 - from Ann <ann@a.example> to bob@b.example" --request-body "$TMPDIR/mail"
seen "the end" "${client[@]}" --method QUIT status=221
of="smtp and dst.pid == $server"
at_server "the sender, at the server's end" "$of and method == \"MAIL\" and summary == \"ann@a.example\" and status == \"250\""
at_server "the mail, at the server's end" "$of and method == \"DATA\" and request.body.contains(\"Hello\")"
at_server "the login, at the server's end" "$of and method == \"AUTH\" and status == \"235\""

send "smtp://localhost:$smtp/client.example"
client=(--role client --dst-port "$smtp" src.process=curl dst.process=smtpd ends=both --bind nested)
seen "Postfix: the hello after STARTTLS" "${client[@]}" --method EHLO summary=client.example status=250
seen "Postfix: the sender" "${client[@]}" --method MAIL summary=ann@a.example status=250
seen "Postfix: the recipient" "${client[@]}" --method RCPT summary=bob@b.example status=250
seen "Postfix: the mail" "${client[@]}" --method DATA status=250 --request-body "$TMPDIR/mail"
seen "Postfix: the end" "${client[@]}" --method QUIT status=221

send "smtps://localhost:$port/direct.example" --user "ann:$password" --login-options AUTH=LOGIN
client=(--role client --dst-port "$port" src.process=curl)
seen "a greeting, with TLS from the start" "${client[@]}" --method greeting status=220
seen "AUTH LOGIN" "${client[@]}" --method AUTH summary=LOGIN status=235
seen "the mail once more" "${client[@]}" --method DATA --request-body "$TMPDIR/mail"

# Python: what fails, and a login with the wrong password.
timeout 20 /usr/bin/python3 - "$TMPDIR/cert.pem" "$port" "${CT_SECRETS[1]}" <<-'END' || tap_diag <<<"smtplib failed"
	import smtplib, ssl, sys
	context = ssl.create_default_context(cafile=sys.argv[1])
	with smtplib.SMTP_SSL("localhost", int(sys.argv[2]), "py.example", context=context) as smtp:
	    try:
	        smtp.login("ann", sys.argv[3])
	    except smtplib.SMTPAuthenticationError:
	        pass
	    smtp.mail("ann@a.example")
	    smtp.rcpt("nobody@b.example")
	    smtp.verify("bob")
END
seen "a wrong password" --dst-port "$port" --role client --method AUTH --count 1 status=535 \
	summary=PLAIN
seen "nobody there" --dst-port "$port" --role client --method RCPT --count 1 status=550 \
	summary=nobody@b.example
seen "VRFY" --dst-port "$port" --role client --method VRFY status=252 summary=bob

# IMAP: a mail is put into a folder and fetched, by curl.
get() {
	curl -sS --max-time 10 --cacert "$TMPDIR/cert.pem" --user "ann:$password" \
		"imaps://localhost:$imap/$1" "${@:2}" >"$TMPDIR/curl.out" 2>&1 ||
		{ tap_diag <"$TMPDIR/curl.out"; return 1; }
}
get INBOX --upload-file "$TMPDIR/mail"
seen_imap "a mail is put into a folder" --method APPEND status=OK src.process=curl \
	summary="INBOX: order 17" --request-body "$TMPDIR/mail"
get "INBOX;MAILINDEX=1"
cmp "$TMPDIR/curl.out" "$TMPDIR/mail" | tap_diag
seen_imap "and fetched" --method FETCH status=OK src.process=curl summary="1 BODY[]"
of='imap and dst.process == "imap-login" and status == "OK"'
at_server "a mail is put into a folder, at dovecot's end" \
	"$of and summary == \"INBOX: order 17\" and request.body.contains(\"Hello\")"
at_server "and fetched, at dovecot's end" \
	"$of and method == \"FETCH\" and summary == \"1 BODY[]\" and response.body.contains(\"Hello\")"
get INBOX -X "SEARCH SUBJECT order"
seen_imap "a search" --method SEARCH status=OK src.process=curl summary="SUBJECT order"
get "Nowhere;MAILINDEX=1" >/dev/null || :
seen_imap "no such folder" --method SELECT status=NO failed=true summary=Nowhere

# imaplib: LOGIN, a wrong password, and IDLE, which goes on until it is done.
timeout 60 /usr/bin/python3 - "$TMPDIR/cert.pem" "$imap" "$password" "${CT_SECRETS[1]}" "$TMPDIR/done" <<-'END' &
	import imaplib, os, ssl, sys, time
	context = ssl.create_default_context(cafile=sys.argv[1])
	with imaplib.IMAP4_SSL("localhost", int(sys.argv[2]), ssl_context=context) as imap:
	    try:
	        imap.login("ann", sys.argv[4])
	    except imaplib.IMAP4.error:
	        pass
	    imap.login("ann", sys.argv[3])
	    imap.select("INBOX", readonly=True)
	    imap.send(imap._new_tag() + b" IDLE\r\n")
	    imap.readline()
	    while not os.path.exists(sys.argv[5]):
	        time.sleep(0.05)
	    imap.send(b"DONE\r\n")
	    imap.readline()
END
idle=$!
at_exit_kill $idle
seen_imap "IDLE lives" --method IDLE open=true
touch "$TMPDIR/done"
wait $idle
seen_imap "and is done" --method IDLE open=false status=OK
seen_imap "a login" --method LOGIN status=OK
seen_imap "a wrong one" --method LOGIN status=NO
seen_imap "a folder to look at" --method EXAMINE status=OK summary=INBOX

tap_ok "the language knows them" ct_finds '-ge 2' \
	'smtp and mail_subject == "order 17" and mail_to == "bob@b.example"'
coded=$(printf '\0ann\0%s' "$password" | base64)
tap_ok "no password is stored" ct_no_secrets "$password" "${CT_SECRETS[1]}" "$coded" \
	"$(printf %s "$password" | base64)" "$(printf %s "${CT_SECRETS[1]}" | base64)"
tap_ok "cleartap ends well" ct_stop
tap_done
