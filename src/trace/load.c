// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/load.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "cleartap.skel.h"
#include "base/error.h"
#include "event.h"
#include "base/limits.h"
#include "base/log.h"
#include "trace/inspect.h"
#include "trace/link.h"

/* libbpf's own words, the verifier's log among them, are of use to developers: --verbose. */
static int on_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char *text;

	if (level == LIBBPF_DEBUG || vasprintf(&text, fmt, ap) < 0)
		return 0;
	for (char *line = text, *next = text; next;) {
		line = strsep(&next, "\n");
		/* types that this kernel does not take: thousands of lines, and libbpf helps itself
		 */
		if (strstr(line, "BEGIN BTF LOAD LOG"))
			break;
		if (*line)
			log_debug("%s", line);
	}
	free(text);
	return 0;
}

static int fail(char *error, size_t size, int err, const char *what)
{
	const char *hint = err == -EPERM ? "; run cleartap as root (CAP_BPF and CAP_PERFMON)" : "";

	snprintf(error, size, "%s: %s%s", what, error_text(-err), hint);
	return err;
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && !strcmp(name + n - m, end);
}

/* Uprobe programs come in three shapes (bpf/openssl.bpf.c); load those that this kernel links. */
static void choose_programs(struct cleartap_bpf *skel, const struct features *f)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, skel->obj)
	{
		const char *name = bpf_program__name(p), *section = bpf_program__section_name(p);
		bool session = ends_with(name, "_session");
		bool pair = !strncmp(name, "ssl_", 4) &&
			    (ends_with(name, "_enter") || !strcmp(name, "ssl_return"));

		if (session || pair)
			bpf_program__set_autoload(p, session == f->session);
		if (session)
			bpf_program__set_expected_attach_type(p, LINK_UPROBE_SESSION);
		else if (f->multi && (!strcmp(section, "uprobe") || !strcmp(section, "uretprobe")))
			bpf_program__set_expected_attach_type(p, LINK_UPROBE_MULTI);
	}
	bpf_program__set_autoload(skel->progs.sock_send, f->sock_length);
	bpf_program__set_autoload(skel->progs.sock_recv, f->sock_length);
	bpf_program__set_autoload(skel->progs.tcp_send, !f->sock_length);
	bpf_program__set_autoload(skel->progs.tcp_recv, !f->sock_length);
}

static int choose_wire(struct cleartap_bpf *skel, const struct load_options *options, bool wire,
		       const struct features *f)
{
	skel->rodata->keep_packets = options->keep_packets;
	skel->rodata->keep_share = options->ring_size / LIMIT_SHARE;
	bpf_program__set_autoload(skel->progs.wire_in, wire);
	bpf_program__set_autoload(skel->progs.wire_out, wire);
	bpf_program__set_autoload(skel->progs.wire_state, wire);
	bpf_program__set_autoload(skel->progs.wire_release, wire && f->sock_release);
	bpf_program__set_autoload(skel->progs.udp_send, wire && !f->sock_length);
	bpf_program__set_autoload(skel->progs.udp6_send, wire && !f->sock_length);
	if (wire)
		return options->keep_packets ? bpf_map__set_max_entries(skel->maps.packets,
									(__u32)options->ring_size)
					     : 0;
	struct bpf_map *const of_wire[] = { skel->maps.wire_news,  skel->maps.wire_cookies,
					    skel->maps.wire_flows, skel->maps.wire_slots,
					    skel->maps.quic_flows, skel->maps.quic_socks };
	int err = 0;
	for (size_t i = 0; i < sizeof(of_wire) / sizeof(*of_wire) && !err; i++)
		err = bpf_map__set_max_entries(of_wire[i], 1);
	return err;
}

static int read_features(const struct load_options *options, struct features *ret, char *error,
			 size_t size)
{
	struct btf *btf = options->btf ? btf__parse(options->btf, NULL) : btf__load_vmlinux_btf();
	int err = btf ? 0 : -errno;

	if (err) {
		snprintf(error, size,
			 "read the kernel's type information (BTF) from %s: %s; cleartap "
			 "needs a kernel built with CONFIG_DEBUG_INFO_BTF, or --btf FILE",
			 options->btf ? options->btf : "/sys/kernel/btf/vmlinux", error_text(-err));
		return err;
	}
	*ret = features_read(btf);
	btf__free(btf);
	return features_restrict(ret, options->probes);
}

