// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The API over a store of made-up entries, for tests/unit/test_api.py and tests/web. Commands come
 * on standard input, one a line; each is answered with a line.
 *
 * - append N: N entries of kinds that the last digit of their number tells.
 * - begin N, grow N, finish N: N of these go on; the first N of those are told again, or end.
 * - both, split: from now on they are of both ends of an exchange, or two of each. huge N: bytes of
 *   the answers 4, 14, ...
 * - rate N: entries a second from now on.
 * - fill N STEP [EVERY JSON]: N of the mix of tests/lib/synthetic.h, STEP µs apart, the last one
 *   now, or after "clock" from its time on; each EVERYth is changed as synthetic_set() tells.
 * - add JSON: one of the mix, changed; the answer is its id. The same "live": a later version.
 * - targets JSON: what /api/targets answers.
 * - pause 0|1: as POST /api/capture does.
 * - clock T STEP: the next entry begins at T, each further one of append STEP µs later.
 * - break, unready: switch whether the tracer answers, whether it is ready.
 * - cpu: µs used so far. made: entries of append and begin so far. quit.
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
#include "api/server_stats.h"
#include "base/buf.h"
#include "entry.h"
#include "base/limits.h"
#include "base/log.h"
#include "body/proto_set.h"
#include "store/store.h"
#include "api_entries.h"

#define BATCH_MS    50
#define TARGETS_MAX 8

struct server {
	struct entries e;
	bool paused, broken, unready;
	json_t *targets; /* as the command has set them; NULL: the preset */
};

static const char *text_of(const json_t *v, const char *name)
{
	const char *text = json_string_value(json_object_get(v, name));

	return text ? text : "";
}

static int tell_target(const json_t *t, probed_file_fn *fn, void *fn_ctx)
{
	const json_t *p, *list = json_object_get(t, "processes");
	struct probed_process processes[TARGETS_MAX];
	struct probed_file file = {
		.id = (uint32_t)json_integer_value(json_object_get(t, "id")),
		.points = (uint32_t)json_integer_value(json_object_get(t, "points")),
		.hits = (uint64_t)json_integer_value(json_object_get(t, "hits")),
		.path = text_of(t, "path"),
		.library = text_of(t, "library"),
		.version = text_of(t, "version"),
		.plan = text_of(t, "plan"),
		.reason = text_of(t, "reason"),
		.state = text_of(t, "state"),
		.processes = processes,
	};
	size_t i;

	json_array_foreach(list, i, p)
	{
		if (i == TARGETS_MAX)
			break;
		processes[file.process_count++] = (struct probed_process){
			.pid = (uint32_t)json_integer_value(json_object_get(p, "pid")),
			.name = text_of(p, "process"),
			.exe = "",
			.container = text_of(p, "container"),
		};
	}
	file.attached = !strcmp(file.state, "attached");
	return fn(fn_ctx, &file);
}

static int told_targets(const json_t *list, probed_file_fn *fn, void *fn_ctx)
{
	const json_t *t;
	size_t i;
	int r = 0;

	json_array_foreach(list, i, t) if (!r) r = tell_target(t, fn, fn_ctx);
	return r;
}

static int each_target(void *ctx, probed_file_fn *fn, void *fn_ctx)
{
	static const struct probed_process processes[] = {
		{ .pid = 4242, .name = "curl-7.88", .exe = "/usr/bin/curl", .container = "" },
		{ .pid = 99, .name = "idle", .exe = "/usr/bin/idle", .container = "" },
	};
	static const struct probed_file file = {
		.id = 1,
		.points = 3,
		.attached = true,
		.hits = 9,
		.path = "/usr/lib/libssl.so.3",
		.library = "openssl",
		.version = "OpenSSL 3.0.15",
		.plan = "",
		.reason = "",
		.state = "attached",
		.processes = processes,
		.process_count = 2,
	};

	const struct server *s = ctx;

	return s->targets ? told_targets(s->targets, fn, fn_ctx) : fn(fn_ctx, &file);
}

static void take_stats(void *ctx, struct server_stats *ret)
{
	const struct server *s = ctx;

	ret->ready = !s->unready;
	ret->paused = s->paused;
	ret->kernel[EV_C_RING_FULL] = 3;
	ret->kernel[EV_C_CALLS] = 5;
	ret->sessions.lost_bytes = 77;
	ret->sessions.paired = 1200;
	ret->sessions.unpaired_late = 4;
	ret->sessions.live_open = 2;
}

static int set_paused(void *ctx, bool paused)
{
	struct server *s = ctx;

	if (s->broken)
		return -EPIPE;
	s->paused = paused;
	return 0;
}

