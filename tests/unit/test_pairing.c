// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An answer is never shown with another request than its own. Random conversations, whose requests
 * and answers carry ids, are cut into records, interleaved as cause and effect allow, and some of
 * the records are lost. Seeds are fixed.
 */
#include "unit.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "dissect/dissect.h"
#include "entry.h"
#include "message.h"

#define EXCHANGES  40
#define RECORDS	   2000
#define LETTER(id) ((char)('A' + (id)))

enum style { ONE_BY_ONE, DEPTH, BURST, MIXED, HABIT, STYLES };

struct exchange {
	struct buf request, answer;	      /* as sent */
	struct buf request_body, answer_body; /* what they bring */
	bool told, closes;
};

struct record {
	enum dir dir;
	size_t offset, len, kept;
	bool lost, quiet;
};

struct talk {
	uint64_t seed, first_seed;
	enum style style;
	enum style then; /* HABIT: ... */
	size_t habit;	 /* ... after so many one by one */
	unsigned loss;	 /* of 1000 records */
	bool embedded;	 /* bodies that look like answers */
	bool in_order;	 /* gaps are told where they belong */
	struct exchange x[EXCHANGES];
	size_t count;
	struct buf stream[2]; /* requests, answers */
	size_t cut[2];	      /* of them, in records already */
	struct record records[RECORDS];
	size_t record_count;
	enum dir request_dir;
	bool end_told; /* as EV_CLOSE does; the end of a process tells no offsets */
	size_t paired, wrong, broken;
};

static unsigned draw(struct talk *t, unsigned n)
{
	t->seed = t->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(t->seed >> 33) % n;
}

/* Of lines of a letter that nothing else has three of in a row. */
static void put_body(struct talk *t, struct buf *body, unsigned most, size_t id)
{
	static const char inner[] =
		"\r\n\r\nHTTP/1.1 200 OK\r\nX-Id: 99999\r\nContent-Length: 0\r\n\r\n";

	for (unsigned n = draw(t, most); body->len < n;)
		buf_putc(body, draw(t, 9) ? LETTER(id) : '\n');
	if (t->embedded && !draw(t, 3))
		buf_puts(body, inner);
}

/* The rest of the head and the body, by length or in chunks. */
static void put_framed(struct talk *t, struct buf *out, const struct buf *body, bool chunked)
{
	if (!chunked) {
		buf_printf(out, "Content-Length: %zu\r\n\r\n", body->len);
		buf_put(out, body->data, body->len);
		return;
	}
	buf_puts(out, "Transfer-Encoding: chunked\r\n\r\n");
	for (size_t i = 0; i < body->len;) {
		size_t n = 1 + draw(t, 50);
		n = n < body->len - i ? n : body->len - i;
		buf_printf(out, "%zx\r\n", n);
		buf_put(out, body->data + i, n);
		buf_puts(out, "\r\n");
		i += n;
	}
	buf_puts(out, "0\r\n\r\n");
}

static const char *put_request(struct talk *t, struct exchange *x, size_t id)
{
	static const char *const methods[] = { "GET", "GET", "POST", "HEAD" };
	const char *method = methods[draw(t, 4)];

	buf_printf(&x->request, "%s /%zu HTTP/1.1\r\nHost: h\r\n", method, id);
	if (!strcmp(method, "POST")) {
		put_body(t, &x->request_body, 300, id);
		put_framed(t, &x->request, &x->request_body, draw(t, 2));
	} else {
		buf_puts(&x->request, "\r\n");
	}
	return method;
}

