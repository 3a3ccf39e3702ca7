// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/attach.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "cleartap.skel.h"
#include "trace/inspect.h"
#include "trace/link.h"
#include "trace/load.h"

/* The programs for one kind of probe point. */
struct kind {
	struct bpf_program *enter;   /* at the point */
	struct bpf_program *leave;   /* at the return of its function, NULL: not wanted */
	struct bpf_program *session; /* both in one, NULL: entry only */
};

static struct kind kind_programs(const struct cleartap_bpf *s, uint32_t kind)
{
#define SSL_KIND(name)                                                                             \
	{                                                                                          \
		s->progs.name##_enter, s->progs.ssl_return, s->progs.name##_session                \
	}
	const struct kind kinds[PROBE_KIND_COUNT] = {
		[PROBE_SSL_READ] = SSL_KIND(ssl_read),
		[PROBE_SSL_READ_EX] = SSL_KIND(ssl_read_ex),
		[PROBE_SSL_WRITE] = SSL_KIND(ssl_write),
		[PROBE_SSL_WRITE_EX] = SSL_KIND(ssl_write_ex),
		[PROBE_SSL_WRITE_EX2] = SSL_KIND(ssl_write_ex2),
		[PROBE_SSL_FREE] = { s->progs.ssl_free },
		[PROBE_SSL_CLEAR] = { s->progs.ssl_clear },
		[PROBE_SSL_HANDSHAKE] = SSL_KIND(ssl_handshake),
		[PROBE_SSL_FLUSH] = SSL_KIND(ssl_flush),
		[PROBE_GO_READ] = { s->progs.go_read_enter },
		[PROBE_GO_READ_COPY] = { s->progs.go_read_copy },
		[PROBE_GO_READ_RET] = { s->progs.go_read_ret },
		[PROBE_GO_WRITE] = { s->progs.go_write_enter },
		[PROBE_GO_WRITE_RECORD] = { s->progs.go_write_record },
		[PROBE_GO_CLOSE] = { s->progs.go_close_enter },
	};

	return kind < PROBE_KIND_COUNT ? kinds[kind] : (struct kind){ 0 };
}

/* What is the same for every link of one binary. */
struct attaching {
	const struct load *load;
	char path[32];
	uint64_t cookie;
	struct attachment *out;
};

static int add_multi(struct attaching *j, struct bpf_program *prog, uint32_t type,
		     const uint64_t *offsets, size_t count, bool at_return)
{
	struct attachment *a = j->out;
	int *fds = realloc(a->fd, (a->fds + 1) * sizeof(*fds));

	if (!fds)
		return -ENOMEM;
	a->fd = fds;
	int fd = link_uprobes(bpf_program__fd(prog), type, j->path, offsets, count, j->cookie,
			      at_return);
	if (fd < 0)
		return fd;
	fds[a->fds++] = fd;
	return 0;
}

static int add_perf(struct attaching *j, struct bpf_program *prog, uint64_t offset, bool at_return)
{
	struct attachment *a = j->out;
	struct bpf_link **links = realloc(a->link, (a->links + 1) * sizeof(*links));
	DECLARE_LIBBPF_OPTS(bpf_uprobe_opts, opts, .retprobe = at_return);

	if (!links)
		return -ENOMEM;
	a->link = links;
	if (j->load->features.cookies)
		opts.bpf_cookie = j->cookie;
	struct bpf_link *link = bpf_program__attach_uprobe_opts(prog, -1, j->path, offset, &opts);
	if (!link)
		return -errno;
	links[a->links++] = link;
	return 0;
}

/* Returns first: an entry whose return is not seen yet would leave a frame behind. */
static int attach_points(struct attaching *j, const struct kind *k, const uint64_t *offsets,
			 size_t count)
{
	const struct features *f = &j->load->features;
	int err = 0;

	if (f->session && k->session)
		return add_multi(j, k->session, LINK_UPROBE_SESSION, offsets, count, false);
	if (f->multi) {
		if (k->leave)
			err = add_multi(j, k->leave, LINK_UPROBE_MULTI, offsets, count, true);
		return err ? err : add_multi(j, k->enter, LINK_UPROBE_MULTI, offsets, count, false);
	}
	for (size_t i = 0; !err && i < count; i++) {
		if (k->leave)
			err = add_perf(j, k->leave, offsets[i], true);
		if (!err)
			err = add_perf(j, k->enter, offsets[i], false);
	}
	return err;
}

int attach_file(const struct load *l, int fd, const struct inspection *plan, uint32_t target,
		struct attachment *ret)
{
	struct attachment a = { 0 };
	struct attaching j = { .load = l,
			       .cookie = target | (uint64_t)plan->family << 32,
			       .out = &a };
	int err = plan->family == INSPECT_GO ? load_set_go(l, fd, plan, target) : 0;

	snprintf(j.path, sizeof(j.path), "/proc/self/fd/%d", fd);
	load_set_ready(l, target, false);
	for (uint32_t kind = 0; !err && kind < PROBE_KIND_COUNT; kind++) {
		struct kind k = kind_programs(l->skel, kind);
		uint64_t offsets[LIMIT_PROBE_POINTS];
		size_t count = 0;

		for (uint32_t i = 0; i < plan->points; i++)
			if (plan->point[i].kind == kind)
				offsets[count++] = plan->point[i].offset;
		if (count && k.enter)
			err = attach_points(&j, &k, offsets, count);
	}
	if (err) {
		attach_close(&a);
		return err;
	}
	load_set_ready(l, target, true);
	*ret = a;
	return 0;
}

/*
 * Taking probes out holds what putting them in waits for (dup_mmap_sem), so while the main thread
 * has precedence this one must not wait for a processor either.
 */
static void keep_up(void)
{
	const struct sched_param lowest = { .sched_priority = 1 };
	int policy = sched_getscheduler(getpid());

	if (policy >= 0 && (policy & ~SCHED_RESET_ON_FORK) == SCHED_RR)
		sched_setscheduler(0, SCHED_RR, &lowest);
}

static void *close_link(void *fd)
{
	keep_up();
	close(*(const int *)fd);
	return NULL;
}

/* The kernel takes the probes of a link out at once and then waits some 50 ms: for all together. */
void attach_close(struct attachment *a)
{
	pthread_t thread[PROBE_KIND_COUNT * 2];
	size_t started = 0;

	while (started < a->fds && started < PROBE_KIND_COUNT * 2 &&
	       !pthread_create(&thread[started], NULL, close_link, &a->fd[started]))
		started++;
	for (size_t i = started; i < a->fds; i++)
		close(a->fd[i]);
	for (size_t i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	for (size_t i = 0; i < a->links; i++)
		bpf_link__destroy(a->link[i]);
	free(a->fd);
	free(a->link);
	*a = (struct attachment){ 0 };
}

bool attach_close_perf(struct attachment *a)
{
	if (a->links)
		bpf_link__destroy(a->link[--a->links]);
	return a->links != 0;
}

size_t attach_descriptors(const struct attachment *a)
{
	return a->fds + 2 * a->links;
}
