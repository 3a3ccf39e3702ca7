#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What watching the wire costs a packet in the kernel, above an empty program at the same place: by
# the kernel's own clock (kernel.bpf_stats_enabled), over many flows of loopback.
. "${srcdir:-.}/tests/e2e/lib.sh"
here=$srcdir/tests/bench
need bpftool
need_cleartap
cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$cgroup" ] || tap_skip_all "no cgroup2 is mounted"
make_cert "$TMPDIR"
mkdir "$TMPDIR/bpf"
mount -t bpf bpf "$TMPDIR/bpf" && bpftool prog loadall "$builddir/floor.bpf.o" "$TMPDIR/bpf/floor" &&
	bpftool cgroup attach "$cgroup" egress pinned "$TMPDIR/bpf/floor/floor_packet" multi || exit 1
was=$(cat /proc/sys/kernel/bpf_stats_enabled)
undo() {
	echo "$was" >/proc/sys/kernel/bpf_stats_enabled
	bpftool cgroup detach "$cgroup" egress pinned "$TMPDIR/bpf/floor/floor_packet"
	umount "$TMPDIR/bpf"
	_cleanup
}
trap undo EXIT
ct_start --exe /nowhere || exit 1
echo 1 >/proc/sys/kernel/bpf_stats_enabled
for kind in plain tls; do
	bpftool prog show -j >"$TMPDIR/before"
	python3 "$here/wire_flows.py" "$kind" "$TMPDIR/cert.pem" "$TMPDIR/key.pem"
	bpftool prog show -j >"$TMPDIR/after"
	python3 "$here/wire_flows.py" report "$TMPDIR/before" "$TMPDIR/after" "$kind"
done
