// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What goes between the processes, from one that was taken over. Pieces: a byte that says which, a
 * length of two bytes, and so many bytes, the rest being 0. A message from the tracer to the
 * server, one the other way, an answer of an analysing child, and what the tracer's outbox is asked
 * to tell.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "context/registry.h"
#include "event.h"
#include "fuzz.h"
#include "trace/inspect_child.h"
#include "trace/library.h"
#include "trace/outbox.h"
#include "trace/tracer_message.h"

enum what {
	TO_SERVER,
	TO_TRACER,
	ANSWER,
	PUT_TARGET,
	PUT_PROCESS,
	PUT_REFUSED,
	FLUSH,
	SWEEP,
	KINDS
};
enum { FILE_SIZE = 1 << 16, MOST_PIECES = 64 };

#define MOST_NS (20000000ULL * (FUZZ_BYTE_NS / 50))

struct play {
	int socket[2]; /* the tracer's end, and the server's */
	struct registry *registry;
	struct outbox *outbox;
	bool paused;
};

static uint64_t no_hits(void *ctx, uint32_t target)
{
	(void)ctx;
	require(target < EV_TARGETS_MAX);
	return 0;
}

/* Whoever shows it reads each text to its end. */
static int read_file(void *ctx, const struct probed_file *f)
{
	size_t *sum = ctx;

	*sum += strlen(f->path) + strlen(f->library) + strlen(f->version) + strlen(f->plan) +
		strlen(f->reason) + strlen(f->state);
	for (size_t i = 0; i < f->process_count; i++)
		*sum += strlen(f->processes[i].name) + strlen(f->processes[i].exe) +
			strlen(f->processes[i].container);
	return 0;
}

/* As the server's loop does. */
static void take_all(struct play *p)
{
	struct tracer_message *m = malloc(sizeof(*m));
	int r;

	require(m != NULL);
	while ((r = tracer_message_receive(p->socket[1], m)) != -EAGAIN) {
		require(!r || r == -EBADMSG);
		if (!r)
			registry_tell(p->registry, m);
	}
	free(m);
}

/* As the tracer's does. */
static void take_command(struct play *p)
{
	struct tracer_message m;
	int r = tracer_message_receive(p->socket[0], &m);

	require(!r || r == -EBADMSG || r == -EAGAIN);
	if (!r && (m.type == MSG_PAUSE || m.type == MSG_RESUME)) {
		p->paused = m.type == MSG_PAUSE;
		outbox_put_state(p->outbox, p->paused);
	}
}

static void send_bytes(int socket, const uint8_t *data, size_t len)
{
	/* an empty message reads as the end, which either side may have at any time */
	require(!len || send(socket, data, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len ||
		errno == EAGAIN);
}

static void check_answer(const struct inspection *in)
{
	require(in->points <= LIMIT_PROBE_POINTS && in->more <= 1 && in->failed <= 1);
	require(!in->family || library_find(in->family));
	for (uint32_t i = 0; i < in->points; i++)
		require(in->point[i].offset < FILE_SIZE && in->point[i].kind < PROBE_KIND_COUNT);
	require(strlen(in->version) < sizeof(in->version) && strlen(in->plan) < sizeof(in->plan));
	require(strlen(in->module) < sizeof(in->module) && strlen(in->reason) < sizeof(in->reason));
}

/* Of a child that is no process, so that it has ended when it is asked for. */
static void take_answer(const uint8_t *data, size_t len, bool whole)
{
	static struct inspection in;
	static struct inspection ret;
	struct inspect_child c = { .file_size = FILE_SIZE };
	int ends[2];

	memset(&in, 0, sizeof(in));
	memcpy(&in, data, len < sizeof(in) ? len : sizeof(in));
	in.more = whole ? 0 : in.more & ~1U; /* 1 would calm this process down */
	require(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
	c.socket = ends[0];
	send_bytes(ends[1], (const uint8_t *)&in, whole ? sizeof(in) : len);
	close(ends[1]);
	int r = inspect_child_take(&c, &ret);
	require(r <= 0 && r != -EAGAIN);
	if (!r)
		check_answer(&ret);
	close(ends[0]);
}

/* Bytes as a message; the rest of it is 0. */
static struct tracer_message message_of(const uint8_t *data, size_t len)
{
	struct tracer_message m = { 0 };

	memcpy(&m, data, len < sizeof(m) ? len : sizeof(m));
	return m;
}

static void play(struct play *p, enum what what, bool whole, const uint8_t *data, size_t len)
{
	struct tracer_message m = message_of(data, len);
	const uint8_t *bytes = whole ? (const uint8_t *)&m : data;

	switch (what) {
	case TO_SERVER:
		send_bytes(p->socket[0], bytes, whole ? sizeof(m) : len);
		take_all(p);
		break;
	case TO_TRACER:
		send_bytes(p->socket[1], bytes, whole ? sizeof(m) : len);
		take_command(p);
		break;
	case ANSWER:
		take_answer(data, len, whole);
		break;
	case PUT_TARGET:
		m.type = MSG_TARGET;
		m.target %= EV_TARGETS_MAX;
		outbox_put_target(p->outbox, &m);
		break;
	case PUT_PROCESS:
		outbox_put_process(p->outbox, 1 + m.tgid % 100000, 1 + m.target % 100);
		require(outbox_maps(p->outbox, 1 + m.target % 100));
		break;
	case PUT_REFUSED:
		outbox_put_refused(p->outbox, m.state % REFUSED_COUNT, m.owner);
		break;
	case FLUSH:
		if (whole)
			outbox_put_ready(p->outbox);
		require(outbox_flush(p->outbox));
		take_all(p);
		break;
	case SWEEP:
		outbox_sweep(p->outbox);
		break;
	default:
		break;
	}
}

static void run(void *ctx, const uint8_t *data, size_t size)
{
	struct play p = { .registry = registry_new() };
	size_t sum = 0;

	(void)ctx;
	require(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p.socket));
	p.outbox = outbox_new(p.socket[0]);
	require(p.outbox && p.registry);
	for (size_t at = 0, len, n = 0; at + 3 <= size && n < MOST_PIECES; at += len, n++) {
		uint8_t what = data[at];
		len = data[at + 1] | (size_t)data[at + 2] << 8;
		at += 3;
		if (len > size - at)
			len = size - at;
		play(&p, (what & 0x7f) % KINDS, what & 0x80, data + at, len);
	}
	/* what is told twice is told in turns, and all of it in the end */
	for (int i = 0; i < 100 && outbox_pending(p.outbox); i++) {
		require(outbox_flush(p.outbox));
		take_all(&p);
	}
	require(!outbox_pending(p.outbox));
	require(!registry_each(p.registry, no_hits, NULL, read_file, &sum));
	outbox_free(p.outbox);
	registry_free(p.registry);
	close(p.socket[0]);
	close(p.socket[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	log_set_level(LOG_LEVEL_ERROR);
	run(NULL, data, size);
	if (fuzz_weighed(data, size))
		fuzz_weigh_once(run, NULL, data, size, MOST_NS);
	return 0;
}
