// SPDX-License-Identifier: GPL-2.0-or-later
/* Probes that do nothing: what any tracer at these points pays before its first instruction. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("uprobe") int floor_session(void *ctx)
{
	return 0; /* a session's 0: the return is wanted too */
}

SEC("uprobe") int floor_enter(void *ctx)
{
	return 0;
}

SEC("cgroup_skb/egress") int floor_packet(struct __sk_buff *skb)
{
	return 1;
}

SEC("cgroup_skb/ingress") int floor_packet_in(struct __sk_buff *skb)
{
	return 1;
}
