#!/bin/bash
# shellcheck disable=SC2031,SC2317
# make check-kernels: cleartap in emulated machines with Debian's kernels; a table of what passed.
# KERNELS="bullseye:amd64 trixie:arm64" runs some of them only. What a machine wrote to its console
# stays in tests/vm/*.console of the build folder.
builddir=$(realpath "${builddir:-.}")
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
here=$srcdir/tests/vm
KERNELS=${KERNELS:-bullseye:amd64 bookworm:amd64 trixie:amd64 sid:amd64
	bullseye:arm64 bookworm:arm64 trixie:arm64}
GOS='bullseye:1.15 bookworm:1.19 sid:1.27' # ABI0, registers, the newest tables
ARM64_PACKAGES='libc6-dev libbpf-dev libelf-dev libcapstone-dev libmicrohttpd-dev
	libjansson-dev libsqlite3-dev zlib1g-dev libbrotli-dev libzstd-dev libpcre2-dev
	libseccomp-dev libexpat1-dev libxxhash-dev libcap-ng-dev libnghttp2-dev libgnutls28-dev libssl-dev libgcc-s1 openssl curl busybox-static'

# build_go ARCH FOLDER: FOLDER/goVERSION by each toolchain; one that cannot be had is left out.
build_go() {
	local go
	rm -f "$2"/go*
	for go in $GOS; do
		GOARCH=$1 "$srcdir/tests/matrix/gobuild.sh" "${go%:*}" "${go#*:}" \
			"$2/go${go#*:}" || [ $? = 77 ] || return 1
	done
}

