#!/bin/bash
# MQTT 3.1.1 and 5 over TLS: mosquitto and its clients, both ends; logins, publications of each
# quality of service, subscriptions, refusals.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
secret=${CT_SECRETS[0]}

start_broker() {
	mosquitto_passwd -c -b "$TMPDIR/users" ann "$secret" || return
	printf 'user ann\ntopic readwrite sensors/#\n' >"$TMPDIR/acl"
	cat >"$TMPDIR/conf" <<-END
		listener $port 127.0.0.1
		cafile $TMPDIR/cert.pem
		certfile $TMPDIR/cert.pem
		keyfile $TMPDIR/key.pem
		allow_anonymous false
		password_file $TMPDIR/users
		acl_file $TMPDIR/acl
		user root
		log_type all
	END
	mosquitto -c "$TMPDIR/conf" >"$TMPDIR/broker.log" 2>&1 &
	at_exit_kill $!
	wait_port "$port" $!
}

pub() {
	mosquitto_pub -h localhost -p "$port" --cafile "$TMPDIR/cert.pem" -u ann -P "$secret" "$@"
}

# subscribe VERSION COUNT TOPIC...: until COUNT messages came
subscribe() {
	local version=$1 count=$2 topic topics=()
	shift 2
	for topic; do topics+=(-t "$topic"); done
	timeout 20 mosquitto_sub -h localhost -p "$port" --cafile "$TMPDIR/cert.pem" -u ann \
		-P "$secret" -V "$version" -i "reader-$version" -q 2 -C "$count" "${topics[@]}" \
		>"$TMPDIR/sub-$version" &
	sub_pid=$!
	at_exit_kill $!
}

# seen NAME COUNT FIELD=VALUE...: so many entries of MQTT with these
seen() {
	local name=$1 count=$2
	shift 2
	ct_check "$name" --count "$count" --protocol mqtt lock=open --bind nested \
		--dst-port "$port" "$@"
}

try_version() {
	local version=$1 shown=$2 qos i
	subscribe "$version" 3 "sensors/$version/#" sensors/also
	for ((i = 0; i < 50; i++)); do
		grep -q "reader-$version .*sensors/also" "$TMPDIR/broker.log" && break
		sleep 0.1
	done
	seen "$version: subscribed" 1 method=SUBSCRIBE version="$shown" src.process=mosquitto_sub \
		summary="sensors/$version/#, sensors/also" status=OK
	for qos in 0 1 2; do
		printf '{"reading":"%s-%s"}' "$version" "$qos" >"$TMPDIR/payload-$qos"
		pub -V "$version" -i "writer-$version-$qos" -q "$qos" \
			-t "sensors/$version/$qos" -f "$TMPDIR/payload-$qos"
	done
	wait "$sub_pid"
	tap_ok "$version: delivered" test "$(wc -c <"$TMPDIR/sub-$version")" -gt 20
	for qos in 0 1 2; do
		seen "$version: QoS $qos published" 1 method=PUBLISH version="$shown" \
			summary="sensors/$version/$qos" src.process=mosquitto_pub \
			status="$([ $qos = 0 ] || echo OK)" ends=both --complete \
			--request-body "$TMPDIR/payload-$qos"
		seen "$version: QoS $qos delivered" 1 method=PUBLISH version="$shown" \
			summary="sensors/$version/$qos" src.process=mosquitto_sub ends=both \
			status="$([ $qos = 0 ] || echo OK)" --complete \
			--request-body "$TMPDIR/payload-$qos"
		seen "$version: login $qos" 1 method=CONNECT summary="writer-$version-$qos" \
			status=OK ends=both --complete
	done
	seen "$version: said good-bye" 3 method=DISCONNECT version="$shown" \
		src.process=mosquitto_pub status=OK
}

# kfl NAME COUNT QUERY
kfl() { tap_ok "$1" ct_finds "$2" "$3"; }

need_cleartap
need mosquitto mosquitto_pub mosquitto_sub mosquitto_passwd openssl
make_cert "$TMPDIR"
port=$(free_port)
tap_ok "mosquitto starts" start_broker || tap_done
tap_ok "cleartap starts" ct_start || tap_done

try_version mqttv311 3.1.1
try_version mqttv5 5
# A large payload; two wrong logins; a topic that is not allowed.
seq 1 30000 >"$TMPDIR/large"
pub -V mqttv5 -i large -q 1 -t sensors/large -D publish user-property colour red -f "$TMPDIR/large"
seen "a large payload" 1 method=PUBLISH summary=sensors/large request_size=168930 \
	status="No matching subscribers"
pub -V mqttv311 -P "${CT_SECRETS[1]}" -i wrong-311 -t sensors/x -m x 2>/dev/null
seen "3.1.1: refused" 1 method=CONNECT summary=wrong-311 status="Not authorized" failed=true
pub -V mqttv5 -P "${CT_SECRETS[1]}" -i wrong-5 -t sensors/x -m x 2>/dev/null
seen "5: refused" 1 method=CONNECT summary=wrong-5 status="Not authorized" failed=true
pub -V mqttv5 -i forbidden -q 1 -t other/x -m x 2>/dev/null
seen "5: not allowed to publish" 1 method=PUBLISH summary=other/x status="Not authorized"
kfl "topic in KFL" 1 'mqtt and topic == "other/x" and error and mqtt_qos == 1'
kfl "client id in KFL" 1 'client_id == "wrong-5"'
kfl "user properties in KFL" 1 'request.headers["colour"] == "red"'
kfl "nothing is left that is not understood" 0 'protocol == "tls" or (mqtt and !complete)'
tap_ok "cleartap ends well, without a password in its store" ct_stop
tap_done
