// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests to the API as it ships, without sockets. The first byte is the listener ("t": TCP, which
 * wants the token); then come a line with method and target, header fields as lines, an empty line,
 * and the body. Whatever is asked, there is an answer, and JSON is JSON.
 */
#include <jansson.h>

#include "api/api.h"
#include "api/server_stats.h"
#include "api/state.h"
#include "api/workers.h"
#include "base/log.h"
#include "entry.h"
#include "fake_mhd.h"
#include "kinds.h"
#include "scratch.h"
#include "store/store.h"

#define TOKEN	"sesame-open"
#define PORT	8080
#define MOST_NS (100000000ULL * (FUZZ_BYTE_NS / 50))

enum { ENTRIES = 60, NOW_US = 1795298400 };

/* Tasks run when the connection waits, in place of threads. */
static struct task *waiting;

static void run_task(void)
{
	struct task *t = waiting;

	waiting = NULL;
	if (t)
		t->run(t);
}

int workers_start(unsigned threads, struct workers **ret)
{
	(void)threads;
	*ret = NULL;
	return 0;
}

int workers_suspend(struct workers *w, struct MHD_Connection *conn, struct task *t)
{
	(void)w;
	(void)conn;
	waiting = t;
	return 0;
}

void workers_stop(struct workers *w)
{
	(void)w;
}

void workers_free(struct workers *w)
{
	(void)w;
}

static void tell_stats(void *ctx, struct server_stats *ret)
{
	(void)ctx;
	ret->ready = true;
}

static int tell_targets(void *ctx, probed_file_fn *fn, void *fn_ctx)
{
	const struct probed_process p = { 7, "curl", "/usr/bin/curl", "" };

	(void)ctx;
	return fn(fn_ctx, &(struct probed_file){ .id = 1,
						 .path = "/lib/libssl.so.3",
						 .library = "openssl",
						 .version = "3",
						 .plan = "",
						 .reason = "",
						 .state = "attached",
						 .processes = &p,
						 .process_count = 1 });
}

static int set_paused(void *ctx, bool paused)
{
	(void)ctx;
	(void)paused;
	return 0;
}

static void fill(struct store *s, struct api *a)
{
	struct entry *batch[ENTRIES];

	for (uint64_t i = 0; i < ENTRIES; i++)
		batch[i] = kind_entry(i + 1, (NOW_US + (int64_t)i) * 1000000, true, 0);
	require(!store_append(s, batch, ENTRIES));
	api_publish(a, batch, ENTRIES);
	for (size_t i = 0; i < ENTRIES; i++)
		entry_free(batch[i]);
}

static void start(void)
{
	char path[100], local[100], error[256];
	struct store_options options = { .uri = path, .max_size = 64 << 20, .readers = 4 };
	struct api_options api = { .listen = "127.0.0.1:0",
				   .unix_socket = local,
				   .token = TOKEN,
				   .version = "1",
				   .hosts = "tap.example" };
	const struct api_source source = { NULL, tell_stats, tell_targets, set_paused };
	struct store *store;
	struct api *a;

	fake_turn = run_task;
	log_set_level(LOG_LEVEL_ERROR);
	scratch_make();
	snprintf(path, sizeof(path), "%s/store", scratch);
	snprintf(local, sizeof(local), "%s/socket", scratch);
	require(!store_open(&options, getuid(), getgid(), &store, error, sizeof(error)));
	require(!api_start(&api, &source, store, &a, error, sizeof(error)));
	fill(store, a);
	struct listener *tcp = fake_daemons[0].listener;
	tcp->port = PORT;
	snprintf(tcp->cookie, sizeof(tcp->cookie), "cleartap-%d", PORT);
}

struct asked {
	struct MHD_Daemon *daemon;
	const char *method, *target, *body;
	size_t body_size;
	struct MHD_Connection conn;
	char text[];
};

/* The line that begins here, without its end; *at goes behind it. */
static char *line_of(char **at)
{
	char *line = *at, *end = strchr(line, '\n');

	*at = end ? end + 1 : line + strlen(line);
	if (end)
		*end = '\0';
	line[strcspn(line, "\r")] = '\0';
	return line;
}

static struct asked *parse(const uint8_t *data, size_t size)
{
	struct asked *a = calloc(1, sizeof(*a) + size + 1);
	char *at, *line;

	require(a != NULL);
	memcpy(a->text, data + 1, size - 1);
	a->daemon = &fake_daemons[*data != 't'];
	at = a->text;
	a->method = line = line_of(&at);
	line += strcspn(line, " ");
	if (*line)
		*line++ = '\0';
	a->target = line;
	while (*(line = line_of(&at)) && a->conn.fields < FAKE_FIELDS) {
		char *value = strchr(line, ':');
		if (!value)
			continue;
		*value++ = '\0';
		value += strspn(value, " ");
		a->conn.field[a->conn.fields].name = line;
		a->conn.field[a->conn.fields++].value = value;
	}
	a->body = at;
	a->body_size = (size_t)(a->text + size - 1 - at);
	return a;
}

static void ask(struct asked *a)
{
	fake_request(a->daemon, &a->conn, a->method, a->target, a->body, a->body_size);
}

static bool answers_with(const struct asked *a, const char *type)
{
	const char *head = buf_cstr(&((struct asked *)a)->conn.head);

	return strstr(head, type) && !strstr(head, "Content-Encoding");
}

static void look_at(struct asked *a, const uint8_t *data, size_t size)
{
	struct MHD_Connection *c = &a->conn;
	bool json =
		answers_with(a, "application/json") || answers_with(a, "application/problem+json");

	require(c->status != 500);
	if (json && c->status != 304 && strcmp(a->method, "HEAD")) {
		json_t *v = json_loadb(c->body.data, c->body.len, JSON_ALLOW_NUL, NULL);

		require(v != NULL);
		json_decref(v);
	}
	/* what needs the token is not told without: a cookie is nothing to be guessed */
	if (a->daemon == &fake_daemons[0] && !memmem(data, size, TOKEN, strlen(TOKEN)))
		require(c->status != 200 || !answers_with(a, "application/json") ||
			strstr(a->target, "healthz") || strstr(a->target, "readyz"));
}

static void again(void *ctx, const uint8_t *data, size_t size)
{
	struct asked *a = parse(data, size);

	(void)ctx;
	ask(a);
	buf_free(&a->conn.body);
	buf_free(&a->conn.head);
	free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!fake_daemon_count)
		start();
	if (!size || memchr(data, 0, size))
		return 0;
	struct asked *a = parse(data, size);
	ask(a);
	look_at(a, data, size);
	buf_free(&a->conn.body);
	buf_free(&a->conn.head);
	free(a);
	if (fuzz_weighed(data, size))
		fuzz_weigh_once(again, NULL, data, size, MOST_NS);
	return 0;
}
