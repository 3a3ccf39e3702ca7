#!/bin/bash
# shellcheck disable=SC2317
# What users without power do with files, folders and processes: root opens nothing of theirs but
# regular files, nobody waits for them, and the tracer hangs with nobody.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
here=$srcdir/tests/e2e
as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)

# until_log TEXT [SECONDS]: the log says so
until_log() {
	local i
	for ((i = 0; i < ${2:-20} * 10; i++)); do
		grep -q -F -- "$1" "$CT_DIR/log" && return
		sleep 0.1
	done
	tail -n 20 "$CT_DIR/log"
	return 1
}

# start_strace: of all that the tracer opens from now on
start_strace() {
	local i
	strace -f -y -q -e trace=open,openat,openat2 -o "$TMPDIR/opened" -p "$CT_PID" 2>/dev/null &
	strace=$!
	at_exit_kill $strace
	for ((i = 0; i < 100; i++)); do
		grep -q "TracerPid:[[:space:]]*$strace" "/proc/$CT_PID/status" && break
		sleep 0.05
	done
}

stop_strace() {
	kill "$strace" 2>/dev/null
	wait "$strace" 2>/dev/null
}

# What was opened, other than to name it (O_PATH) or to list it: the kernel's own files, ours, and
# regular files.
only_files() {
	python3 - "$TMPDIR/opened" <<'END'
import os, re, stat, sys
bad, good, begun = set(), 0, {}
for line in open(sys.argv[1], errors="replace"):
    thread, line = line.split(None, 1)
    if "<unfinished" in line:
        begun[thread] = line
        continue
    if "resumed>" in line:
        line = begun.pop(thread, "") + line
    found = re.search(r"= \d+<([^<>]*)>(\([^)]*\))?$", line.rstrip())
    if not found or "O_PATH" in line or "O_DIRECTORY" in line:
        continue
    path = found[1]
    if re.match(r"/(proc|sys)/|/dev/null$|anon_inode|/memfd", path):
        continue
    try:
        if os.path.islink(path):
            continue  # put there since: what is opened has no link for a name
        if stat.S_ISREG(os.stat(path.replace("(deleted)", "")).st_mode):
            good += 1
            continue
    except FileNotFoundError:
        continue
    bad.add(path)
print(f"{good} regular files", bad)
sys.exit(bool(bad) or not good)
END
}

# A container whose library folders lead out of it.
make_container() {
	local lib=$1/usr/lib
	mkdir -p "$lib" "$1/bin" "$1/proc"
	ln -s /dev/kmsg "$lib/libssl.so.1"
	ln -s /proc/1/environ "$lib/libssl.so.2"
	ln -s ../../../../../../../dev/kmsg "$lib/libssl.so.3"
	mkfifo "$lib/libssl.so.4"
	mknod "$lib/libssl.so.5" c 1 11
	cp "$good" "$lib/libssl.so.6"
	cp /bin/busybox "$1/bin/busybox" 2>/dev/null
}

# in_container ROOT: a process that has it as its root, in a mount namespace of its own
in_container() {
	python3 -c 'import ctypes, mmap, os, sys
# The first that is mapped in the new namespace comes after the change of root.
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x20000) or libc.mount(b"none", b"/", None, 0x44000, None):
    sys.exit(os.strerror(ctypes.get_errno()))
os.chroot(sys.argv[1])
os.chdir("/")
file = open("/usr/lib/libssl.so.6", "rb")
memory = mmap.mmap(file.fileno(), 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)
open("/started", "w")
sys.stdin.read()' "$1" <"$TMPDIR/hold" &
	at_exit_kill $!
	wait_file "$1/started"
}

wait_file() {
	local i
	for ((i = 0; i < 200; i++)); do
		[ -s "$1" ] || [ -e "$1" ] && return
		sleep 0.05
	done
	return 1
}

try_paths() {
	mkdir "$TMPDIR/swap"
	chmod 777 "$TMPDIR/swap"
	if ! command -v strace >/dev/null; then
		tap_skip "only regular files are opened" "strace is not installed"
		return
	fi
	make_container "$TMPDIR/root"
	start_strace
	"${as_nobody[@]}" "$here/hostile_paths.py" swap "$TMPDIR/swap" /dev/kmsg 20
	in_container "$TMPDIR/root"
	tap_ok "a container is scanned" until_log "/usr/lib/libssl.so.6"
	sleep 1
	stop_strace
	tap_ok "only regular files are opened" only_files
}

# 1,600 links make 2.5 million paths.
try_links() {
	local i
	make_container "$TMPDIR/links"
	mkdir "$TMPDIR/links/opt"
	for ((i = 0; i < 1600; i++)); do ln -s . "$TMPDIR/links/opt/$i"; done
	in_container "$TMPDIR/links"
	mkdir "$TMPDIR/beside"
	cp "$good" "$TMPDIR/beside/"
	"$here/hostile_paths.py" pass "$TMPDIR/beside/${good##*/}"
	tap_ok "a library is probed while folders without end are read" \
		until_log "attached to $TMPDIR/beside/" 10
	tap_ok "an end is put to that" until_log "were not all looked for" 10
}

