#!/bin/bash
# LDAP over TLS, of OpenLDAP's programs and server (GnuTLS): operations, results, and no password.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

password=${CT_SECRETS[0]}
base=dc=cleartap,dc=test

start_slapd() {
	port=$(free_port)
	plain=$(free_port)
	mkdir "$TMPDIR/db"
	cat >"$TMPDIR/slapd.conf" <<-END
		include /etc/ldap/schema/core.schema
		include /etc/ldap/schema/cosine.schema
		include /etc/ldap/schema/inetorgperson.schema
		pidfile $TMPDIR/slapd.pid
		modulepath /usr/lib/ldap
		moduleload back_mdb
		TLSCertificateFile $TMPDIR/cert.pem
		TLSCertificateKeyFile $TMPDIR/key.pem
		database mdb
		maxsize 10000000
		suffix "$base"
		rootdn "cn=admin,$base"
		rootpw $password
		directory $TMPDIR/db
	END
	slapd -d 0 -f "$TMPDIR/slapd.conf" -h "ldaps://127.0.0.1:$port ldap://127.0.0.1:$plain" \
		>"$TMPDIR/slapd.log" 2>&1 &
	server=$!
	at_exit_kill $server
	wait_port "$port" $server || fail_with "$TMPDIR/slapd.log"
}

# run TOOL ARGUMENT...: as the administrator
run() {
	LDAPTLS_REQCERT=never timeout 10 "$@" -H "ldaps://127.0.0.1:$port" -x -D "cn=admin,$base" \
		-w "$password" >"$TMPDIR/tool.out" 2>&1
}

# seen NAME ARGUMENT...: one entry of both ends
seen() {
	ct_check "$1" --protocol ldap --role client --dst-process slapd --dst-pid "$server" \
		--dst-port "$port" --complete lock=open ends=both library=gnutls "${@:2}"
}

need_cleartap
need slapd ldapsearch
make_cert "$TMPDIR"
start_slapd
tap_ok "cleartap starts" ct_start || tap_done

run ldapadd <<END || tap_diag <"$TMPDIR/tool.out"
dn: $base
objectClass: dcObject
objectClass: organization
o: cleartap
dc: cleartap

dn: uid=ann,$base
objectClass: inetOrgPerson
uid: ann
cn: Ann
sn: Lee
userPassword: ${CT_SECRETS[1]}
END
seen "bind" --method bind status=success summary="cn=admin,$base"
seen "an entry is added" --method add status=success summary="uid=ann,$base"
run ldapsearch -b "$base" '(&(objectClass=inetOrgPerson)(uid=a*))' cn sn
printf 'dn: uid=ann,%s\ncn: Ann\nsn: Lee\n' "$base" >"$TMPDIR/found"
seen "a search" --method search status=success --src-process ldapsearch \
	summary="$base (&(objectClass=inetOrgPerson)(uid=a*))" --response-body "$TMPDIR/found"
run ldapdelete "uid=nobody,$base"
seen "what is not there" --method delete status=noSuchObject failed=true \
	summary="uid=nobody,$base"
tap_ok "the language knows them" ct_finds 1 'ldap and ldap_filter.contains("uid=a*")'

# TLS that begins in the middle: ldap:// and StartTLS.
LDAPTLS_REQCERT=never timeout 10 ldapwhoami -ZZ -H "ldap://127.0.0.1:$plain" -x -D "cn=admin,$base" \
	-w "$password" >"$TMPDIR/tool.out" 2>&1 || tap_diag <"$TMPDIR/tool.out"
ct_check "after StartTLS" --protocol ldap --method extended summary="Who am I?" status=success \
	--src-process ldapwhoami --dst-port "$plain" --complete ends=both
# Its password, and the stored one, were sent several times.
tap_ok "no password is stored" ct_no_secrets "$password" "${CT_SECRETS[1]}"
tap_ok "cleartap ends well" ct_stop
tap_done
