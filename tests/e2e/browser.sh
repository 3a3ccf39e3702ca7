#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The dashboard of a real cleartap in a real browser, while real programs speak: tests/web/e2e.mjs.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

web=$srcdir/tests/web

# Start and stop cleartap as the browser's test asks, at the same address with the same token.
serve_control() {
	local order
	while kill -0 "$1" 2>/dev/null; do
		read -r -t 1 order <&3 || continue
		case $order in
		stop) ct_stop ;;
		start) ct_start "${options[@]}" ;;
		esac
	done
}

need_cleartap
need openssl
reason=$("$web/run.sh" --check) || tap_skip_all "$reason"
make_cert "$TMPDIR"
port=$(free_port)
python3 "$srcdir/tests/e2e/pages.py" "$port" "$TMPDIR" 2>"$TMPDIR/pages.log" &
at_exit_kill $!
# The curl of this test and its server alone: other programs would fill the list.
cp "$(command -v curl)" "$TMPDIR/curl"
options=(--listen "127.0.0.1:$(free_port)" --pid $! --exe "$TMPDIR/curl")
tap_ok "the programs' server starts" wait_port "$port" $! || tap_done
tap_ok "cleartap starts" ct_start "${options[@]}" || tap_done

mkfifo "$TMPDIR/control"
exec 3<>"$TMPDIR/control"
BASE_URL=${CT_URL%%/\?*} TOKEN=$CT_TOKEN CONTROL=$TMPDIR/control PROGRAM=curl \
	TRAFFIC="$TMPDIR/curl -sk -o /dev/null -b session=not-to-be-seen https://127.0.0.1:$port{path}" \
	TAP_FIRST=$tap_count "$web/run.sh" "$web/e2e.mjs" >"$TMPDIR/tap" 2>&1 &
browser=$!
at_exit_kill $browser
serve_control $browser
wait $browser
grep -v '^1\.\.' "$TMPDIR/tap"
tap_count=$((tap_count + $(grep -c -E '^(not )?ok ' "$TMPDIR/tap")))
tap_failures=$((tap_failures + $(grep -c '^not ok ' "$TMPDIR/tap")))
tap_ok "cleartap ends well" ct_stop
tap_done
