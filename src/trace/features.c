// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/features.h"

#include <errno.h>
#include <string.h>

#include <bpf/btf.h>

static bool has_enumerator(const struct btf *btf, const char *type, const char *name)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_ENUM);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;

	for (int i = 0; t && i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_enum(t)[i].name_off), name))
			return true;
	return false;
}

struct features features_read(const struct btf *btf)
{
	return (struct features){
		.multi = has_enumerator(btf, "bpf_attach_type", "BPF_TRACE_UPROBE_MULTI"),
		.session = has_enumerator(btf, "bpf_attach_type", "BPF_TRACE_UPROBE_SESSION"),
		.cookies = has_enumerator(btf, "bpf_func_id", "BPF_FUNC_get_attach_cookie"),
		.sock_release =
			has_enumerator(btf, "bpf_attach_type", "BPF_CGROUP_INET_SOCK_RELEASE"),
		.sock_length = btf__find_by_name_kind(btf, "btf_trace_sock_send_length",
						      BTF_KIND_TYPEDEF) > 0,
	};
}

int features_restrict(struct features *f, const char *probes)
{
	if (!strcmp(probes, "auto"))
		return 0;
	if (strcmp(probes, "multi") && strcmp(probes, "perf"))
		return -EINVAL;
	f->session = false;
	f->multi = f->multi && !strcmp(probes, "multi");
	return 0;
}
