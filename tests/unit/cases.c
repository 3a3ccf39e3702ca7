// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "dissect/digest.h"
#include "entry.h"
#include "message.h"
#include "redact/redact.h"

#define TIME_0	  1795288218000000
#define TIME_STEP 1000

unsigned cases_failed;

void cases_report(const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print_error("%s\n", text);
	cases_failed++;
}

static int hex_value(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* N*"text" "text" ...: with \r \n \t \0 \" \\ \xHH */
static void parse_bytes(const char *p, struct buf *out)
{
	while (*(p += strspn(p, " "))) {
		char *end;
		unsigned long times = *p == '"' ? 1 : strtoul(p, &end, 10);
		struct buf part = { 0 };
		p = *p == '"' ? p : end + 1;
		assert_int_equal(*p, '"');
		for (p++; *p != '"'; p++) {
			static const char from[] = "rnt0\"\\", to[] = "\r\n\t\0\"\\";
			assert_int_not_equal(*p, '\0');
			char c = *p;
			if (c == '\\' && p[1] == 'x') {
				c = (char)(hex_value(p[2]) << 4 | hex_value(p[3]));
				p += 3;
			} else if (c == '\\') {
				const char *at = strchr(from, *++p);
				assert_non_null(at);
				c = to[at - from];
			}
			buf_putc(&part, c);
		}
		for (p++; times--;)
			buf_put(out, part.data, part.len);
		buf_free(&part);
	}
}

static void add_step(struct test_case *c, char *line)
{
	assert_true(c->step_count < CASE_STEPS);
	struct step *s = &c->steps[c->step_count++];
	if (!strcmp(line, "idle")) {
		s->kind = STEP_IDLE;
		return;
	}
	if (!strncmp(line, "tick ", 5)) {
		s->kind = STEP_TICK;
		s->tick_us = strtol(line + 5, NULL, 10) * 1000;
		return;
	}
	s->dir = *line == '>' ? DIR_WRITE : DIR_READ;
	if (strncmp(line + 2, "gap ", 4) != 0) {
		parse_bytes(line + 2, &s->data);
		return;
	}
	char *why;
	s->kind = STEP_GAP;
	s->len = strtoul(line + 6, &why, 10);
	s->why = strcmp(why, " lost") ? GAP_TRUNCATED : GAP_LOST;
}

static void add_expect(struct test_case *c, const char *line)
{
	if (*line == '=') {
		assert_true(c->expect_count < CASE_ENTRIES);
		c->expects[c->expect_count++].fields = strdup(line + 2);
		return;
	}
	assert_true(c->expect_count > 0);
	struct expect *e = &c->expects[c->expect_count - 1];
	if (*line == '+' || *line == '-') {
		size_t *n = *line == '+' ? &e->has_count : &e->lacks_count;
		assert_true(*n < 16);
		(*line == '+' ? e->has : e->lacks)[(*n)++] = strdup(line + 2);
	} else if (!strncmp(line, "request_body ", 13)) {
		e->check_request = true;
		parse_bytes(line + 13, &e->request_body);
	} else if (!strncmp(line, "response_body ", 14)) {
		e->check_response = true;
		parse_bytes(line + 14, &e->response_body);
	} else {
		fail_msg("not understood: %s", line);
	}
}

static void case_clear(struct test_case *c)
{
	for (size_t i = 0; i < c->step_count; i++)
		buf_free(&c->steps[i].data);
	for (size_t i = 0; i < c->expect_count; i++) {
		struct expect *e = &c->expects[i];
		free(e->fields);
		for (size_t j = 0; j < e->has_count; j++)
			free(e->has[j]);
		for (size_t j = 0; j < e->lacks_count; j++)
			free(e->lacks[j]);
		buf_free(&e->request_body);
		buf_free(&e->response_body);
	}
	free(c->name);
	memset(c, 0, sizeof(*c));
}

static void run_one(struct test_case *c, void (*fn)(const struct test_case *c))
{
	if (c->name)
		fn(c);
	case_clear(c);
}

void cases_run(const char *path, void (*fn)(const struct test_case *c))
{
	static struct test_case c;
	const char *srcdir = getenv("srcdir");
	struct buf full = { 0 };
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	buf_printf(&full, "%s/%s", srcdir ? srcdir : ".", path);
	FILE *f = fopen(buf_cstr(&full), "r");
	if (!f)
		fail_msg("open %s", buf_cstr(&full));
	while ((n = getline(&line, &cap, f)) >= 0) {
		if (n && line[n - 1] == '\n')
			line[--n] = '\0';
		if (!n || *line == '#')
			continue;
		if (!strncmp(line, "case ", 5)) {
			run_one(&c, fn);
			c.name = strdup(line + 5);
		} else if (!strcmp(line, "in order")) {
			c.in_order = true;
		} else if (*line == '<' || *line == '>' || !strcmp(line, "idle") ||
			   !strncmp(line, "tick ", 5)) {
			add_step(&c, line);
		} else {
			add_expect(&c, line);
		}
	}
	run_one(&c, fn);
	free(line);
	fclose(f);
	buf_free(&full);
}

static void collect(void *ctx, struct entry *e)
{
	struct outcome *o = ctx;

	assert_true(o->count < CASE_ENTRIES);
	message_leave(e->message[0]);
	message_leave(e->message[1]);
	assert_int_equal(o->redact ? redact_entry(o->redact, e) : entry_write_detail(e), 0);
	o->told_us[o->count] = o->now;
	o->entries[o->count++] = e;
}

static void feed_data(struct dissection *d, const struct step *s, struct cut cut, uint64_t *offset,
		      int64_t now)
{
	for (size_t i = 0; i < s->data.len;) {
		size_t n = s->data.len - i;
		if (cut.every && n > cut.every)
			n = cut.every;
		if (i < cut.at && n > cut.at - i)
			n = cut.at - i;
		/* Exactly the bytes, so that a sanitizer sees a read past them. */
		uint8_t *copy = malloc(n);
		memcpy(copy, s->data.data + i, n);
		dissect_feed(d, s->dir ^ cut.other_end, copy, n, *offset, now);
		free(copy);
		*offset += n;
		i += n;
		if (cut.ticks)
			dissect_tick(d, now);
		if (cut.short_memory)
			dissect_give_way(d, now);
	}
}

void case_feed(const struct test_case *c, struct cut cut, struct outcome *ret)
{
	const struct entry_sink sink = { collect, ret, &ret->live, &ret->live_use, &ret->memory };
	const struct conn_hint hint = { .in_order = c->in_order };
	uint64_t offset[2] = { 0 };
	int64_t now = TIME_0;

	struct dissection *d = dissect_open(&sink, &hint);
	for (size_t i = 0; i < c->step_count; i++, now += cut.pace_us ? cut.pace_us : TIME_STEP) {
		const struct step *s = &c->steps[i];
		now += s->tick_us;
		ret->now = now;
		if (s->kind == STEP_IDLE)
			dissect_idle(d, now);
		else if (s->kind == STEP_TICK)
			dissect_tick(d, now);
		else if (s->kind == STEP_GAP)
			dissect_gap(d, s->dir ^ cut.other_end, s->len, s->why, now);
		else
			feed_data(d, s, cut, &offset[s->dir], now);
		offset[s->dir] += s->len;
		if (cut.ticks)
			dissect_tick(d, now);
	}
	ret->alive = dissect_alive(d);
	ret->now = now;
	dissect_close(d, now);
	assert_int_equal(ret->live_use.open, 0);
	assert_int_equal(ret->memory, 0);
}

static void put_field(const struct entry *e, const char *name, size_t n, struct buf *out)
{
	const struct {
		const char *name, *text;
		int64_t number;
	} fields[] = {
		{ "protocol", e->protocol },
		{ "version", e->version },
		{ "role", e->role },
		{ "method", e->method },
		{ "summary", e->summary },
		{ "status", e->status },
		{ "reason", e->reason },
		{ "host", e->host },
		{ "path", e->path },
		{ "query_string", e->query_string },
		{ "status_code", NULL, e->status_code },
		{ "elapsed_us", NULL, e->elapsed_us },
		{ "start_us", NULL, e->timestamp_us - TIME_0 },
		{ "request_size", NULL, e->request_size },
		{ "response_size", NULL, e->response_size },
		{ "lost_bytes", NULL, e->lost_bytes },
		{ "truncated_bytes", NULL, e->truncated_bytes },
		{ "complete", NULL, e->complete },
		{ "open", NULL, e->open },
		{ "failed", NULL, e->failed },
		{ "live", NULL, (int64_t)e->live },
		{ "request_kept", NULL, e->body_kept[0] },
		{ "response_kept", NULL, e->body_kept[1] },
		{ "request_seen", NULL, e->part[0].seen },
		{ "request_whole", NULL, e->part[0].whole },
		{ "request_offset", NULL, (int64_t)e->part[0].offset },
		{ "request_length", NULL, (int64_t)e->part[0].length },
		{ "response_seen", NULL, e->part[1].seen },
		{ "response_whole", NULL, e->part[1].whole },
		{ "response_offset", NULL, (int64_t)e->part[1].offset },
		{ "response_length", NULL, (int64_t)e->part[1].length },
		{ "response_first_us", NULL, e->part[1].first_us - TIME_0 },
		{ "response_last_us", NULL, e->part[1].last_us - TIME_0 },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (strlen(fields[i].name) != n || strncmp(fields[i].name, name, n))
			continue;
		if (fields[i].text)
			buf_puts(out, fields[i].text);
		else
			buf_printf(out, "%" PRId64, fields[i].number);
		return;
	}
	fail_msg("no such field: %s", name);
}

static void check_fields(const struct test_case *c, const char *want, const struct entry *e)
{
	for (const char *p = want; *p;) {
		size_t n = strcspn(p, "|"), name = strcspn(p, "=");
		struct buf have = { 0 };
		put_field(e, p, name, &have);
		size_t len = n - name - 1;
		if (have.len != len || (len && memcmp(have.data, p + name + 1, len)))
			cases_report("%s: want %.*s, have %s", c->name, (int)n, p, buf_cstr(&have));
		buf_free(&have);
		p += n + (p[n] == '|');
	}
}

static void check_body(const struct test_case *c, const char *what, const struct buf *want,
		       const struct buf *have)
{
	if (want->len != have->len || (want->len && memcmp(want->data, have->data, want->len)))
		cases_report("%s: %s has %zu bytes, want %zu, or differs: %.*s", c->name, what,
			     have->len, want->len, (int)(have->len < 200 ? have->len : 200),
			     have->len ? have->data : "");
}

/* The digest of what the case feeds in a direction from `offset` on. */
static uint64_t digest_of(const struct test_case *c, enum dir dir, uint64_t offset, uint64_t len)
{
	struct digest d = { 0 };
	uint64_t at = 0;

	digest_begin(&d);
	for (size_t i = 0; i < c->step_count; i++) {
		const struct step *s = &c->steps[i];
		uint64_t end = at + s->data.len;
		uint64_t from = at > offset ? at : offset;
		uint64_t to = end < offset + len ? end : offset + len;
		if (s->dir != dir)
			continue;
		if (from < to)
			digest_bytes(&d, s->data.data + (from - at), to - from);
		at = end + s->len;
	}
	uint64_t digest = XXH64_digest(d.state);
	digest_release(&d);
	return digest;
}

/*
 * A part that is whole has the digest of its bytes, wherever they were cut. Where those of others
 * stand between them its length counts these, too, and there is nothing to compare with; nor is
 * there where other streams of HTTP/2 may.
 */
static void check_parts(const struct test_case *c, const struct entry *e)
{
	for (int i = 0; i < 2; i++) {
		const struct entry_part *p = &e->part[i];
		if (p->whole && strcmp(e->version, "2") != 0 &&
		    (int64_t)p->length == (i ? e->response_size : e->request_size) &&
		    p->digest != digest_of(c, DIR_READ, p->offset, p->length) &&
		    p->digest != digest_of(c, DIR_WRITE, p->offset, p->length))
			cases_report("%s: %s: digest of %" PRIu64 " bytes at %" PRIu64 " is wrong",
				     c->name, i ? "response" : "request", p->length, p->offset);
		if (p->whole && !p->seen)
			cases_report("%s: a part that was not seen is whole", c->name);
	}
}

static void check_entry(const struct test_case *c, const struct expect *x, struct entry *e)
{
	const char *detail = buf_cstr(&e->detail);

	check_fields(c, x->fields, e);
	check_parts(c, e);
	for (size_t i = 0; i < x->has_count; i++)
		if (!strstr(detail, x->has[i]))
			cases_report("%s: detail lacks %s: %s", c->name, x->has[i], detail);
	for (size_t i = 0; i < x->lacks_count; i++)
		if (strstr(detail, x->lacks[i]))
			cases_report("%s: detail has %s: %s", c->name, x->lacks[i], detail);
	if (x->check_request)
		check_body(c, "request body", &x->request_body, &e->request_body);
	if (x->check_response)
		check_body(c, "response body", &x->response_body, &e->response_body);
}

void case_check(const struct test_case *c, const struct outcome *o)
{
	struct buf dump = { 0 };

	if (o->count != c->expect_count) {
		outcome_dump(o, &dump);
		cases_report("%s: %zu entries, want %zu: %s", c->name, o->count, c->expect_count,
			     buf_cstr(&dump));
		buf_free(&dump);
		return;
	}
	for (size_t i = 0; i < o->count; i++)
		check_entry(c, &c->expects[i], o->entries[i]);
}

static void settle_body(struct buf *have, struct buf *stored)
{
	assert_int_equal(have->len, 0);
	*have = *stored;
	*stored = (struct buf){ 0 };
}

void outcome_settle(struct outcome *o)
{
	size_t count = 0;

	for (size_t i = 0; i < o->count; i++) {
		struct entry *e = o->entries[i], *last = NULL;
		for (size_t j = 0; j < count && e->live; j++) {
			if (o->entries[j]->live != e->live)
				continue;
			last = o->entries[j];
			memmove(&o->entries[j], &o->entries[j + 1],
				(--count - j) * sizeof(*o->entries));
			break;
		}
		if (e->body_kept[0] && last)
			settle_body(&e->request_body, &last->request_body);
		if (e->body_kept[1] && last)
			settle_body(&e->response_body, &last->response_body);
		entry_free(last);
		o->entries[count++] = e;
	}
	o->count = count;
}

void outcome_dump(const struct outcome *o, struct buf *out)
{
	for (size_t i = 0; i < o->count; i++) {
		const struct entry *e = o->entries[i];
		entry_put_json(e, out);
		buf_put(out, e->detail.data, e->detail.len);
		buf_put_json(out, e->request_body.data, e->request_body.len);
		buf_put_json(out, e->response_body.data, e->response_body.len);
		for (int part = 0; part < 2; part++) {
			const struct entry_part *p = &e->part[part];
			buf_printf(out,
				   " %d %d %" PRIu64 "+%" PRIu64 " %" PRIx64 " %" PRId64
				   " %" PRId64,
				   p->seen, p->whole, p->offset, p->length, p->digest, p->first_us,
				   p->last_us);
		}
		buf_printf(out, "%s %s %s\n", e->version, e->path, e->query_string);
	}
}

void outcome_free(struct outcome *o)
{
	for (size_t i = 0; i < o->count; i++)
		entry_free(o->entries[i]);
	o->count = 0;
}
