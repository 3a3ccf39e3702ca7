#!/bin/bash
# shellcheck disable=SC2317
# Libraries that programs load late, from where there is no path to them: deleted at once, replaced,
# never with a name. The first request, 0.1 s later, is seen, and once.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# load HOW LIBRARY
load() {
	PYTHONHOME=$home timeout 30 "$TMPDIR/python" "$srcdir/tests/e2e/load_late.py" "$@" "$port"
}

need openssl
need_cleartap
make_cert "$TMPDIR"
cp "$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')" "$TMPDIR/python"
home=$(python3 -c 'import sys; print(sys.base_prefix)')
system=$(ldconfig -p | awk '/libssl\.so\.3/ { print $NF; exit }')
[ -n "$system" ] || tap_skip_all "there is no libssl.so.3"
port=$(free_port)
openssl s_server -quiet -www -accept "127.0.0.1:$port" -key "$TMPDIR/key.pem" -cert "$TMPDIR/cert.pem" \
	>/dev/null 2>&1 &
at_exit_kill $!
wait_port "$port" $! || tap_done
tap_ok "cleartap starts" ct_start --split-ends --exe "$TMPDIR/python" || tap_done
for how in named unlinked memory replaced; do
	mkdir "$TMPDIR/$how"
	cp "$system" "$TMPDIR/$how/libssl.so.3"
	echo "$how" >>"$TMPDIR/$how/libssl.so.3"
	tap_ok "$how: a request" load "$how" "$TMPDIR/$how/libssl.so.3"
	ct_check "$how: it is seen" --path "/$how" --dst-port "$port" --role client --status 200 --complete
done
# What has the name now is another file.
tap_ok "named again" load named "$TMPDIR/replaced/libssl.so.3"
ct_check "both are seen" --path /named --dst-port "$port" --role client --status 200 --complete --count 2
tap_ok "cleartap stops" ct_stop
tap_done
