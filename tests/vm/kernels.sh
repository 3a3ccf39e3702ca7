#!/bin/bash
# shellcheck disable=SC2317
# make check-kernels: cleartap in emulated machines with Debian's kernels; a table of what passed.
# KERNELS="bullseye:amd64 trixie:arm64" runs some of them only. What a machine wrote to its console
# stays in tests/vm/*.console of the build folder.
builddir=$(realpath "${builddir:-.}")
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
here=$srcdir/tests/vm
KERNELS=${KERNELS:-bullseye:amd64 bookworm:amd64 trixie:amd64 sid:amd64
	bullseye:arm64 bookworm:arm64 trixie:arm64}
ARM64_PACKAGES='libc6-dev libbpf-dev libelf-dev libcapstone-dev libdwarf-dev libmicrohttpd-dev
	libjansson-dev libsqlite3-dev zlib1g-dev libbrotli-dev libzstd-dev libpcre2-dev
	libseccomp-dev libcap-ng-dev libnghttp2-dev libgcc-s1 openssl curl busybox-static'

# prepare ARCH: everything that goes into the machine, once per architecture.
prepare() {
	local root=/ program=$CLEARTAP out=$builddir/tests/vm/$1
	mkdir -p "$out"
	[ ! -f "$TMPDIR/$1.cpio" ] || return 0
	if [ "$1" = arm64 ]; then
		# shellcheck disable=SC2086
		root=$("$here/fetch.sh" root bookworm arm64 $ARM64_PACKAGES) || return
		make -s -C "$builddir" distdir distdir=tests/vm/arm64/source &&
			"$here/cross.sh" "$root" "$out/source" "$out/build" || return 1
		program=$out/build/cleartap
	fi
	GOARCH=$1 CGO_ENABLED=0 go build -o "$out/gotls" "$srcdir/tests/matrix/gotls.go" &&
		"$here/initramfs.sh" "$root" "$program" "$out/gotls" "$TMPDIR/$1.cpio"
}

# boot SUITE ARCH KERNEL CONSOLE
boot() {
	local run=(qemu-system-x86_64 -M q35 -cpu "max,la57=off") tty=ttyS0
	[ "$2" = amd64 ] || {
		run=(qemu-system-aarch64 -M virt -cpu "max,pauth-impdef=on") tty=ttyAMA0
	}
	timeout -k 5 300 "${run[@]}" -accel tcg -m 1024 -smp 1 -nographic -nodefaults \
		-serial stdio -no-reboot -kernel "$3" -initrd "$TMPDIR/$2.cpio" \
		-append "console=$tty panic=-1 quiet" </dev/null | tr -d '\r' >"$4"
	grep -aq 'RESULT done' "$4" || { tail -n 40 "$4"; return 1; }
}

# section NAME: what the machine wrote between its markers.
section() { sed -n "/BEGIN $1\$/,/^END\$/{//!p}" "$console"; }

# said TEXT: or the log of cleartap is the diagnosis.
said() { grep -aq "$1" "$console" || { section log | tail -n 60; return 1; }; }

# check_sent ROLE LIBRARY: each line that was sent is an entry with all that is known of it.
check_sent() {
	local library name method dst dport src sport status body=$TMPDIR/body count=0 bad=0
	while read -r _ library name method dst dport src sport status; do
		[ "$library" = "$2" ] || continue
		count=$((count + 1))
		echo "this is /$name" >"$body"
		local expect=(--role "$1" --library "$library" --src-ip "$src" --src-port "$sport"
			--dst-ip "$dst" --dst-port "$dport" --complete lock=open tls=true)
		case $method in
		ECHO) expect+=(--protocol tls --request-size $((${#name} + 9))
			--response-size $((${#name} + 9))) ;;
		*) expect+=(--protocol http --version 1.1 --method "$method" --path "/$name"
			--status "$status" --response-body "$body") ;;
		esac
		[ "$method" != POST ] || expect+=(--request-body "$body")
		echo "$name:"
		"$CHECK" --json "$TMPDIR/entries" "${expect[@]}" || bad=1
	done < <(sed '/^BEGIN/,$d' "$console" | grep -a '^SENT')
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
	[ "$(grep -ac '^SENT .* \(200\|0\)$' "$console")" = 14 ]
}

run_kernel() {
	local suite=$1 arch=$2 row=$1-$2 kernel
	console=$builddir/tests/vm/$row.console
	kernel=$("$here/fetch.sh" kernel "$suite" "$arch" 2>"$TMPDIR/reason") ||
		{ cell_skip "$row" boot "$(cat "$TMPDIR/reason")"; return; }
	prepare "$arch" >"$TMPDIR/prepare" 2>&1
	case $? in
	0) ;;
	77) cell_skip "$row" boot "$(tail -n 1 "$TMPDIR/prepare")"; return ;;
	*) cell "$row" boot fail_with "$TMPDIR/prepare"; return ;;
	esac
	cell "$row" boot boot "$suite" "$arch" "$kernel" "$console" || return
	table_set "$row" kernel "$(sed -n 's/.*KERNEL \([0-9]*\.[0-9]*\).*/\1/p' "$console")"
	section entries >"$TMPDIR/entries"
	cell "$row" ready said '^READY'
	[ "$suite" = sid ] || cell "$row" says-what-lacks said 'this kernel lacks'
	cell "$row" openssl-client check_sent client openssl
	cell "$row" openssl-server check_sent server openssl
	cell "$row" go-client check_sent client go
	cell "$row" go-server check_sent server go
	cell "$row" stop said '^STOPPED 0$'
	cell "$row" detach detached
	cell "$row" after same_after
}

need_cleartap
need qemu-system-x86_64 qemu-system-aarch64 aarch64-linux-gnu-gcc busybox cpio go readelf openssl
[ "$(uname -m)" = x86_64 ] || tap_skip_all "the machines are built on amd64 only"
for kernel in $KERNELS; do
	run_kernel "${kernel%:*}" "${kernel#*:}"
done
table_print
tap_done
