// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the kernel side may put into the ring, of eight connections: two and two are the ends of
 * one. The low half of a byte says what happens (enum op), the high half to which connection; what
 * it needs follows. The ring is one of our own, so that all from source/ to the entries runs as it
 * does. Every entry is JSON, and no more bytes come out than went in.
 */
#include <jansson.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "entry.h"
#include "fuzz.h"
#include "message.h"
#include "session/session.h"
#include "source/owner_use.h"
#include "source/ring.h"
#include "source/source.h"

enum op {
	OP_OPEN,  /* how */
	OP_WRITE, /* length, bytes */
	OP_READ,  /* length, bytes */
	OP_BOTH,  /* length, bytes: written at this end, read at the other */
	OP_SHORT, /* length, missing, flags, bytes: not all of a call */
	OP_LOST,  /* how much: a record that never came */
	OP_BIND,  /* how */
	OP_CLOSE,
	OP_EXIT,
	OP_TIME, /* tens of ms */
	OP_TICK,
	OP_RAW,	      /* length, bytes of a record */
	OP_CONTAINER, /* of the process */
	OP_AGAIN,     /* the address is used for another connection; from 8 on, many others are */
	OP_OWNER,     /* what the kernel side says of owners */
	OP_LONG,      /* seconds */
};

enum { CONNS = 8, CROWD = 1200, CLOCK_US = 1000000, PAGE = 4096 };

/* The memory that the kernel side shares. */
static struct {
	struct ring_maps fds;
	struct ev_owner *owners;
} shared;

/* What stands in for libbpf's ring: the records of one input, handed out in turn. */
struct ring_buffer {
	ring_buffer_sample_fn fn;
	void *ctx;
	struct buf records; /* size as uint64_t, record, padding to 8 */
	size_t at;
};
static struct ring_buffer fake;

struct ring_buffer *ring_buffer__new(int fd, ring_buffer_sample_fn fn, void *ctx,
				     const struct ring_buffer_opts *opts)
{
	(void)fd;
	(void)opts;
	fake.fn = fn;
	fake.ctx = ctx;
	return &fake;
}

void ring_buffer__free(struct ring_buffer *rb)
{
	(void)rb;
}

int ring_buffer__consume(struct ring_buffer *rb)
{
	int n = 0;

	while (rb->at < rb->records.len) {
		uint64_t size;
		memcpy(&size, rb->records.data + rb->at, sizeof(size));
		void *copy = malloc(size ? size : 1); /* so that reading past it is seen */
		memcpy(copy, rb->records.data + rb->at + sizeof(size), size);
		rb->at += sizeof(size) + ((size + 7) & ~7ULL);
		int r = rb->fn(rb->ctx, copy, size);
		free(copy);
		if (r < 0)
			return r;
		n++;
	}
	buf_reset(&rb->records);
	rb->at = 0;
	return n;
}

int ring_buffer__poll(struct ring_buffer *rb, int timeout_ms)
{
	(void)timeout_ms;
	return ring_buffer__consume(rb);
}

int ring_buffer__epoll_fd(const struct ring_buffer *rb)
{
	(void)rb;
	return shared.fds.ring_fd;
}

