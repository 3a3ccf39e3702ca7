// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The API over a store of made-up entries, for tests/unit/test_api.py and tests/web. Commands come
 * on standard input, one a line; each is answered with a line:
 *
 *   append N       N entries of kinds that the last digit of their number tells
 *   rate N         entries a second from now on
 *   fill N STEP [EVERY JSON]
 *                  N of the mix in tests/lib/synthetic.h, STEP µs apart, the last one now (or,
 * after clock, from its time on); each EVERYth changed as synthetic_set() tells add JSON       one
 * of that mix, changed as synthetic_set() tells; its id. The same "live" again is a later version
 * of it targets JSON   what /api/targets answers; "stats JSON": of /api/stats what a source tells
 *   pause 0|1      as POST /api/capture does
 *   clock T STEP   the next entry of append begins at T, each further one STEP µs later
 *   break, unready switch: the tracer does not answer, is not ready
 *   cpu            µs used so far
 *   made           entries of append so far
 *   quit
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "api/api.h"
#include "base/buf.h"
#include "entry.h"
#include "base/limits.h"
#include "base/log.h"
#include "store/store.h"
#include "kinds.h"
#include "synthetic.h"

#define BATCH_MS 50

struct server {
	struct store *store;
	struct api *api;
	uint64_t made;
	int64_t clock_us, step_us; /* 0: the time it is */
	bool paused, broken, unready;
	bool small;	       /* bodies */
	uint64_t mixed;	       /* number of the last entry of the mix */
	char *targets, *stats; /* as commands have set them; NULL: the preset */
};

static int put_targets(void *ctx, struct buf *out)
{
	struct server *s = ctx;

	if (s->targets)
		return buf_puts(out, s->targets);
	return buf_puts(out,
			"{\"targets\":[{\"id\":1,\"path\":\"/usr/lib/libssl.so.3\",\"library\":"
			"\"openssl\",\"version\":\"OpenSSL 3.0.15\",\"state\":\"attached\","
			"\"reason\":\"\",\"plan\":\"\",\"points\":3,\"hits\":9,\"processes\":[{"
			"\"pid\":4242,\"process\":\"curl-7.88\",\"container\":\"\"},{\"pid\":99,"
			"\"process\":\"idle\",\"container\":\"\"}]}]}");
}

static int put_stats(void *ctx, struct buf *out)
{
	struct server *s = ctx;

	return buf_puts(out, s->stats ? s->stats : "\"dropped\":3,\"lost_bytes\":77");
}

static int put_metrics(void *ctx, struct buf *out)
{
	(void)ctx;
	return buf_puts(out, "# HELP cleartap_test A value.\n# TYPE cleartap_test gauge\n"
			     "cleartap_test 1\n");
}

static bool is_ready(void *ctx)
{
	return !((struct server *)ctx)->unready;
}

static bool is_paused(void *ctx)
{
	return ((struct server *)ctx)->paused;
}

static int set_paused(void *ctx, bool paused)
{
	struct server *s = ctx;

	if (s->broken)
		return -EPIPE;
	s->paused = paused;
	return 0;
}

static int64_t wall_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Store and tell, and give the entries back. */
static int put(struct server *s, struct entry **batch, size_t n)
{
	int r = store_append(s->store, batch, n);

	if (!r)
		api_publish(s->api, batch, n);
	for (size_t i = 0; i < n; i++)
		entry_free(batch[i]);
	return r;
}

static struct entry *next_entry(struct server *s)
{
	int64_t t = s->clock_us ? s->clock_us : wall_us();

	s->clock_us += s->step_us;
	return kind_entry(++s->made, t, s->small);
}

static int append(struct server *s, uint64_t count)
{
	struct entry *batch[LIMIT_BATCH];
	int r = 0;

	while (!r && count) {
		size_t n = count < LIMIT_BATCH ? count : LIMIT_BATCH;
		for (size_t i = 0; i < n; i++)
			batch[i] = next_entry(s);
		r = put(s, batch, n);
		count -= n;
	}
	return r;
}

#define MIX_BODY 600

/* What the tail of a fill command says: which entries of the mix are changed, and how. */
struct change {
	uint64_t every; /* 0: none */
	json_t *fields;
};

static struct entry *next_of_mix(struct server *s, int64_t t, const struct change *c, uint64_t i)
{
	struct entry *e = synthetic_entry(++s->mixed, t, MIX_BODY);
	const char *name = "";

	if (c->every && i % c->every == 0 && synthetic_set(e, c->fields, &name))
		fprintf(stderr, "# no such field: %s\n", name);
	return e;
}

static int fill(struct server *s, uint64_t count, int64_t step_us, const struct change *c)
{
	struct entry *batch[LIMIT_BATCH];
	int64_t t = s->clock_us ? s->clock_us : wall_us() - (int64_t)count * step_us;
	int r = 0;

	for (uint64_t i = 0; !r && i < count;) {
		size_t n = 0;
		for (; n < LIMIT_BATCH && i < count; n++)
			batch[n] = next_of_mix(s, t += step_us, c, ++i);
		r = put(s, batch, n);
	}
	if (s->clock_us)
		s->clock_us = t;
	return r;
}