static void say_what_lacks(const struct features *f)
{
	if (f->session && f->sock_length)
		return;
	log_info("this kernel lacks%s%s%s%s: using %s%s",
		 f->session ? "" : " uprobe sessions (6.13)",
		 f->multi ? "" : ", uprobe multi links (6.6)",
		 f->cookies ? "" : ", cookies (5.15; /api/targets counts no hits)",
		 f->sock_length ? "" : ", socket length tracepoints (6.3)",
		 f->multi ? "multi links" : "one perf uprobe per point",
		 f->sock_length ? "" : " and kprobes on tcp_sendmsg and tcp_recvmsg");
}

static int attach_always(struct load *l)
{
	struct cleartap_bpf *s = l->skel;
	struct bpf_program *const all[] = { s->progs.sock_send, s->progs.sock_recv,
					    s->progs.tcp_send,	s->progs.tcp_recv,
					    s->progs.proc_exit, s->progs.proc_exec,
					    s->progs.proc_fork };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (!bpf_program__autoload(all[i]))
			continue;
		struct bpf_link *link = bpf_program__attach(all[i]);
		if (!link) {
			int err = -errno;
			log_warn("attach %s: %s", bpf_program__section_name(all[i]),
				 error_text(-err));
			return err;
		}
		bpf_link__disconnect(link); /* lives until the process ends */
	}
	return 0;
}

static int open_cgroup_root(void)
{
	FILE *mounts = setmntent("/proc/mounts", "re");
	struct mntent *m;
	int fd = -ENOENT;

	while (mounts && (m = getmntent(mounts)) && fd < 0)
		if (!strcmp(m->mnt_type, "cgroup2"))
			fd = open(m->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mounts)
		endmntent(mounts);
	return fd;
}

/* Without them it is not known whose connections of QUIC are: IPv6 may not be there. */
static void attach_udp(const struct load *l)
{
	struct bpf_program *const all[] = { l->skel->progs.udp_send, l->skel->progs.udp6_send };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (!bpf_program__autoload(all[i]))
			continue;
		struct bpf_link *link = bpf_program__attach(all[i]);
		if (link)
			bpf_link__disconnect(link);
		else
			log_info("attach %s: %s; going on without",
				 bpf_program__section_name(all[i]), error_text(errno));
	}
}

/* All, or none. The end of sockets first, so that no slot is taken for good. */
static int attach_wire(const struct load *l)
{
	struct bpf_program *const on_cgroup[] = { l->skel->progs.wire_in, l->skel->progs.wire_out,
						  l->skel->progs.wire_release };
	const int last = 3 + bpf_program__autoload(l->skel->progs.wire_release);
	struct bpf_link *links[4] = { NULL };
	int root = open_cgroup_root(), n = 0, err = root < 0 ? root : 0;

	if (!err)
		links[n++] = bpf_program__attach(l->skel->progs.wire_state);
	while (!err && links[n - 1] && n < last) {
		links[n] = bpf_program__attach_cgroup(on_cgroup[n - 1], root);
		n++;
	}
	if (!err && !links[n - 1])
		err = -errno;
	while (n--) {
		if (!err)
			bpf_link__disconnect(links[n]); /* as above */
		bpf_link__destroy(links[n]);
	}
	if (!err)
		attach_udp(l);
	if (root >= 0)
		close(root);
	return err;
}

/* What load_sweep() looks at; written by the kernel side too. */
static int map_shares(struct load *l)
{
	l->owners = mmap(NULL, EV_OWNERS * sizeof(*l->owners), PROT_READ | PROT_WRITE, MAP_SHARED,
			 bpf_map__fd(l->skel->maps.owners), 0);
	l->lots = mmap(NULL, LIMIT_CONNS * sizeof(*l->lots), PROT_READ | PROT_WRITE, MAP_SHARED,
		       bpf_map__fd(l->skel->maps.conn_lots), 0);
	return l->owners == MAP_FAILED || l->lots == MAP_FAILED ? -errno : 0;
}