static void put_answer(struct talk *t, struct exchange *x, size_t id, const char *method, bool last)
{
	unsigned kind = draw(t, 10);
	bool head = !strcmp(method, "HEAD");

	while (!draw(t, 6))
		buf_puts(&x->answer, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
	buf_printf(&x->answer, "HTTP/1.1 %s\r\nX-Id: %zu\r\n",
		   kind == 0   ? "204 No Content"
		   : kind == 1 ? "304 Not Modified"
			       : "200 OK",
		   id);
	if (kind < 2) {
		buf_puts(&x->answer, "\r\n");
	} else if (head) {
		buf_printf(&x->answer, "Content-Length: %u\r\n\r\n", draw(t, 500));
	} else {
		put_body(t, &x->answer_body, 400, id);
		x->closes = last && kind < 5;
		if (x->closes) {
			buf_puts(&x->answer, "\r\n");
			buf_put(&x->answer, x->answer_body.data, x->answer_body.len);
		} else {
			put_framed(t, &x->answer, &x->answer_body, draw(t, 2));
		}
	}
}

/* What was sent since the last cut becomes records, up to so many. */
static void cut_some(struct talk *t, int part, unsigned most)
{
	struct buf *b = &t->stream[part];

	while (t->cut[part] < b->len && t->record_count < RECORDS && most--) {
		struct record *r = &t->records[t->record_count++];
		size_t left = b->len - t->cut[part], n = draw(t, 2) ? left : 1 + draw(t, 300);
		*r = (struct record){ .dir = part ? !t->request_dir : t->request_dir,
				      .offset = t->cut[part],
				      .len = n < left ? n : left };
		r->kept = draw(t, 1000) < t->loss / 3 ? draw(t, (unsigned)r->len) : r->len;
		r->lost = draw(t, 1000) < t->loss;
		t->cut[part] += r->len;
	}
}

static void cut(struct talk *t, int part)
{
	cut_some(t, part, UINT_MAX);
}

/* Some begin in one way, and go on in another. */
static enum style style_at(const struct talk *t, size_t sent)
{
	return t->style != HABIT ? t->style : sent < t->habit ? ONE_BY_ONE : t->then;
}

/* Does the client send its next request, with `sent` of them sent and `answered`? */
static bool sends(struct talk *t, size_t sent, size_t answered, unsigned depth, bool *burst)
{
	if (sent == t->count)
		return false;
	if (sent == answered)
		*burst = true;
	switch (style_at(t, sent)) {
	case ONE_BY_ONE:
		return sent == answered;
	case DEPTH:
		return sent - answered < depth;
	case BURST:
		*burst &= sent - answered < depth;
		return *burst;
	default:
		return sent == answered || draw(t, 10) < 8;
	}
}

static void interleave(struct talk *t)
{
	size_t sent = 0, answered = 0;
	unsigned depth = 2 + draw(t, 5);
	bool burst = true;

	while (answered < t->count) {
		if (sends(t, sent, answered, depth, &burst)) {
			const struct buf *b = &t->x[sent++].request;
			buf_put(&t->stream[0], b->data, b->len);
			/* Several may go in one record. */
			if (style_at(t, sent) == ONE_BY_ONE || draw(t, 2))
				cut(t, 0);
			continue;
		}
		cut(t, 0);
		const struct buf *b = &t->x[answered++].answer;
		buf_put(&t->stream[1], b->data, b->len);
		if (style_at(t, sent) == ONE_BY_ONE || sent == answered || draw(t, 2))
			cut(t, 1);
		else
			cut_some(t, 1, draw(t, 3));
		if (t->record_count && sent == answered)
			t->records[t->record_count - 1].quiet = !draw(t, 12);
	}
	cut(t, 0);
	cut(t, 1);
}

static struct text field(const struct message *m, const char *name)
{
	for (size_t i = 0; m && i < m->headers.count; i++)
		if (m->headers.list[i].name.len == strlen(name) &&
		    !memcmp(m->headers.list[i].name.data, name, strlen(name)))
			return m->headers.list[i].value;
	return (struct text){ 0 };
}

static bool same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

static unsigned shown;
static bool shows;

/* Has it bytes of the body of another? */
static bool has_foreign(const struct buf *body, long id)
{
	for (size_t i = 2; id >= 0 && i < body->len; i++) {
		const char *c = body->data + i;
		if (*c >= 'A' && *c == c[-1] && *c == c[-2] && *c != LETTER(id))
			return true;
	}
	return false;
}

static void judge(void *ctx, struct entry *e)
{
	struct talk *t = ctx;
	struct text id = field(e->message[1], "X-Id");
	long request = *e->path == '/' && e->path[1] ? strtol(e->path + 1, NULL, 10) : -1;
	long answer = -1;

	if (id.len) {
		char text[16] = "";
		memcpy(text, id.data, id.len < 15 ? id.len : 15);
		answer = strtol(text, NULL, 10);
	}
	/* A head with bytes missing may end inside the id. */
	bool known = request >= 0 && answer >= 0 && !strstr(e->reason, "inside the head") &&
		     !strstr(e->reason, "ended inside");
	/* So may one that goes on. */
	if (known && e->open && !strncmp(e->path + 1, id.data, id.len))
		answer = request;
	if (known && request != answer) {
		t->wrong++;
		if (t->wrong < 2 && shown++ < 12)
			print_error("PAIRING_TALK=%d:%d:%u:%llu: request %ld has the answer to %ld "
				    "(%s)\n",
				    t->style, t->in_order, t->loss,
				    (unsigned long long)t->first_seed, request, answer, e->reason);
	}
	/* A head that is not whole may end inside the id. */
	bool whole = e->message[0] && e->message[0]->headers.count > 0;
	if (whole &&
	    (has_foreign(&e->request_body, request) || has_foreign(&e->response_body, request))) {
		t->wrong++;
		print_error("PAIRING_TALK=%d:%d:%u:%llu: request %ld has bytes of another (%s)\n",
			    t->style, t->in_order, t->loss, (unsigned long long)t->first_seed,
			    request, e->reason);
	}
	if (known && request == answer && !e->open) {
		struct exchange *x = &t->x[request];
		t->paired += !x->told;
		x->told = true;
		/* Without the last offset nobody knows where such a body ends. */
		bool sure = !x->closes || t->end_told;
		if (e->complete && sure &&
		    ((!e->body_kept[0] && !same(&e->request_body, &x->request_body)) ||
		     (!e->body_kept[1] && !same(&e->response_body, &x->answer_body)))) {
			t->broken++;
			print_error("PAIRING_TALK=%d:%d:%u:%llu: %ld is not as sent\n", t->style,
				    t->in_order, t->loss, (unsigned long long)t->first_seed,
				    request);
		}
	}
	if (e->complete && !e->open && !known && !strcmp(e->protocol, "http"))
		t->broken++;
	entry_free(e);
}

/* As session/flow.c does it: what is missing shows with the next record of the direction. */
static void play(struct talk *t)
{
	uint64_t live = 0;
	struct live_use use = { 0 };
	const struct entry_sink sink = { judge, t, &live, &use };
	const struct conn_hint hint = { .in_order = t->in_order };
	struct dissection *d = dissect_open(&sink, &hint);
	size_t at[2] = { 0 }, reached[2] = { 0 };
	int64_t now = 1000000;

	for (size_t i = 0; i < t->record_count; i++) {
		const struct record *r = &t->records[i];
		const struct buf *b = &t->stream[r->dir != t->request_dir];
		enum dir other = !r->dir;
		if (shows)
			fprintf(stderr, "%s%s%s %zu of %.*s\n",
				r->dir == t->request_dir ? "> " : "          < ",
				r->lost ? "LOST" : "", r->quiet ? "(then quiet)" : "", r->kept,
				(int)r->len, b->data + r->offset);
		now += draw(t, 20) ? 1000 : 700000;
		reached[r->dir] = r->offset + r->len;
		if (!r->lost) {
			if (t->in_order && reached[other] > at[other]) {
				dissect_gap(d, other, reached[other] - at[other], GAP_LOST, now);
				at[other] = reached[other];
			}
			if (r->offset > at[r->dir])
				dissect_gap(d, r->dir, r->offset - at[r->dir], GAP_LOST, now);
			if (r->kept)
				dissect_feed(d, r->dir, (const uint8_t *)b->data + r->offset,
					     r->kept, r->offset, now);
			if (r->kept < r->len)
				dissect_gap(d, r->dir, r->len - r->kept, GAP_TRUNCATED, now);
			at[r->dir] = r->offset + r->len;
		}
		dissect_tick(d, now);
		if (r->quiet) {
			now += LIMIT_SESSION_IDLE_SECONDS * 1000000;
			dissect_idle(d, now);
		}
	}
	for (int dir = 0; dir < 2 && t->end_told; dir++) {
		size_t end = t->stream[(enum dir)dir != t->request_dir].len;
		if (end > at[dir])
			dissect_gap(d, (enum dir)dir, end - at[dir], GAP_LOST, now);
	}
	dissect_close(d, now);
}

static void talk(struct talk *t, uint64_t seed, enum style style, unsigned loss, bool embedded,
		 bool in_order)
{
	memset(t, 0, sizeof(*t));
	t->seed = seed * 2654435761U + style;
	t->first_seed = seed;
	t->style = style;
	t->then = (enum style)(DEPTH + draw(t, HABIT - DEPTH));
	t->habit = 5 + draw(t, 15);
	t->loss = loss;
	t->embedded = embedded;
	t->end_told = draw(t, 2);
	t->in_order = in_order;
	t->request_dir = draw(t, 2) ? DIR_WRITE : DIR_READ;
	t->count = 1 + draw(t, draw(t, 2) ? EXCHANGES : 5);
	for (size_t i = 0; i < t->count; i++) {
		const char *method = put_request(t, &t->x[i], i);
		put_answer(t, &t->x[i], i, method, i + 1 == t->count);
	}
	interleave(t);
	play(t);
	for (size_t i = 0; i < t->count; i++) {
		struct exchange *x = &t->x[i];
		buf_free(&x->request);
		buf_free(&x->answer);
		buf_free(&x->request_body);
		buf_free(&x->answer_body);
	}
	buf_free(&t->stream[0]);
	buf_free(&t->stream[1]);
}

static struct talk t;

struct sum {
	size_t exchanges, paired, wrong, broken;
};

/* Shows one talk that a failed test has named. */
static void show(const char *which)
{
	unsigned long long seed;
	unsigned loss;
	int style, order;

	if (!which || sscanf(which, "%d:%d:%u:%llu", &style, &order, &loss, &seed) != 4)
		return;
	shows = true;
	talk(&t, seed, (enum style)style, loss, false, order);
	shows = false;
}

static struct sum run(uint64_t seeds, enum style style, unsigned loss, bool embedded, bool in_order)
{
	struct sum sum = { 0 };

	for (uint64_t seed = 1; seed <= seeds; seed++) {
		talk(&t, seed * 1000 + loss, style, loss, embedded, in_order);
		sum.exchanges += t.count;
		sum.paired += t.paired;
		sum.wrong += t.wrong;
		sum.broken += t.broken;
	}
	print_message("# style %d, in order %d, %u of 1000 records lost: %zu exchanges, %zu "
		      "paired, %zu wrong, "
		      "%zu not as sent\n",
		      style, in_order, loss, sum.exchanges, sum.paired, sum.wrong, sum.broken);
	return sum;
}

/* Nothing is lost: every answer is with its request, whole. */
static void test_whole(void **state)
{
	(void)state;
	for (int style = 0; style < STYLES; style++) {
		struct sum s = run(500, (enum style)style, 0, style & 1, style & 2);
		assert_int_equal(s.paired, s.exchanges);
		assert_int_equal(s.wrong + s.broken, 0);
	}
}

static void test_lost(void **state)
{
	static const unsigned losses[] = { 5, 20, 60, 200, 500, 800 };
	const char *more = getenv("PAIRING_TALKS");
	uint64_t talks = more ? strtoull(more, NULL, 10) : 500;
	size_t wrong = 0;

	(void)state;
	for (int i = 0; i < STYLES * 2; i++)
		for (size_t k = 0; k < sizeof(losses) / sizeof(*losses); k++) {
			enum style style = (enum style)(i / 2);
			struct sum s = run(talks, style, losses[k], false, i & 1);
			wrong += s.wrong + s.broken;
			/* A client that waits for answers is understood again after a loss. */
			if (style == ONE_BY_ONE && losses[k] <= 20 && i & 1)
				assert_true(s.paired * 10 > s.exchanges * 7);
		}
	assert_int_equal(wrong, 0);
}

/* What looks like an answer, but is a part of one, is not taken for the one that is awaited. */
static void test_embedded(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (int i = 0; i < STYLES * 2; i++) {
		struct sum s = run(500, (enum style)(i / 2), 60, true, i & 1);
		wrong += s.wrong;
	}
	assert_int_equal(wrong, 0);
}

static void note_first(void *ctx, struct entry *e)
{
	size_t *n = ctx;

	assert_int_equal(e->complete, (*n)++ > 0);
	assert_int_equal(strstr(e->reason, "joined mid-stream") != NULL, *n == 1);
	entry_free(e);
}

/* The first bytes of a stream that was joined are not complete, though nobody understands them. */
static void test_joined(void **state)
{
	static const uint8_t bytes[] = "\x01opaque";
	size_t n = 0;
	const struct entry_sink sink = { note_first, &n };
	const struct conn_hint hint = { .mid_stream = true };
	struct dissection *d = dissect_open(&sink, &hint);

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		dissect_feed(d, DIR_WRITE, bytes, sizeof(bytes), i * sizeof(bytes), 1000);
		dissect_feed(d, DIR_READ, bytes, sizeof(bytes), i * sizeof(bytes), 2000);
	}
	dissect_close(d, 3000);
	assert_int_equal(n, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_embedded),
		cmocka_unit_test(test_joined),
	};

	show(getenv("PAIRING_TALK"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