# slow_library FILE: an ELF file whose analysis takes long.
slow_library() {
	python3 - "$1" <<'END'
import struct, sys
SYMBOLS, NAMES = 100000, 1 << 20
header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 3, 62, 1, 0, 64, 120, 0, 64, 56, 1, 64, 3, 0)
load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, 4096, 4096, 4096)
table = struct.pack("<IIQQQQIIQQ", 0, 2, 0, 0, 8192, SYMBOLS * 24, 2, 0, 8, 24)
names = struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, 8192 + SYMBOLS * 24, NAMES, 0, 0, 1, 0)
with open(sys.argv[1], "wb") as file:
    file.write(header + load + bytes(64) + table + names)
    file.seek(8192)
    file.write(struct.pack("<IBBHQQ", 1, 2, 0, 1, 64, 64) * SYMBOLS)
    file.seek(8192 + SYMBOLS * 24)
    file.write(b"\0" + b"A" * (NAMES - 1))
END
}

# A real library among slow ones of another user has its turn at once.
try_slow() {
	local i
	mkdir "$TMPDIR/slow"
	slow_library "$TMPDIR/slow/libssl.so.0"
	for ((i = 1; i < 60; i++)); do
		# only the first page differs: the rest is shared where the file system can
		cp --reflink=auto "$TMPDIR/slow/libssl.so.0" "$TMPDIR/slow/libssl.so.$i"
	done
	chown -R 65534:65534 "$TMPDIR/slow"
	"${as_nobody[@]}" "$here/hostile_paths.py" map "$TMPDIR"/slow/libssl.so.* <"$TMPDIR/hold" \
		>"$TMPDIR/mapped" &
	at_exit_kill $!
	wait_file "$TMPDIR/mapped"
	sleep 1
	mkdir "$TMPDIR/quick"
	cp "$good" "$TMPDIR/quick/"
	"$here/hostile_paths.py" pass "$TMPDIR/quick/${good##*/}"
	tap_ok "a library among 60 slow ones is probed" until_log "attached to $TMPDIR/quick/" 5
	tap_ok "most of them still wait" most_wait
}

most_wait() {
	local done
	done=$(ct_get /api/targets | grep -o '"path":"[^"]*/slow/' | wc -l)
	echo "$done told of"
	[ "$done" -lt 30 ]
}

# A server that does not move: the tracer goes on, and ends both.
try_stopped_server() {
	local i begun server
	server=$(pgrep -o -P "$CT_PID")
	kill -STOP "$server"
	mkdir "$TMPDIR/many"
	for ((i = 0; i < 300; i++)); do
		mkdir "$TMPDIR/many/$i"
		cp --reflink=auto "$small" "$TMPDIR/many/$i/libssl.so.3"
	done
	"$here/hostile_paths.py" pass "$TMPDIR"/many/*/libssl.so.3
	sleep 10
	mkdir "$TMPDIR/last"
	cp "$good" "$TMPDIR/last/"
	"$here/hostile_paths.py" pass "$TMPDIR/last/${good##*/}"
	tap_ok "the tracer does not hang with the server" until_log "attached to $TMPDIR/last/" 30
	begun=$(date +%s%N)
	ct_stop
	tap_ok "it ends the server ($((($(date +%s%N) - begun) / 1000000)) ms)" \
		test $((($(date +%s%N) - begun) / 1000000)) -lt 4000
	tap_ok "status 3" test "$CT_STATUS" = 3
	tap_ok "and says so" grep 'did not stop and was killed' "$CT_DIR/log"
	tap_ok "the server is gone" test ! -e "/proc/$server"
}

# make_small: a library that is small, and probed
make_small() {
	small=$TMPDIR/small.so
	echo 'int SSL_read(void *s, void *b, int n) { return s && b ? n : 0; }
		int SSL_write(void *s, void *b, int n) { return s && b ? n : 1; }' |
		"${CC:-gcc}" -shared -fPIC -x c -o "$small" -
}

try_table() {
	local i
	mkdir "$TMPDIR/table"
	for ((i = 0; i < 4200; i++)); do cp "$small" "$TMPDIR/table/libssl.so.$i"; done
	for ((i = 0; i < 42; i++)); do
		"$here/hostile_paths.py" pass "$TMPDIR"/table/libssl.so.$i? \
			"$TMPDIR"/table/libssl.so.$i?? 2>/dev/null
	done
	echo "$TMPDIR"/table/libssl.so.* | xargs -n 200 "$here/hostile_paths.py" pass
	until_attached 4000 || tap_diag <"$CT_DIR/log"
	mkdir "$TMPDIR/new"
	cp "$good" "$TMPDIR/new/"
	"$here/hostile_paths.py" pass "$TMPDIR/new/${good##*/}"
	tap_ok "with $(attached) files probed a new one is" until_log "attached to $TMPDIR/new/" 30
	tap_ok "since one that nobody uses has given way" grep -F 'others need the room' "$CT_DIR/log"
}

attached() { ct_get /api/stats | python3 -c 'import json, sys
print(json.load(sys.stdin)["targets"]["attached"])'; }

until_attached() {
	local i
	for ((i = 0; i < 240; i++)); do
		[ "$(attached)" -ge "$1" ] && return
		sleep 0.5
	done
	return 1
}

need_cleartap
need ldd setpriv unshare
good=$(readlink -f "$(ldd "$(command -v curl)" | awk '$1 ~ /^libssl/ { print $3 }')")
chmod 755 "$TMPDIR"
mkfifo "$TMPDIR/hold"
sleep 1000 >"$TMPDIR/hold" &
at_exit_kill $!
tap_ok "cleartap starts" ct_start --verbose --exe /nonexistent/program || tap_done
try_paths
try_links
try_slow
if make_small; then
	[ -z "$CT_TABLE" ] || try_table
	try_stopped_server
else
	tap_skip "a server that hangs" "no compiler"
fi
[ -z "$CT_PID" ] || tap_ok "cleartap ends well" ct_stop
tap_done
