#!/bin/bash
# The ways to use OpenSSL that are hard to watch: every byte and every address of what
# tests/e2e/tls_cases.c exchanges is checked.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
tls_cases=${tls_cases:-$builddir/tests/e2e/tls_cases}

# try CASE [OPTION...]
try() {
	if ! timeout 60 "$tls_cases" "$1" >"$TMPDIR/$1" 2>"$TMPDIR/$1.log"; then
		tap_ok "$1" fail_with "$TMPDIR/$1.log"
		return
	fi
	tap_ok "$1" "$srcdir/tests/e2e/check_cases.py" "${@:2}" "$CT_SOCK" "$TMPDIR/$1"
}

need_cleartap
[ -x "$tls_cases" ] || tap_skip_all "tls_cases is not built (it needs libssl-dev)"
tap_ok "cleartap starts" ct_start --split-ends --keep-opaque || tap_done
for name in plain ex partial partial-ex retry peek idle bytes threads reuse clear fork longjmp; do
	try $name
done
try big
# Addresses may be unknown, but not wrong.
try inside --unknown
try logger --unknown
tap_ok "cleartap ends well" ct_stop
tap_done
