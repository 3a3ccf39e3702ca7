// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/watch.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"

/* Ring of one CPU: room for some 1,000 mappings. A power of two, plus the control page. */
#define WATCH_RING (128 << 10)

enum { RECORDS = 64 };

struct watch {
	const struct watch_ops *ops;
	void *ctx;
	int epoll;
	long page;
	size_t cpus;
	struct watch_ring {
		int fd;
		struct perf_event_mmap_page *head; /* NULL: this CPU is offline */
	} ring[];
};

struct mmap2_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	uint32_t major, minor;
	uint64_t inode, generation;
	uint32_t prot, flags;
	char path[]; /* NUL-terminated and filled up to 8 bytes; then the time, ns */
};

struct comm_record {
	struct perf_event_header header;
	uint32_t pid, tid;
};

static int open_cpu(struct watch *w, struct watch_ring *r, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TIME,
		.sample_id_all = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.comm = 1,
		.comm_exec = 1,
		.mmap = 1,
		.mmap2 = 1,
		.watermark = 1,
		.wakeup_watermark = 1,
	};
	struct epoll_event ev = { .events = EPOLLIN };

	r->fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (r->fd < 0)
		return errno == ENODEV ? 0 : -errno; /* offline */
	void *p = mmap(NULL, (size_t)w->page + WATCH_RING, PROT_READ | PROT_WRITE, MAP_SHARED,
		       r->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	r->head = p;
	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, r->fd, &ev) ? -errno : 0;
}

int watch_open(const struct watch_ops *ops, void *ctx, struct watch **ret)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct watch *w = calloc(1, sizeof(*w) + (size_t)cpus * sizeof(w->ring[0]));
	int err = 0;

	if (!w)
		return -ENOMEM;
	w->ops = ops;
	w->ctx = ctx;
	w->page = sysconf(_SC_PAGESIZE);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0)
		err = -errno;
	for (long cpu = 0; !err && cpu < cpus; cpu++, w->cpus++)
		err = open_cpu(w, &w->ring[cpu], (int)cpu);
	if (err) {
		watch_close(w);
		return err;
	}
	*ret = w;
	return 0;
}

void watch_close(struct watch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->cpus; i++) {
		if (w->ring[i].head)
			munmap(w->ring[i].head, (size_t)w->page + WATCH_RING);
		if (w->ring[i].fd >= 0)
			close(w->ring[i].fd);
	}
	close(w->epoll);
	free(w);
}

int watch_fd(const struct watch *w)
{
	return w->epoll;
}

static void deliver_mapping(struct watch *w, const struct mmap2_record *m)
{
	uint64_t ns;

	if (m->header.size <= sizeof(*m) + sizeof(ns) || m->path[0] != '/')
		return;
	memcpy(&ns, (const char *)m + m->header.size - sizeof(ns), sizeof(ns));
	struct watch_mapping mapping = {
		.tgid = m->pid,
		.start = m->addr,
		.end = m->addr + m->len,
		.inode = m->inode,
		.major = m->major,
		.minor = m->minor,
		.path = m->path,
		.at_us = (int64_t)(ns / 1000),
	};
	w->ops->mapping(w->ctx, &mapping);
}

static void deliver(struct watch *w, const struct perf_event_header *h)
{
	if (h->type == PERF_RECORD_LOST)
		w->ops->lost(w->ctx);
	else if (h->type == PERF_RECORD_COMM && (h->misc & PERF_RECORD_MISC_COMM_EXEC))
		w->ops->exec(w->ctx, ((const struct comm_record *)h)->pid);
	else if (h->type == PERF_RECORD_MMAP2)
		deliver_mapping(w, (const struct mmap2_record *)h);
}

/* A few records, so that each processor's have their turn. True: there are more. */
static bool read_cpu(struct watch *w, struct perf_event_mmap_page *head)
{
	const char *data = (const char *)head + w->page;
	union {
		struct perf_event_header header;
		char bytes[8192]; /* a record is at most this long: its size has 16 bits, a path
				     4096 */
	} copy;
	uint64_t end = __atomic_load_n(&head->data_head, __ATOMIC_ACQUIRE), at = head->data_tail;

	for (int n = 0; at < end && n < RECORDS; n++) {
		size_t size = sizeof(copy.header);
		/* Records wrap around, headers never do: both are multiples of 8. */
		memcpy(&copy.header, data + at % WATCH_RING, size);
		size = copy.header.size;
		if (size < sizeof(copy.header)) {
			at = end;
			break;
		}
		size_t take = size < sizeof(copy) ? size : sizeof(copy);
		for (size_t i = 0; i < take; i += 8)
			memcpy(copy.bytes + i, data + (at + i) % WATCH_RING, 8);
		if (take == size)
			deliver(w, &copy.header);
		at += size;
	}
	__atomic_store_n(&head->data_tail, at, __ATOMIC_RELEASE);
	return at < end;
}

bool watch_read(struct watch *w)
{
	int64_t begun = clock_ms(CLOCK_MONOTONIC);
	bool more;

	do {
		more = false;
		for (size_t i = 0; i < w->cpus; i++)
			if (w->ring[i].head)
				more |= read_cpu(w, w->ring[i].head);
	} while (more && clock_ms(CLOCK_MONOTONIC) - begun < LIMIT_TURN_PART_MS);
	return more;
}
