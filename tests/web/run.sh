#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The browser tests, as TAP: run.sh [FILE...]. Without a file all that need no traffic: they ask
# tests/unit/api_server (server.mjs), or a mock of it.
# e2e.mjs needs a real cleartap (tests/e2e/browser.sh). Screenshots go to tests/web/shots of the
# build folder. run.sh --check says whether they can run here, and why not.
here=$(cd "$(dirname "$0")" && pwd)
skip() {
	[ "$only" = --check ] && echo "$1" && exit 1
	echo "1..0 # SKIP $1"
	exit 0
}

only=$1
node=$(command -v "${NODE:-node}") || skip "node is not installed"
[ "$("$node" -p 'process.versions.node.split(".")[0] >= 18')" = true ] || skip "node is older than 18"
[ -n "$CHROMIUM" ] || command -v chromium >/dev/null || skip "chromium is not installed"
[ -d "$here/node_modules/playwright-core" ] || skip "npm ci has not been run in tests/web"
[ "$only" != --check ] || exit 0

SHOTS_DIR=${SHOTS_DIR-${builddir:-.}/tests/web/shots}
case $SHOTS_DIR in '' | /*) ;; *) SHOTS_DIR=$PWD/$SHOTS_DIR ;; esac
export SHOTS_DIR

# Each file is a process of its own, which numbers its cases from 1. What belongs to a case that
# passed (its time) and the sums at the end are left out.
number() {
	awk -v n="${TAP_FIRST:-0}" '
	/^TAP version/ || /^1\.\./ || /^# (Subtest|tests|suites|pass|fail|cancelled|skipped|todo|duration_ms)/ {
		next
	}
	/^(not )?ok / { passed = /^ok/; failed = failed || !passed; sub(/ok [0-9]+/, "ok " ++n) }
	/^  / && passed { next }
	{ print; fflush() }
	END { print "1.." n; exit failed }'
}

once() {
	timeout -k 5 "${TEST_TIMEOUT:-200}" "$node" --test-reporter=tap "$1" >"$log"
}

# The cases that failed, and the one that had begun but did not end.
failures() {
	awk '/^# Subtest: /{ begun = substr($0, 12) }
	/^(not )?ok /{ begun = ""; failed = /^not/ }
	/^not ok /{ lines = 0 }
	failed && /^(not |  )/ && lines++ < 30{ print "# " $0 }
	END { if (begun != "") print "# not ended: " begun }' "$1"
}

# A browser on a busy machine may miss a moment: a file that fails runs once more, and it is said.
run() {
	log=$(mktemp)
	for file; do
		once "$file" || {
			echo "# ${file##*/} failed and runs again:"
			failures "$log"
			once "$file"
		}
		status=$?
		cat "$log"
		# 0 and 1 are told by the cases
		[ $status -le 1 ] || {
			failures "$log"
			echo "not ok 0 - ${file##*/} ended with status $status"
		}
	done
	rm -f "$log"
}

[ $# -gt 0 ] || set -- "$here"/*.test.mjs
run "$@" | number