# prepare ARCH: everything that goes into the machine, once per architecture.
prepare() {
	local root=/ program=$CLEARTAP out=$builddir/tests/vm/$1
	mkdir -p "$out/go"
	[ ! -f "$TMPDIR/$1.cpio" ] || return 0
	if [ "$1" = arm64 ]; then
		# shellcheck disable=SC2086
		root=$("$here/fetch.sh" root bookworm arm64 $ARM64_PACKAGES) || return
		make -s -C "$builddir" distdir distdir=tests/vm/arm64/source &&
			"$here/cross.sh" "$root" "$out/source" "$out/build" || return 1
		program=$out/build/cleartap
	fi
	build_go "$1" "$out/go" &&
		"$here/initramfs.sh" "$root" "$TMPDIR/$1.cpio" "$program" "$out"/go/*
}

# boot SUITE ARCH KERNEL CONSOLE
boot() {
	local run=(qemu-system-x86_64 -M q35 -cpu "max,la57=off,cx16=off") tty=ttyS0
	[ "$2" = amd64 ] || {
		run=(qemu-system-aarch64 -M virt -cpu "max,pauth-impdef=on") tty=ttyAMA0
	}
	# without cx16: emulated, it now and then ends in a double fault (seen in kmalloc of 6.12)
	timeout -k 5 300 "${run[@]}" -accel tcg -m 1024 -smp 1 -nographic -nodefaults \
		-serial stdio -no-reboot -kernel "$3" -initrd "$TMPDIR/$2.cpio" \
		-append "console=$tty panic=-1 quiet" </dev/null | tr -d '\r' >"$4"
	grep -aq 'RESULT done' "$4" || { tail -n 40 "$4"; return 1; }
}

# section NAME: what the machine wrote between its markers.
section() { sed -n "/BEGIN $1\$/,/^END\$/{//!p}" "$console"; }

# said TEXT: or the log of cleartap is the diagnosis.
said() { grep -aq "$1" "$console" || { section log | tail -n 60; return 1; }; }

# sent_before, sent_after: the lines of traffic() in init, while cleartap ran and when it had gone.
sent_before() { sed '/^BEGIN/,$d' "$console" | grep -a '^SENT'; }
sent_after() { section after | grep -a '^SENT'; }

# check_sent ROLE GROUP: each line that was sent is an entry with all that is known of it.
check_sent() {
	local group name method dst dport src sport status body=$TMPDIR/body count=0 bad=0
	while read -r _ group name method dst dport src sport status; do
		[ "$group" = "$2" ] || continue
		count=$((count + 1))
		echo "this is /$name" >"$body"
		local expect=(--role "$1" --library "${group%%[0-9]*}" --complete lock=open)
		local ends=(--src-ip "$src" --src-port "$sport" --dst-ip "$dst" --dst-port "$dport")
		# 5.15 brought what tells which goroutine sends
		if [ "$method" = WRAPPED ] && grep -aq 'KERNEL 5\.10' "$console"; then ends=(--bind unknown); fi
		expect+=("${ends[@]}")
		[ "$method" != WRAPPED ] || method=GET
		case $method in
		ECHO) expect+=(--protocol tls --request-size $((${#name} + 9))
			--response-size $((${#name} + 9))) ;;
		*) expect+=(--protocol http --version 1.1 --method "$method" --path "/$name"
			--status 200 --response-body "$body") ;;
		esac
		[ "$method" != POST ] || expect+=(--request-body "$body")
		echo "$name: $status"
		"$CHECK" --json "$TMPDIR/entries" "${expect[@]}" || bad=1
	done < <(sent_before)
	[ "$count" -gt 0 ] || { echo "no $2 program could send anything"; return 1; }
	return "$bad"
}

# detached: of the BPF programs and maps that were there while cleartap ran nothing is left.
detached() {
	grep -a '^BPF' "$console"
	said '^DETACHED' && awk '/^BPF/ { exit !($3 > $2) }' "$console"
}

# same_after: the programs answer as before when cleartap has gone.
same_after() {
	section after
	[ "$(sent_before | grep -c ' \(200\|0\)$')" = "$(sent_after | grep -c ' \(200\|0\)$')" ]
}

# check_group GROUP: both sides.
check_group() {
	if [ "$1" != openssl ] && [ ! -x "$builddir/tests/vm/$arch/go/$1" ]; then
		cell_skip "$row" "$1-client" "$(grep -m 1 "^[a-z]* amd64: " "$TMPDIR/prepare.$arch")"
		return
	fi
	cell "$row" "$1-client" check_sent client "$1"
	cell "$row" "$1-server" check_sent server "$1"
}

run_kernel() {
	local suite=$1 arch=$2 row=$1-$2 kernel group
	console=$builddir/tests/vm/$row.console
	kernel=$("$here/fetch.sh" kernel "$suite" "$arch" 2>"$TMPDIR/reason") ||
		{ cell_skip "$row" boot "$(cat "$TMPDIR/reason")"; return; }
	prepare "$arch" >>"$TMPDIR/prepare.$arch" 2>&1
	case $? in
	0) ;;
	77) cell_skip "$row" boot "$(tail -n 1 "$TMPDIR/prepare.$arch")"; return ;;
	*) cell "$row" boot fail_with "$TMPDIR/prepare.$arch"; return ;;
	esac
	cell "$row" boot boot "$suite" "$arch" "$kernel" "$console" || return
	table_set "$row" kernel "$(sed -n 's/.*KERNEL \([0-9]*\.[0-9]*\).*/\1/p' "$console")"
	section entries >"$TMPDIR/entries"
	cell "$row" ready said '^READY' || return
	[ "$suite" = sid ] || cell "$row" says-what-lacks said 'this kernel lacks'
	for group in openssl $GOS; do
		check_group "${group/*:/go}"
	done
	cell "$row" stop said '^STOPPED 0$'
	cell "$row" detach detached
	cell "$row" after same_after
}

need_cleartap
need qemu-system-x86_64 qemu-system-aarch64 aarch64-linux-gnu-gcc busybox cpio readelf openssl
[ "$(uname -m)" = x86_64 ] || tap_skip_all "the machines are built on amd64 only"
for kernel in $KERNELS; do
	run_kernel "${kernel%:*}" "${kernel#*:}"
done
table_print
tap_done