static int set_up(struct load *l, const struct load_options *options, bool wire)
{
	struct cleartap_bpf *skel = l->skel;
	uint64_t salt;

	skel->rodata->message_budget = options->message_budget;
	skel->rodata->wake_bytes = options->ring_size / 4;
	skel->rodata->filter_processes = options->filter_processes;
	skel->rodata->have_cookies = l->features.cookies;
	skel->rodata->ring_share = options->ring_size / LIMIT_SHARE;
	if (getrandom(&salt, sizeof(salt), GRND_NONBLOCK) == sizeof(salt))
		skel->rodata->owner_salt = salt;
	choose_programs(skel, &l->features);
	int err = bpf_map__set_max_entries(skel->maps.events, (__u32)options->ring_size);
	return err ? err : choose_wire(skel, options, wire, &l->features);
}

/* The BPF object, in the kernel. */
static int open_object(const struct load_options *options, bool wire, struct load *l, char *error,
		       size_t size)
{
	DECLARE_LIBBPF_OPTS(bpf_object_open_opts, open, .btf_custom_path = options->btf);

	l->skel = cleartap_bpf__open_opts(&open);
	if (!l->skel)
		return fail(error, size, -errno, "open the BPF programs");
	if (l->skel->rodata->event_version != EV_VERSION)
		return fail(error, size, -EPROTO, "the BPF programs are of another build");
	int err = set_up(l, options, wire);
	err = err ? err : cleartap_bpf__load(l->skel);
	err = err ? err : map_shares(l);
	if (err)
		return fail(error, size, err, "load the BPF programs into the kernel");
	err = attach_always(l);
	return err ? fail(error, size, err, "attach to the kernel's tracepoints") : 0;
}

/* Without the wire, when the kernel does not take its programs. */
static int open_any_object(const struct load_options *options, struct load *l, char *error,
			   size_t size)
{
	int err = open_object(options, options->wire, l, error, size);

	l->wire = !err && options->wire;
	if (err && options->wire) {
		load_free(l);
		log_debug("%s; trying without the wire", error);
		err = open_object(options, false, l, error, size);
		if (!err)
			log_warn("this kernel does not take the programs that watch the wire");
	}
	if (err)
		load_free(l);
	return err;
}

int load_open(const struct load_options *options, struct load *ret, char *error, size_t size)
{
	struct load l = { 0 };

	libbpf_set_print(on_libbpf);
	int err = read_features(options, &l.features, error, size);
	err = err ? err : open_any_object(options, &l, error, size);
	if (err)
		return err;
	int no_wire = l.wire ? attach_wire(&l) : 0;
	if (no_wire) {
		l.wire = false;
		log_warn("watch the wire at the root of cgroup2: %s", error_text(-no_wire));
	}
	say_what_lacks(&l.features);
	*ret = l;
	return 0;
}

void load_free(struct load *l)
{
	if (l->skel)
		cleartap_bpf__destroy(l->skel);
	l->skel = NULL;
}

int load_allow(const struct load *l, uint32_t tgid)
{
	__u32 nobody = 0;

	/* a child of one that is allowed is there already, in its owner's name */
	if (bpf_map_update_elem(bpf_map__fd(l->skel->maps.allowed), &tgid, &nobody, BPF_NOEXIST))
		return errno == EEXIST ? 0 : -errno;
	return 0;
}

/* Addresses of the points of this kind, as linked; the rest of ret stays as it is. */
static void point_addresses(const struct inspection *plan, enum probe_kind kind, __u64 *ret,
			    size_t room)
{
	for (uint32_t i = 0; room && i < plan->points; i++) {
		if (plan->point[i].kind != kind)
			continue;
		*ret++ = plan->point[i].offset + plan->go.text_delta;
		room--;
	}
}