static int share(size_t size)
{
	int fd = memfd_create("map", MFD_CLOEXEC);

	require(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	return fd;
}

static void share_all(void)
{
	size_t owners = EV_OWNERS * sizeof(struct ev_owner);

	if (shared.owners)
		return;
	shared.fds = (struct ring_maps){
		.ring_fd = share(4 * PAGE),
		.control_fd = share(PAGE),
		.counters_fd = share(EV_CPUS_MAX * EV_C__COUNT * sizeof(uint64_t)),
		.hits_fd = share(EV_TARGETS_MAX * sizeof(uint64_t)),
		.owners_fd = share(owners),
		.taken_fd = share(EV_OWNERS * sizeof(uint64_t)),
		.wire_fd = -1,
		.packet_fd = -1,
		.size = 2 * PAGE,
	};
	shared.owners =
		mmap(NULL, owners, PROT_READ | PROT_WRITE, MAP_SHARED, shared.fds.owners_fd, 0);
	require(shared.owners != MAP_FAILED);
}

struct conn {
	uint64_t gen, offset[2];
};

struct play {
	struct sessions *sessions;
	struct sources *sources;
	struct conn conn[CONNS];
	uint64_t ktime;
	uint64_t told; /* bytes of payload and of what is missing */
	unsigned crowd;
	bool bytewise, raw;
	struct sum {
		uint64_t bytes, entries; /* of messages, and how many were told to their end */
	} sum;
};

static void look_at(void *ctx, struct entry *e)
{
	struct play *p = ctx;

	require(entry_write_detail(e) == 0);
	json_t *detail = json_loadb(e->detail.data, e->detail.len, JSON_ALLOW_NUL, NULL);
	require(detail != NULL);
	json_decref(detail);
	require(e->complete == !*e->reason);
	require(e->elapsed_us >= -1 && e->lost_bytes >= 0 && e->truncated_bytes >= 0);
	require(e->request_size >= 0 && e->response_size >= 0);
	require(!e->open || e->live);
	if (!e->open)
		p->sum.bytes += (uint64_t)(e->request_size + e->response_size);
	p->sum.entries += !e->open;
	entry_free(e);
}

static struct ev_hdr header(struct play *p, unsigned c, uint8_t type, size_t size)
{
	p->ktime += 1000000;
	return (struct ev_hdr){ .type = type,
				.owner = (uint16_t)(1 + c / 4),
				.size = (uint32_t)size,
				.ktime = p->ktime,
				.tgid = 10 + c % 4, /* two connections of each process */
				.tid = 10 + c % 4,
				.conn = 0x1000 + c,
				.gen = p->conn[c].gen };
}

static void put_record(const void *record, uint64_t size)
{
	static const uint64_t zero;

	buf_put(&fake.records, &size, sizeof(size));
	buf_put(&fake.records, record, size);
	buf_put(&fake.records, &zero, -size & 7);
}

static void put_piece(struct play *p, unsigned c, uint8_t dir, const uint8_t *data, size_t len,
		      uint32_t span, uint8_t flags)
{
	char record[sizeof(struct ev_data) + 256];
	struct ev_data *d = (struct ev_data *)record;

	*d = (struct ev_data){ .hdr = header(p, c, EV_DATA, sizeof(*d) + len),
			       .offset = p->conn[c].offset[dir],
			       .goid = c,
			       .span = span,
			       .len = (uint32_t)len,
			       .dir = dir };
	d->begin = dir == EV_WRITE ? d->hdr.ktime - 500000 : d->hdr.ktime;
	d->hdr.flags = flags;
	memcpy(d->payload, data, len);
	put_record(record, d->hdr.size);
	p->conn[c].offset[dir] += span;
	p->told += span;
}

static void put_data(struct play *p, unsigned c, uint8_t dir, const uint8_t *data, size_t len)
{
	size_t step = p->bytewise ? 1 : len;

	for (size_t i = 0; i < len; i += step) {
		put_piece(p, c, dir, data + i, step, (uint32_t)step,
			  i + step < len ? EV_F_MORE : 0);
		p->ktime -= i + step < len ? 1000000 : 0; /* all are of one call */
	}
}

static void put_open(struct play *p, unsigned c, uint8_t how)
{
	struct ev_open o = { .hdr = header(p, c, EV_OPEN, sizeof(o)),
			     .netns = how & 2,
			     .library = how >> 4,
			     .uid = 1000,
			     .comm = "program" };

	o.hdr.flags = how & 1 ? EV_F_MIDWAY : 0;
	p->conn[c].gen = o.hdr.gen = p->ktime;
	memset(p->conn[c].offset, 0, sizeof(p->conn[c].offset));
	put_record(&o, sizeof(o));
}

/* Each even connection is the client of the next one. */
static void put_bind(struct play *p, unsigned c, uint8_t how)
{
	struct ev_bind b = { .hdr = header(p, c, EV_BIND, sizeof(b)),
			     .netns = 1,
			     .family = how & 0x40   ? 6
				       : how & 0x80 ? how
						    : 4,
			     .how = how & 3,
			     .opened =
				     how & 0x20 ? (c & 1 ? EV_OPENED_REMOTE : EV_OPENED_LOCAL) : 0,
			     .strong = !!(how & 0x10) };
	uint16_t ports[2] = { (uint16_t)(40000 + c / 2), 443 };

	b.local_ip[0] = b.remote_ip[0] = 127;
	b.local_ip[3] = b.remote_ip[3] = 1;
	b.local_ip[15] = b.remote_ip[15] = 1;
	b.local_port = ports[c & 1];
	b.remote_port = how & 8 ? how : ports[!(c & 1)];
	put_record(&b, sizeof(b));
}

static void put_end(struct play *p, unsigned c, bool exit)
{
	struct ev_close e = { .hdr = header(p, c, exit ? EV_EXIT : EV_CLOSE,
					    exit ? sizeof(e.hdr) : sizeof(e)) };

	if (exit)
		e.hdr.conn = e.hdr.gen = 0;
	memcpy(e.offset, p->conn[c].offset, sizeof(e.offset));
	put_record(&e, e.hdr.size);
}

static int64_t drain(struct play *p)
{
	int64_t now = (int64_t)(p->ktime / 1000) + CLOCK_US;
	bool none = !fake.records.len;

	while (fake.records.len || none--)
		require(sources_poll(p->sources, 0, &now) >= 0);
	return (int64_t)(p->ktime / 1000) + CLOCK_US;
}

static void tick(struct play *p)
{
	int64_t now = drain(p);

	sessions_tick(p->sessions, now);
	struct session_stats s = sessions_stats(p->sessions);
	require(s.active <= s.opened && s.closed <= s.opened);
}

static void set_owner(unsigned c, uint8_t value)
{
	shared.owners[1 + c].id = value & 1 ? 1000 + c : 0;
	shared.owners[1 + c].lost_records = value >> 1;
}

/* Connections of which nothing is heard any more. */
static void put_crowd(struct play *p, unsigned c)
{
	for (unsigned i = 0; i < 300 && p->crowd < CROWD; i++) {
		struct ev_open o = { .hdr = header(p, c, EV_OPEN, sizeof(o)) };

		o.hdr.conn = 0x10000 + 64 * p->crowd++;
		o.hdr.gen = p->ktime;
		put_record(&o, sizeof(o));
	}
}

/* Bytes that follow an operation: their length comes first. */
struct input {
	const uint8_t *at, *end;
};

static uint8_t next(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static const uint8_t *bytes(struct input *in, size_t *len)
{
	const uint8_t *data = in->at;

	if (*len > (size_t)(in->end - in->at))
		*len = (size_t)(in->end - in->at);
	in->at += *len;
	return data;
}

static void put_short(struct play *p, unsigned c, struct input *in)
{
	size_t len = next(in);
	uint32_t missing = next(in);
	uint8_t flags = next(in);
	const uint8_t *data = bytes(in, &len);

	put_piece(p, c, flags >> 7, data, len, (uint32_t)len + missing * 100, flags & 15);
}

static void move(struct play *p, unsigned c, enum op op, struct input *in)
{
	size_t len = next(in);
	const uint8_t *data = bytes(in, &len);

	if (op == OP_RAW) {
		p->raw = true;
		put_record(data, len);
	} else {
		put_data(p, c, op == OP_READ ? EV_READ : EV_WRITE, data, len);
	}
	if (op == OP_BOTH)
		put_data(p, c ^ 1, EV_READ, data, len);
}

static void step(struct play *p, struct input *in)
{
	uint8_t byte = next(in);
	unsigned c = (byte >> 4) % CONNS;
	enum op op = byte & 15;

	switch (op) {
	case OP_OPEN:
		put_open(p, c, next(in));
		break;
	case OP_WRITE:
	case OP_READ:
	case OP_BOTH:
	case OP_RAW:
		move(p, c, op, in);
		break;
	case OP_SHORT:
		put_short(p, c, in);
		break;
	case OP_LOST:
		p->conn[c].offset[byte >> 7] += next(in);
		p->told += 255;
		break;
	case OP_BIND:
		put_bind(p, c, next(in));
		break;
	case OP_CLOSE:
	case OP_EXIT:
		put_end(p, c, op == OP_EXIT);
		break;
	case OP_TIME:
		p->ktime += next(in) * 10000000ULL;
		break;
	case OP_LONG:
		p->ktime += next(in) * 1000000000ULL;
		break;
	case OP_TICK:
		tick(p);
		break;
	case OP_CONTAINER:
		drain(p);
		sessions_set_container(p->sessions, 10 + c % 4, byte & 0x80 ? "" : "4f2a");
		break;
	case OP_AGAIN:
		if (byte & 0x80)
			put_crowd(p, c);
		else
			p->conn[c] = (struct conn){ .gen = p->ktime };
		break;
	case OP_OWNER:
		set_owner(c, next(in));
		break;
	}
}

static void look_at_numbers(struct play *p)
{
	const struct ring *ring = sources_ring(p->sources);
	struct owner_use owners[2];
	uint64_t counters[EV_C__COUNT], used, size;

	ring_counters(ring, counters);
	ring_fill(ring, &used, &size);
	require(used == 0 && size == shared.fds.size && ring_fd(ring) == shared.fds.ring_fd);
	struct ring_taken taken = ring_taken(ring);
	require(p->raw || (taken.bad == 0 && taken.bytes <= p->told));
	require(ring_hits(ring, 1) == 0 && ring_hits(ring, UINT32_MAX) == 0);
	size_t n = owners_refused(ring, owners, 2);
	require(n < 2 || owners[0].is.lost_records >= owners[1].is.lost_records);
}

/* The first byte: two entries of each exchange (bit 0). */
static struct sum run(const uint8_t *data, size_t size, bool bytewise)
{
	struct play p = { .bytewise = bytewise, .ktime = 1000000000 };
	struct input in = { data + 1, data + size };
	uint64_t live = 0;
	struct live_use use = { 0 };
	const struct entry_sink sink = { look_at, &p, &live, &use };
	const struct session_options options = { .node = "n", .split_ends = data[0] & 1 };
	struct source_options source = { .clock_offset_us = CLOCK_US, .maps = &shared.fds };
	char error[100] = "";

	p.sessions = source.sessions = sessions_new(&sink, &options);
	require(p.sessions && !sources_open(&source, &p.sources, error, sizeof(error)));
	while (in.at < in.end)
		step(&p, &in);
	tick(&p);
	look_at_numbers(&p);
	sessions_free(p.sessions);
	sources_close(p.sources);
	require(p.raw || p.sum.bytes <= p.told);
	buf_free(&fake.records);
	fake.at = 0;
	return p.sum;
}

static void work(void *ctx, const uint8_t *data, size_t size)
{
	(void)ctx;
	run(data, size, false);
}

/* Without the maps there is no source, and with wrong ones a sentence. */
static void refuse_maps(void)
{
	struct ring_maps wrong = shared.fds;
	struct source_options options = { 0 };
	struct sources *s = NULL;
	char error[100] = "";
	int64_t now = 42;

	wrong.hits_fd = -1;
	require(!sources_open(&options, &s, error, sizeof(error)) && !sources_ring(s));
	require(!sources_poll(s, 0, &now) && now == 42);
	sources_close(s);
	options.maps = &wrong;
	require(sources_open(&options, &s, error, sizeof(error)) < 0 && *error);
	sources_close(NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size || size > 4096)
		return 0;
	share_all();
	refuse_maps();
	struct sum whole = run(data, size, false), bytes = run(data, size, true);
	require(whole.bytes == bytes.bytes && whole.entries == bytes.entries);
	/* each few bytes may be an exchange with an entry of its own, which costs what it costs */
	if (fuzz_weighed(data, size))
		fuzz_weigh_once(work, NULL, data, size,
				(2000000 + 20000 * size) * (FUZZ_BYTE_NS / 50));
	return 0;
}
