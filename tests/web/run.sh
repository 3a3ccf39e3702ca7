#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The browser tests, as TAP. They run against a mock of the API; tests/web/e2e.mjs also runs
# against a real cleartap (see there). Screenshots go to tests/web/shots of the build folder.
here=$(cd "$(dirname "$0")" && pwd)
skip() { echo "1..0 # SKIP $1"; exit 0; }

node=$(command -v node) || skip "node is not installed"
[ "$("$node" -p 'process.versions.node.split(".")[0] >= 20')" = true ] || skip "node is older than 20"
[ -n "$CHROMIUM" ] || command -v chromium >/dev/null || skip "chromium is not installed"
[ -d "$here/node_modules/playwright-core" ] || skip "npm ci has not been run in tests/web"

SHOTS_DIR=${SHOTS_DIR-${builddir:-.}/tests/web/shots}
case $SHOTS_DIR in '' | /*) ;; *) SHOTS_DIR=$PWD/$SHOTS_DIR ;; esac
export SHOTS_DIR
exec "$node" --test --test-concurrency=1 --test-force-exit --test-reporter=tap ${1+"$@"} \
	$([ $# -gt 0 ] || echo "$here"/*.test.mjs "$here"/e2e.mjs)
