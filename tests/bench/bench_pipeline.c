// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pairs per second of one core: 1 KiB request and answer pairs over N connections, as the kernel
 * would send them, through sessions and dissection; then with redaction; then with the store too,
 * its five indexes and its bound on size at work. No API.
 *
 * usage: bench_pipeline [pairs [connections [directory of the store [stage]]]]
 * A stage of its own, 0 to 2, is for a profiler.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "redact/redact.h"
#include "entry.h"
#include "message.h"
#include "event.h"
#include "base/limits.h"
#include "session/session.h"
#include "source/uprobe.h"
#include "store/store.h"

#define STORE_SIZE_LEAST (8 << 20)

static const char request_text[] =
	"GET /api/v1/items/4711?page=2&sort=name HTTP/1.1\r\n"
	"Host: shop.example.org\r\n"
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
	"Accept: application/json, text/plain, */*\r\n"
	"Accept-Encoding: gzip, deflate, br\r\n"
	"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
	"Connection: keep-alive\r\n\r\n";

struct bench {
	const struct redact *redact; /* NULL: none */
	struct store *store;	     /* NULL: none */
	struct entry *batch[LIMIT_BATCH];
	size_t waiting;
	uint64_t entries, bytes;
};

static void store_batch(struct bench *b)
{
	if (b->waiting && store_append(b->store, b->batch, b->waiting))
		abort();
	while (b->waiting)
		entry_free(b->batch[--b->waiting]);
}

static void take(void *ctx, struct entry *e)
{
	struct bench *b = ctx;

	if (b->redact ? redact_entry(b->redact, e) : entry_write_detail(e))
		abort();
	b->entries++;
	b->bytes += (uint64_t)(e->request_size + e->response_size) + e->detail.len;
	if (!b->store) {
		entry_free(e);
		return;
	}
	b->batch[b->waiting++] = e;
	if (b->waiting == LIMIT_BATCH)
		store_batch(b);
}

static struct ev_data *data_record(const char *text, size_t len, uint8_t dir)
{
	struct ev_data *d = calloc(1, sizeof(*d) + len);

	if (!d)
		abort();
	d->hdr.type = EV_DATA;
	d->hdr.size = (uint32_t)(sizeof(*d) + len);
	d->hdr.tgid = 4242;
	d->hdr.gen = 1;
	d->dir = dir;
	d->span = d->len = (uint32_t)len;
	memcpy(d->payload, text, len);
	return d;
}

/* An answer that makes the pair `total` bytes long. */
static struct ev_data *answer_record(size_t total)
{
	char text[2048];
	int head = snprintf(text, sizeof(text),
			    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n"
			    "Date: Sat, 21 Nov 2026 19:10:18 GMT\r\n"
			    "Content-Type: application/json\r\nContent-Length: 0000\r\n"
			    "Connection: keep-alive\r\nSet-Cookie: last=4711; Path=/\r\n\r\n");
	size_t len = total - strlen(request_text);
	size_t body = len - (size_t)head;

	char digits[8];
	snprintf(digits, sizeof(digits), "%04zu", body);
	memcpy(strstr(text, "0000"), digits, 4);
	size_t at = (size_t)head;
	while (at < len)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "{\"id\":%zu,\"name\":\"item\",\"price\":%zu},", at, at * 7);
	return data_record(text, len, EV_READ);
}

static void open_all(struct sessions *s, uint64_t connections)
{
	for (uint64_t i = 1; i <= connections; i++) {
		struct ev_hdr hdr = { .tgid = 4242, .conn = i * 4096, .gen = 1 };
		struct ev_open o = {
			.hdr = hdr, .library = EV_LIB_OPENSSL, .netns = 1, .comm = "bench"
		};
		struct ev_bind b = { .hdr = hdr,
				     .local_ip = { 10, 0, 0, 1 },
				     .remote_ip = { 10, 0, 0, 2 },
				     .local_port = (uint16_t)i,
				     .remote_port = 443,
				     .netns = 1,
				     .family = 4,
				     .how = EV_HOW_NESTED,
				     .opened = EV_OPENED_LOCAL,
				     .strong = 1 };
		o.hdr.type = EV_OPEN;
		b.hdr.type = EV_BIND;
		uprobe_tell(s, 0, &o.hdr);
		uprobe_tell(s, 0, &b.hdr);
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double run(struct bench *b, uint64_t pairs, uint64_t connections)
{
	const struct entry_sink sink = { take, b };
	struct sessions *s = sessions_new(&sink, &(struct session_options){ .node = "bench" });
	struct ev_data *q = data_record(request_text, strlen(request_text), EV_WRITE);
	struct ev_data *a = answer_record(1024);

	if (!s)
		abort();
	open_all(s, connections);
	double start = seconds();
	for (uint64_t i = 0; i < pairs; i++) {
		uint64_t round = i / connections;
		q->hdr.conn = a->hdr.conn = (i % connections + 1) * 4096;
		q->offset = round * q->len;
		a->offset = round * a->len;
		q->hdr.ktime = 1000000 + i * 1000;
		a->hdr.ktime = q->hdr.ktime + 500;
		uprobe_tell(s, 0, &q->hdr);
		uprobe_tell(s, 0, &a->hdr);
	}
	if (b->store)
		store_batch(b);
	double took = seconds() - start;
	sessions_free(s);
	free(q);
	free(a);
	return took;
}

/* A store that has to empty old segments while it is filled: bounded to a quarter of the pairs. */
static struct store *open_store(const char *directory, uint64_t pairs)
{
	char uri[512], error[512];
	struct store_options o = { .uri = uri, .max_size = pairs / 4 * 2048, .readers = 1 };
	struct store *s;

	if (o.max_size < STORE_SIZE_LEAST)
		o.max_size = STORE_SIZE_LEAST;
	snprintf(uri, sizeof(uri), "%s/bench_pipeline.db", directory);
	unlink(uri);
	if (store_open(&o, getuid(), getgid(), &s, error, sizeof(error))) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	return s;
}

int main(int argc, char **argv)
{
	static const char *const name[] = { "sessions", "and redaction", "and store" };
	uint64_t pairs = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
	uint64_t connections = argc > 2 ? strtoull(argv[2], NULL, 10) : 64;
	const char *directory = argc > 3 ? argv[3] : "/tmp";
	struct redact *redact;
	char error[200];

	if (!pairs || !connections || redact_new(NULL, 0, true, &redact, error, sizeof(error)))
		return 2;
	int first = argc > 4 ? atoi(argv[4]) : 0, last = argc > 4 ? first : 2;
	for (int stage = first; stage <= last && stage < 3; stage++) {
		static struct bench b;
		b = (struct bench){ .redact = stage >= 1 ? redact : NULL,
				    .store = stage >= 2 ? open_store(directory, pairs) : NULL };
		double took = run(&b, pairs, connections);
		if (b.entries != pairs) {
			fprintf(stderr, "%" PRIu64 " entries of %" PRIu64 " pairs\n", b.entries,
				pairs);
			return 1;
		}
		printf("pipeline  %-14s %7.0f pairs per CPU second  %6.2f us of CPU per pair\n",
		       name[stage], (double)pairs / took, took / (double)pairs * 1e6);
		if (b.store) {
			struct store_stats st = store_stats(b.store);
			printf("pipeline  %" PRIu64 " entries emptied by the bound, %" PRIu64
			       " lost\n",
			       st.dropped_entries, st.lost_entries);
			store_close(b.store);
		}
	}
	redact_free(redact);
	return 0;
}
