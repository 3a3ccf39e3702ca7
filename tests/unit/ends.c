// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include "ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"
#include "message.h"

static void collect(void *ctx, struct entry *e)
{
	struct told *t = ctx;

	assert_true(t->count < TOLD_MOST);
	assert_int_equal(entry_write_detail(e), 0);
	t->entries[t->count++] = e;
}

static struct told *begin(bool split)
{
	struct told *t = calloc(1, sizeof(*t));
	const struct entry_sink sink = { .emit = collect, .ctx = t };
	const struct session_options options = { .node = "host1", .split_ends = split };

	t->clock = 1000000000;
	t->sessions = sessions_new(&sink, &options);
	return t;
}

int told_setup(void **state)
{
	*state = begin(false);
	return 0;
}

int told_setup_split(void **state)
{
	*state = begin(true);
	return 0;
}

int told_teardown(void **state)
{
	struct told *t = *state;

	sessions_free(t->sessions);
	for (size_t i = 0; i < t->count; i++)
		entry_free(t->entries[i]);
	free(t);
	return 0;
}

struct session_stats told_stats(const struct told *t)
{
	return sessions_stats(t->sessions);
}

void told_pass(struct told *t, uint64_t ms)
{
	t->clock += ms * 1000000;
	sessions_tick(t->sessions, (int64_t)(t->clock / 1000) + RECORDS_CLOCK_US);
}

/* Records of all ends are in the order of one clock. */
void ends_now(struct told *t, struct wire *w)
{
	t->clock += 1000000;
	w->ktime = t->clock - 1000000;
}

void ends_open_one(struct told *t, struct wire *w, uint32_t tgid, uint64_t conn, bool client,
		   uint16_t port)
{
	t->clock += 1000000;
	*w = (struct wire){ .sessions = t->sessions, .tgid = tgid, .conn = conn, .gen = t->clock };
	ends_now(t, w);
	wire_open(w, client ? "curl" : "nginx", EV_LIB_OPENSSL, 1);
	ends_now(t, w);
	if (client)
		wire_bind(w, "10.0.0.4", port, "10.0.0.5", 443, EV_HOW_NESTED, EV_OPENED_LOCAL,
			  true);
	else
		wire_bind(w, "10.0.0.5", 443, "10.0.0.4", port, EV_HOW_NESTED, EV_OPENED_REMOTE,
			  true);
}

struct ends ends_open(struct told *t, uint64_t conn, uint16_t port)
{
	struct ends e = { .t = t };

	ends_open_one(t, &e.c, 100, conn, true, port);
	ends_open_one(t, &e.s, 200, conn, false, port);
	return e;
}

void ends_write(struct told *t, struct wire *w, const char *text)
{
	ends_now(t, w);
	wire_write(w, text);
}

void ends_read(struct told *t, struct wire *w, const char *text)
{
	ends_now(t, w);
	wire_read(w, text);
}

const char *ends_get(int id)
{
	static char text[100];

	snprintf(text, sizeof(text), "GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", id);
	return text;
}

const char *ends_answer(int id)
{
	static char text[100], body[20];

	snprintf(body, sizeof(body), "answer %d", id);
	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
		 strlen(body), body);
	return text;
}

void ends_request(struct ends *e, int id)
{
	ends_write(e->t, &e->c, ends_get(id));
	ends_read(e->t, &e->s, ends_get(id));
}

void ends_respond(struct ends *e, int id)
{
	ends_write(e->t, &e->s, ends_answer(id));
	ends_read(e->t, &e->c, ends_answer(id));
}

void ends_exchange(struct ends *e, int id)
{
	ends_request(e, id);
	ends_respond(e, id);
}

void told_expect(const struct told *t, size_t i, const char *path, const char *ends)
{
	assert_true(i < t->count);
	assert_string_equal(t->entries[i]->path, path);
	assert_string_equal(t->entries[i]->ends, ends);
}

bool told_remarks(const struct entry *e, const char *what)
{
	return strstr(buf_cstr((struct buf *)&e->detail), what) != NULL;
}
