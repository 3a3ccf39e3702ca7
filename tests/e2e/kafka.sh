#!/bin/bash
# Kafka over TLS: kcat (librdkafka) as the client of a small broker of the test, since Debian has no
# broker; both ends. Produced and fetched records, compression, errors, logins.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

cat_() {
	timeout 20 kcat -b "localhost:$port" -X security.protocol=SASL_SSL \
		-X "ssl.ca.location=$TMPDIR/cert.pem" -X sasl.mechanism=PLAIN \
		-X sasl.username=ann -X "sasl.password=${CT_SECRETS[0]}" -X client.id=till-3 "$@"
}

# seen NAME COUNT FIELD=VALUE...: so many entries of Kafka with these
seen() {
	local name=$1 count=$2
	shift 2
	ct_check "$name" --count "$count" --protocol kafka lock=open --bind nested \
		--dst-port "$port" "$@"
}

# kfl NAME COUNT QUERY
kfl() { tap_ok "$1" ct_finds "$2" "$3"; }

need_cleartap
need openssl kcat python3
make_cert "$TMPDIR"
port=$(free_port)
python3 "$srcdir/tests/e2e/kafka_server.py" "$port" "$TMPDIR/cert.pem" "$TMPDIR/key.pem" \
	>"$TMPDIR/server.log" 2>&1 &
at_exit_kill $!
tap_ok "the broker starts" wait_port "$port" $! || tap_done
tap_ok "cleartap starts" ct_start || tap_done

printf 'k1:{"item":"tea","password":"%s"}\nk2:second\n' "${CT_SECRETS[1]}" >"$TMPDIR/records"
tap_ok "kcat produces" cat_ -P -t orders -K: -H origin=shop-7 "$TMPDIR/records" -l
printf 'pressed\n%.0s' {1..50} >"$TMPDIR/pressed"
tap_ok "kcat produces, gzip" cat_ -P -t orders -z gzip -X linger.ms=200 -l "$TMPDIR/pressed"
tap_ok "kcat produces, no acknowledgement" cat_ -P -t orders -X acks=0 -l "$TMPDIR/pressed"
printf 'x\n' | cat_ -P -t forbidden >"$TMPDIR/forbidden" 2>&1
tap_ok "kcat consumes" eval "cat_ -C -t orders -o beginning -c 52 -q >'$TMPDIR/consumed'"
tap_ok "all records came" grep -q second "$TMPDIR/consumed"

kfl "logins" '-ge 4' 'kafka and method == "SaslAuthenticate" and status == "OK" and request..auth_bytes != ""'
kfl "the mechanism" '-ge 4' 'method == "SaslHandshake" and request..mechanism == "PLAIN"'
kfl "flexible versions" '-ge 4' 'method == "ApiVersions" and version == "3" and status == "OK"'
kfl "metadata" '-ge 4' 'method == "Metadata" and status == "OK" and summary.contains("orders") and response.body.contains("broker 1 localhost")'
kfl "records that were produced" '= 1' 'method == "Produce" and topic == "orders" and kafka_records >= 1 and status == "OK" and request.body.contains("orders[0] k2: second") and request.body.contains("origin: shop-7")'
kfl "a pressed batch" '-ge 1' 'method == "Produce" and kafka_records == 50 and request.body.contains("orders[0] pressed") and complete'
kfl "no acknowledgement is due" '-ge 1' 'method == "Produce" and response_size == 0 and complete and status == ""'
kfl "refused" '-ge 1' 'method == "Produce" and topic == "forbidden" and status == "29 TOPIC_AUTHORIZATION_FAILED" and error'
kfl "records that were fetched" '-ge 1' 'method == "Fetch" and topic == "orders" and kafka_records >= 2 and response.body.contains("k2: second")'
kfl "the client names itself" '-ge 10' 'client_id == "till-3"'
kfl "both ends are one" '-ge 10' 'kafka and ends == "both"'
kfl "nothing is left that is not understood" '= 0' 'protocol == "tls"'
tap_ok "cleartap ends well, without a password in its store" ct_stop
tap_done
