/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this kernel can do, read from its type information (BTF). */
#ifndef CLEARTAP_FEATURES_H
#define CLEARTAP_FEATURES_H

#include <stdbool.h>

struct btf;

struct features {
	bool multi;	   /* uprobe_multi links, 6.6 */
	bool session;	   /* entry and return in one program, 6.13 */
	bool cookies;	   /* bpf_get_attach_cookie() in uprobes, 5.15 */
	bool sock_release; /* programs at the end of sockets, 5.9 */
	bool sock_length;  /* tracepoints sock_send_length and sock_recv_length, 6.3 */
};

struct features features_read(const struct btf *btf);
/* Leave out what a test or a user wants left out: "auto", "multi" (no session), "perf" (neither).
 */
int features_restrict(struct features *f, const char *probes);

#endif