int load_set_go(const struct load *l, int fd, const struct inspection *plan, uint32_t target)
{
	const struct go_layout *go = &plan->go;
	struct go_target t = {
		.goid = go->goid,
		.conn_conn = go->conn_conn,
		.fd_sysfd = go->fd_sysfd,
		.conn_fd = go->conn_fd,
		.register_abi = go->register_abi,
		.copy_frame = go->copy_frame,
		.itab = go->itab_tcp_conn,
		.tls_slot = go->tls_slot,
	};
	struct stat st;

	point_addresses(plan, PROBE_GO_READ, &t.read_entry, 1);
	point_addresses(plan, PROBE_GO_READ_COPY, &t.read_copy, 1);
	point_addresses(plan, PROBE_GO_WRITE, t.write, 1);
	point_addresses(plan, PROBE_GO_WRITE_RECORD, t.write, 2);

	if (bpf_map_update_elem(bpf_map__fd(l->skel->maps.go_targets), &target, &t, BPF_ANY))
		return -errno;
	if (l->features.cookies)
		return 0;
	if (fstat(fd, &st))
		return -errno;
	const struct exe_key exe = { .inode = st.st_ino,
				     .dev = major(st.st_dev) << 20 | minor(st.st_dev) };
	return bpf_map_update_elem(bpf_map__fd(l->skel->maps.go_exes), &exe, &target, BPF_ANY)
		       ? -errno
		       : 0;
}

void load_set_paused(const struct load *l, bool paused)
{
	__u32 zero = 0;
	struct ev_control c = { .paused = paused, .wake = 1 };

	bpf_map_update_elem(bpf_map__fd(l->skel->maps.control), &zero, &c, BPF_ANY);
}

void load_set_ready(const struct load *l, uint32_t target, bool ready)
{
	__u32 value = ready;

	bpf_map_update_elem(bpf_map__fd(l->skel->maps.ready), &target, &value, BPF_ANY);
}

void load_clear_hits(const struct load *l, uint32_t target)
{
	__u64 none = 0;

	bpf_map_update_elem(bpf_map__fd(l->skel->maps.hits), &target, &none, BPF_ANY);
}

static bool process_ended(uint32_t tgid)
{
	return kill((pid_t)tgid, 0) && errno == ESRCH;
}

/* Its process has ended: what it held of its owner's share is free again. */
static bool sweep_lot(const struct load *l, volatile struct ev_lot *lot)
{
	const struct conn_key key = { .conn = lot->what, .tgid = lot->tgid };
	struct ev_owner *o = &l->owners[lot->owner % EV_OWNERS];

	if (bpf_map_delete_elem(bpf_map__fd(l->skel->maps.conns), &key))
		return false;
	__atomic_fetch_sub(&o->held[EV_OWN_CONNS], 1, __ATOMIC_RELAXED);
	lot->owner = 0;
	return true;
}

/* As conn_break() of bpf/conn.bpf.h, of whose struct conn this is the begin. */
void load_begin_anew(const struct load *l, uint32_t tgid)
{
	int conns = bpf_map__fd(l->skel->maps.conns);
	uint64_t *value = calloc(1, bpf_map__value_size(l->skel->maps.conns));

	for (size_t i = 0; value && i < LIMIT_CONNS; i++) {
		const struct conn_key key = { .conn = l->lots[i].what, .tgid = l->lots[i].tgid };
		if (key.tgid != tgid || !l->lots[i].owner ||
		    bpf_map_lookup_elem(conns, &key, value))
			continue;
		value[1] = 0;
		bpf_map_update_elem(conns, &key, value, BPF_EXIST);
	}
	free(value);
}

int load_sweep(const struct load *l)
{
	int removed = 0;
	uint32_t alive = 0, ended = 0; /* most lots are those of few processes */

	for (size_t i = 0; i < LIMIT_CONNS; i++) {
		volatile struct ev_lot *lot = &l->lots[i];
		uint32_t tgid = lot->tgid;

		if (!lot->owner || tgid == alive)
			continue;
		if (tgid != ended && !process_ended(tgid)) {
			alive = tgid;
			continue;
		}
		ended = tgid;
		removed += sweep_lot(l, lot);
	}
	return removed;
}