static int fill_command(struct server *s, const char *arguments)
{
	struct change c = { 0 };
	uint64_t count;
	int64_t step_us;
	int at = 0, r;

	if (sscanf(arguments, "%" SCNu64 " %" SCNd64 " %" SCNu64 " %n", &count, &step_us, &c.every,
		   &at) < 2)
		return -EINVAL;
	if (c.every && !(c.fields = json_loads(arguments + at, 0, NULL)))
		return -EINVAL;
	r = fill(s, count, step_us, &c);
	json_decref(c.fields);
	return r;
}

/* Prints the id, or what was wrong with the description. */
static void add(struct server *s, const char *text)
{
	struct entry *e = synthetic_entry(++s->mixed, wall_us(), MIX_BODY);
	json_t *fields = json_loads(text, JSON_ALLOW_NUL, NULL);
	const char *name = "no JSON";
	int r = fields ? synthetic_set(e, fields, &name) : -EINVAL;

	json_decref(fields);
	if (!r) {
		name = "not stored";
		r = store_append(s->store, &e, 1);
	}
	if (!r)
		api_publish(s->api, &e, 1);
	if (r)
		printf("failed: %s\n", name);
	else
		printf("%" PRId64 "\n", e->id);
	entry_free(e);
}

/* The text of an object becomes that of its members, as put_stats() of the source gives them. */
static char *members_of(const char *text)
{
	size_t len = strlen(text);

	return len > 2 ? strndup(text + 1, len - 2) : strdup("");
}

static int64_t cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (int64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec +
	       u.ru_stime.tv_usec;
}

static bool replace(char **where, char *text)
{
	free(*where);
	*where = text;
	return text;
}

/* false: quit. */
static bool command(struct server *s, char *line, uint64_t *rate)
{
	if (!strncmp(line, "append ", 7))
		printf("%s\n", append(s, strtoull(line + 7, NULL, 10)) ? "failed" : "ok");
	else if (!strncmp(line, "rate ", 5))
		printf("ok %" PRIu64 "\n", *rate = strtoull(line + 5, NULL, 10));
	else if (!strcmp(line, "cpu"))
		printf("%" PRId64 "\n", cpu_us());
	else if (!strcmp(line, "made"))
		printf("%" PRIu64 "\n", s->made);
	else if (sscanf(line, "clock %" SCNd64 " %" SCNd64, &s->clock_us, &s->step_us) == 2)
		printf("ok\n");
	else if (!strncmp(line, "fill ", 5))
		printf("%s\n", fill_command(s, line + 5) ? "failed" : "ok");
	else if (!strncmp(line, "add ", 4))
		add(s, line + 4);
	else if (!strncmp(line, "targets ", 8))
		printf("ok %d\n", replace(&s->targets, strdup(line + 8)));
	else if (!strncmp(line, "stats ", 6))
		printf("ok %d\n", replace(&s->stats, members_of(line + 6)));
	else if (!strncmp(line, "pause ", 6))
		printf("ok %d\n", s->paused = line[6] == '1');
	else if (!strcmp(line, "break"))
		printf("ok %d\n", s->broken = !s->broken);
	else if (!strcmp(line, "unready"))
		printf("ok %d\n", s->unready = !s->unready);
	else
		return false;
	return true;
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void serve(struct server *s)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t rate = 0, owed = 0; /* owed: in millionths of an entry */
	int64_t last = now_us();
	char *line = NULL;
	size_t size = 0;

	for (bool go = true; go;) {
		int n = poll(&p, 1, rate ? BATCH_MS : -1);
		int64_t now = now_us();
		owed += rate * (uint64_t)(now - last);
		last = now;
		if (rate && owed >= 1000000)
			append(s, owed / 1000000);
		owed %= 1000000;
		if (n > 0) {
			if (getline(&line, &size, stdin) < 0)
				break;
			line[strcspn(line, "\n")] = '\0';
			go = command(s, line, &rate);
			fflush(stdout);
		}
	}
	free(line);
}

int main(int argc, char **argv)
{
	struct server s = { 0 };
	struct store_options so = { .readers = LIMIT_API_WORKERS + 1 };
	struct api_options o = { .listen = "127.0.0.1:0", .token = "secret-token", .version = "0" };
	const struct api_source source = { &s,	     put_targets, put_stats, put_metrics,
					   is_ready, is_paused,	  set_paused };
	char error[256] = "";
	int opt;

	while ((opt = getopt(argc, argv, "s:l:u:c:k:h:m:vb")) != -1) {
		if (opt == 's')
			so.uri = optarg;
		else if (opt == 'l')
			o.listen = optarg;
		else if (opt == 'u')
			o.unix_socket = optarg;
		else if (opt == 'c')
			o.tls_cert = optarg;
		else if (opt == 'k')
			o.tls_key = optarg;
		else if (opt == 'b')
			s.small = true;
		else if (opt == 'm')
			so.max_size = strtoull(optarg, NULL, 10);
		else if (opt == 'h')
			o.hosts = optarg;
		else
			log_set_level(LOG_LEVEL_DEBUG);
	}
	setvbuf(stdin, NULL, _IONBF, 0);
	if (store_open(&so, getuid(), getgid(), &s.store, error, sizeof(error)) ||
	    api_start(&o, &source, s.store, &s.api, error, sizeof(error))) {
		printf("# %s\n", error);
		store_close(s.store);
		return 1;
	}
	printf("%u\n", api_port(s.api));
	fflush(stdout);
	serve(&s);
	api_stop(s.api);
	store_close(s.store);
	free(s.targets);
	free(s.stats);
	return 0;
}