static int64_t cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (int64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec +
	       u.ru_stime.tv_usec;
}

static int set_targets(struct server *s, const char *text)
{
	json_decref(s->targets);
	s->targets = json_loads(text, JSON_ALLOW_NUL, NULL);
	return s->targets ? 0 : -EINVAL;
}

static void say(int r)
{
	printf("%s\n", r ? "failed" : "ok");
}

static void add(struct entries *e, const char *json)
{
	const char *name;
	int64_t id;

	if (entries_add(e, json, &id, &name))
		printf("failed: %s\n", name);
	else
		printf("%" PRId64 "\n", id);
}

/* What makes entries; false: it is none of these. */
static bool make_command(struct entries *e, const char *line, const char *rest)
{
	if (!strncmp(line, "append ", 7))
		say(entries_append(e, strtoull(rest, NULL, 10)));
	else if (!strncmp(line, "begin ", 6))
		say(entries_begin(e, strtoull(rest, NULL, 10)));
	else if (!strncmp(line, "grow ", 5))
		say(entries_tell_again(e, strtoull(rest, NULL, 10), true));
	else if (!strncmp(line, "finish ", 7))
		say(entries_tell_again(e, strtoull(rest, NULL, 10), false));
	else if (!strncmp(line, "fill ", 5))
		say(entries_fill(e, rest));
	else if (!strncmp(line, "add ", 4))
		add(e, rest);
	else if (sscanf(line, "clock %" SCNd64 " %" SCNd64, &e->clock_us, &e->step_us) == 2)
		say(0);
	else if (!strcmp(line, "both"))
		printf("ok %d\n", e->both = !e->both);
	else if (!strcmp(line, "split"))
		printf("ok %d\n", e->split = !e->split);
	else if (!strncmp(line, "huge ", 5))
		printf("ok %zu\n", e->huge = strtoull(line + 5, NULL, 10));
	else if (!strcmp(line, "made"))
		printf("%" PRIu64 "\n", e->made);
	else
		return false;
	return true;
}

/* false: quit. */
static bool command(struct server *s, const char *line, uint64_t *rate)
{
	const char *space = strchr(line, ' '), *rest = space ? space + 1 : "";

	if (make_command(&s->e, line, rest))
		return true;
	if (!strncmp(line, "rate ", 5))
		printf("ok %" PRIu64 "\n", *rate = strtoull(rest, NULL, 10));
	else if (!strncmp(line, "targets ", 8))
		say(set_targets(s, rest));
	else if (!strncmp(line, "pause ", 6))
		printf("ok %d\n", s->paused = *rest == '1');
	else if (!strcmp(line, "cpu"))
		printf("%" PRId64 "\n", cpu_us());
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
			entries_append(&s->e, owed / 1000000);
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

/* NULL when it cannot be read, which tests see. */
static struct proto_set *read_set(const char *path)
{
	struct proto_set *set = NULL;
	char error[256];

	if (proto_set_new(&set) || proto_set_read(set, path, error, sizeof(error))) {
		proto_set_free(set);
		return NULL;
	}
	proto_set_sort(set);
	return set;
}

int main(int argc, char **argv)
{
	static struct server s;
	struct store_options so = { .readers = LIMIT_API_WORKERS + 1 };
	struct api_options o = { .listen = "127.0.0.1:0", .token = "secret-token", .version = "0" };
	const struct api_source source = { &s, take_stats, each_target, set_paused };
	char error[256] = "";
	int opt;

	while ((opt = getopt(argc, argv, "s:l:u:c:k:h:m:p:vb")) != -1) {
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
			s.e.small = true;
		else if (opt == 'm')
			so.max_size = strtoull(optarg, NULL, 10);
		else if (opt == 'p')
			o.proto_set = read_set(optarg);
		else if (opt == 'h')
			o.hosts = optarg;
		else
			log_set_level(LOG_LEVEL_DEBUG);
	}
	setvbuf(stdin, NULL, _IONBF, 0);
	if (store_open(&so, getuid(), getgid(), &s.e.store, error, sizeof(error)) ||
	    api_start(&o, &source, s.e.store, &s.e.api, error, sizeof(error))) {
		printf("# %s\n", error);
		store_close(s.e.store);
		return 1;
	}
	printf("%u\n", api_port(s.e.api));
	fflush(stdout);
	serve(&s);
	api_stop(s.e.api);
	store_close(s.e.store);
	json_decref(s.targets);
	proto_set_free((struct proto_set *)o.proto_set);
	return 0;
}
