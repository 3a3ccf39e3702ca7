#!/bin/bash
# The whole of cleartap under ThreadSanitizer: real programs under load are captured and stored, the
# bounds drop what is old, and readers of all kinds ask meanwhile, for TSAN_SECONDS (60). `make
# check-tsan` builds it in the folder tsan and runs this; some 2 minutes after the build.
# shellcheck disable=SC2317
# shellcheck source=tests/e2e/lib.sh
CLEARTAP=${CLEARTAP:-${builddir:-.}/tsan/cleartap}
. "$(dirname "$0")/../e2e/lib.sh"
seconds=${TSAN_SECONDS:-60}

# The server may open no file, so what it reports has offsets; here they become lines.
reports() {
	grep -q 'ThreadSanitizer' "$CT_DIR/log" || return 1
	sed -n '/^=====/,/^SUMMARY/p' "$CT_DIR/log" | head -n 400 | while IFS= read -r line; do
		at=$(grep -o '(cleartap+0x[0-9a-f]*)' <<<"$line" | grep -o '0x[0-9a-f]*')
		[ -z "$at" ] || line="$line $(addr2line -f -i -s -e "$CLEARTAP" "$at" | tr '\n' ' ')"
		echo "$line"
	done
}

no_reports() { ! reports; }

load() {
	local end=$((SECONDS + seconds)) i
	while [ $SECONDS -lt $end ]; do
		for ((i = 0; i < 30; i++)); do echo "url = \"https://127.0.0.1:$port/a/$i\""; done >"$TMPDIR/urls"
		"$TMPDIR/own/curl" -sSk --http1.1 --max-time 30 "${CT_PLANT[@]}" -K "$TMPDIR/urls"
		head -c 200000 /dev/urandom | "$TMPDIR/own/curl" -sSk --http1.1 --max-time 30 -o /dev/null \
			--data-binary @- "https://127.0.0.1:$port/upload"
		printf 'GET /b HTTP/1.1\r\nHost: x\r\n\r\n' | timeout 5 "$TMPDIR/own/openssl" s_client -quiet \
			-connect "127.0.0.1:$port"
	done >/dev/null 2>&1
}

stored() {
	ct_get /api/stats >"$TMPDIR/stats" && python3 - "$TMPDIR/stats" <<-'END'
		import json, sys
		stats = json.load(open(sys.argv[1]))
		print(stats["store"], stats["sessions"])
		sys.exit(stats["sessions"]["entries"] < 500 or not stats["store"]["dropped_entries"])
	END
}

need_cleartap
need openssl wrk addr2line
mkdir "$TMPDIR/own"
cp "$(command -v wrk)" "$(command -v curl)" "$(command -v openssl)" "$TMPDIR/own"
make_cert "$TMPDIR"
port=$(free_port)
python3 "$srcdir/tests/e2e/server.py" 127.0.0.1 "$port" "$TMPDIR" 2>"$TMPDIR/server.log" &
server=$!
at_exit_kill $server
wait_port "$port"
export TSAN_OPTIONS="exitcode=0 symbolize=0 suppressions=$srcdir/tests/faults/tsan.supp"
tap_ok "it starts" ct_start --pid "$server" --exe "$TMPDIR/own/*" --max-size 4M || tap_done
"$TMPDIR/own/wrk" -t1 -c8 -d"$seconds" --latency "https://127.0.0.1:$port/a" >"$TMPDIR/wrk" 2>&1 &
wrk=$!
load &
load=$!
at_exit_kill $wrk $load
tap_ok "readers are answered" "$srcdir/tests/faults/tsan_readers.py" "$CT_SOCK" "$seconds"
tap_diag <"$TMPDIR/output"
wait $wrk $load
tap_ok "capture, store and bounds had work" stored
tap_diag <"$TMPDIR/output"
tap_ok "it ends well" ct_stop
tap_ok "no two threads touched the same at once" no_reports
tap_diag <"$TMPDIR/output"
tap_done
