// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IMAP4rev1 and rev2: commands found by their tags. What the server says without a tag belongs to
 * the first command that waits. Lines and literals are PDUs of their own, so the length of a
 * literal carries across missing bytes. Nothing of LOGIN and AUTHENTICATE is told.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/account.h"
#include "base/limits.h"
#include "dissect/framed.h"
#include "dissect/imap_text.h"
#include "dissect/smtp_text.h"
#include "entry.h"

#define LINE_PART (LIMIT_MAIL_LINE / 2)

#define KEY_UNTAGGED 1 /* nobody asked for it */
#define KEY_NO_TAG   2 /* a line of the client that is no command */

static const char lost_rest[] = "the rest of it was lost";
static const char untold_answer[] = "no answer was seen: bytes were lost";
static const char untold_part[] = "which of the answers is its own cannot be told: bytes were lost";
static const char lost_part[] = "part of its answer may have been lost";

struct imap_exchange {
	struct framed_exchange f;
	const struct imap_command *command; /* NULL: not known */
	const char *method;
	const char *status; /* NULL: none yet */
	bool unsure;	    /* commands may have been lost before it */
	bool goes_on[2];    /* by enum part: the next line or literal is its as well */
};

struct imap {
	struct framed f;
	bool unsure, turn;   /* commands were lost; the server spoke since */
	bool spoken;	     /* a command was seen, or may have been */
	uint64_t literal[2]; /* bytes of one that come next; all by enum dir */
	bool in_literal[2];  /* the PDU that goes on is one */
	bool sure[2];	     /* what follows lost bytes is a line */
	char first[2];	     /* what the first line began with: '*', '+', 't' */
};

static enum part part_of(const struct imap *s, enum dir dir)
{
	return dir == s->f.client ? PART_REQUEST : PART_RESPONSE;
}

static struct imap_exchange *going_on(const struct imap *s, enum dir dir)
{
	struct exchange *x = s->f.l.head;

	while (x && !((struct imap_exchange *)x)->goes_on[part_of(s, dir)])
		x = x->next;
	return (struct imap_exchange *)x;
}

static bool waits(const struct exchange *x)
{
	return x->key != UINT64_MAX && !x->done[PART_RESPONSE] && !x->alone;
}

/* A line with its end; of a long one as much as ends with a space, the first behind LINE_PART. */
static int64_t line_length(const uint8_t *data, size_t len)
{
	size_t looked = len < LIMIT_MAIL_LINE ? len : LIMIT_MAIL_LINE;
	const uint8_t *end = memchr(data, '\n', looked), *space = NULL;

	if (looked > LINE_PART)
		space = memchr(data + LINE_PART, ' ', looked - LINE_PART);
	if (space && (!end || space < end))
		end = space;
	if (!end)
		return looked == LIMIT_MAIL_LINE ? -EPROTO : 0;
	for (const uint8_t *p = data; p < end; p++)
		if ((*p < ' ' && *p != '\t' && *p != '\r') || *p == 0x7f)
			return -EPROTO;
	return end + 1 - data;
}

static int64_t imap_length(const struct framed *f, enum dir dir, const uint8_t *data, size_t len)
{
	const struct imap *s = (const struct imap *)f;
	int64_t n = line_length(data, len);
	struct text rest;

	if (n <= 0 || dir == f->client || going_on(s, dir))
		return n;
	bool response = imap_untagged(data, (size_t)n) || (*data == '+' && n > 2) ||
			(*data == '*' && n > 4) || imap_status(data, (size_t)n, &rest);
	return response ? n : -EPROTO;
}

/* Only the server speaks without a tag. Half a line does not tell: "a no" may become a NOOP. */
static void note_client(struct imap *s, enum dir dir, const uint8_t *data, size_t len, size_t seen)
{
	const uint8_t *end = memchr(data + seen, '\n', len - seen);
	struct text rest;

	if (s->f.client_known || (len < LINE_PART && !end))
		return;
	len = end ? (size_t)(end + 1 - data) : len;
	bool server = *data == '*' || *data == '+';
	if (server || imap_status(data, len, &rest) || imap_command(data, len, &rest))
		framed_know_client(&s->f, server || imap_status(data, len, &rest) ? !dir : dir);
}

static int64_t imap_pdu_length(void *ctx, enum dir dir, const uint8_t *data, size_t len,
			       size_t seen)
{
	struct imap *s = ctx;

	note_client(s, dir, data, len, seen);
	if (s->literal[dir])
		return s->literal[dir] < INT64_MAX ? (int64_t)s->literal[dir] : -EPROTO;
	/* All that can be said of the start was said. */
	if (seen && !s->f.doubt[dir] && len < LINE_PART && !memchr(data + seen, '\n', len - seen))
		return 0;
	return framed_length(&s->f, dir, data, len, seen);
}

static struct imap_exchange *new_command(struct imap *s, const struct pdu *p)
{
	bool tagged = imap_tag(p->data, p->len);
	struct exchange *x = tagged ? framed_asked(&s->f, imap_key(p->data, p->len))
				    : framed_new(&s->f, KEY_NO_TAG);
	struct imap_exchange *q = (struct imap_exchange *)x;
	struct text rest;

	s->spoken = true;
	if (!q)
		return NULL;
	/* Nothing waited, and the server has answered since. */
	s->unsure &= !s->turn || s->f.l.count > 1;
	q->unsure = s->unsure;
	q->command = imap_command(p->data, p->len, &rest);
	q->method = q->command ? q->command->name : "";
	return q;
}

/* Whom the server asks to go on. */
static struct exchange *asked(struct imap *s)
{
	struct exchange *x = (struct exchange *)going_on(s, s->f.client);

	if (x)
		return x;
	for (x = s->f.l.head; x; x = x->next) {
		const struct imap_command *c = ((struct imap_exchange *)x)->command;
		if (waits(x) && c && c->asked)
			return x;
	}
	return NULL;
}

static void fault_all(struct imap *s, const char *fault)
{
	for (struct exchange *x = s->f.l.head; x; x = x->next)
		if (waits(x))
			exchange_fault(x, fault);
}

/* The first that waits and of whose answer nothing is missing; else the only one that waits. */
static struct exchange *untagged(struct imap *s)
{
	struct exchange *only = NULL;
	unsigned count = 0;

	for (struct exchange *x = s->f.l.head; x; x = x->next) {
		if (!waits(x) || x->key == KEY_NO_TAG || x->key == KEY_UNTAGGED)
			continue;
		if (((struct imap_exchange *)x)->unsure) {
			fault_all(s, untold_part);
			return NULL;
		}
		if (!((struct imap_exchange *)x)->f.missed[!s->f.client])
			return x;
		only = x;
		count++;
	}
	return count == 1 ? only : NULL;
}

static struct exchange *answered(struct imap *s, enum dir dir, const struct pdu *p)
{
	struct exchange *x = (struct exchange *)going_on(s, dir);

	if (x)
		return x;
	s->turn = true;
	s->first[dir] = *p->data == '*' || *p->data == '+' ? (char)*p->data : 't';
	if (s->first[dir] == 't')
		return framed_answered(&s->f, dir, imap_key(p->data, p->len));
	x = s->first[dir] == '+' ? asked(s) : untagged(s);
	if (x)
		return x;
	x = framed_new(&s->f, KEY_UNTAGGED);
	if (x)
		((struct imap_exchange *)x)->method = s->spoken ? "notice" : "greeting";
	return x;
}

static int imap_begin(void *ctx, enum dir dir, const struct pdu *p)
{
	struct imap *s = ctx;
	struct exchange *x =
		dir == s->f.client ? (struct exchange *)going_on(s, dir) : answered(s, dir, p);

	s->in_literal[dir] = s->literal[dir] > 0;
	s->literal[dir] = 0;
	if (!x && dir == s->f.client)
		x = (struct exchange *)new_command(s, p);
	return framed_place(&s->f, dir, x, part_of(s, dir), p);
}

/* The body that bytes of the PDU that goes on belong to; NULL: to none. */
static struct payload *body_of(struct imap *s, enum dir dir)
{
	struct imap_exchange *x = (struct imap_exchange *)s->f.now[dir];
	struct message *m = x ? x->f.x.message[part_of(s, dir)] : NULL;

	if (!m || x->f.x.key == UINT64_MAX)
		return NULL;
	if (dir != s->f.client)
		return s->first[dir] == '*' ? &m->body : NULL;
	bool mail = x->command && !strcmp(x->command->name, "APPEND");
	return mail && s->in_literal[dir] ? &m->body : NULL;
}

static void imap_bytes(void *ctx, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		       int64_t now)
{
	struct payload *body = body_of(ctx, dir);

	framed_bytes(ctx, dir, data, len, offset, now);
	if (body)
		payload_put(body, data, len, LIMIT_MAIL_BYTES);
}

static void imap_missing(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct payload *body = body_of(ctx, dir);

	framed_missing(ctx, dir, len, why, now);
	if (body)
		payload_skip(body, len, why);
}

/* The first line of a command. */
static void put_command(struct imap_exchange *x, const struct pdu *p)
{
	struct message *m = x->f.x.message[PART_REQUEST];
	struct text rest, first;

	if (!imap_command(p->data, p->len, &rest))
		return;
	first = imap_argument(rest);
	if (x->command->told == IMAP_MECHANISM && smtp_is_mechanism(first))
		framed_text(m, "mechanism", first);
	else if (x->command->told == IMAP_MAILBOX)
		framed_text(m, "mailbox", first);
	else if (x->command->told == IMAP_ARGUMENTS)
		framed_text(m, "arguments", rest);
}

/* Is there more of it: a literal, or the rest of a long line? */
static bool has_more(struct imap *s, enum dir dir, const struct pdu *p)
{
	if (s->in_literal[dir] || p->data[p->len - 1] != '\n')
		return true;
	return imap_literal(p->data, p->len, &s->literal[dir]);
}

static int end_client(struct imap *s, struct imap_exchange *x, const struct pdu *p)
{
	enum dir dir = s->f.client;
	struct message *m = x->f.x.message[PART_REQUEST];
	bool first = !x->goes_on[PART_REQUEST] && !x->f.x.done[PART_REQUEST];

	if (first && !s->in_literal[dir])
		put_command(x, p);
	if (s->in_literal[dir] && m->body.size)
		smtp_read_head(m);
	x->goes_on[PART_REQUEST] = has_more(s, dir, p);
	if (x->f.x.key == KEY_NO_TAG) {
		exchange_fault(&x->f.x, "a line that is no command");
		framed_one_way(&s->f, dir);
	}
	if (x->goes_on[PART_REQUEST])
		framed_rest(&s->f, dir);
	else
		framed_done(&s->f, dir, p);
	return 0;
}

/* One that was sent after bytes were lost has its answer: so have those before it, if they were
 * any. */
static void settle(struct imap *s, struct imap_exchange *x)
{
	for (struct exchange *e = s->f.l.head, *next; e; e = next) {
		next = e->next;
		if (e == &x->f.x)
			break;
		if (waits(e) && ((struct imap_exchange *)e)->unsure &&
		    !((struct imap_exchange *)e)->goes_on[PART_REQUEST])
			exchange_leave_alone(&s->f.l, e, untold_answer);
	}
	for (struct exchange *e = s->f.l.head; e; e = e->next)
		((struct imap_exchange *)e)->unsure = false;
	s->unsure = false;
}

static void end_tagged(struct imap *s, struct imap_exchange *x, const struct pdu *p)
{
	struct message *m = x->f.x.message[PART_RESPONSE];
	struct text text = { 0 };

	if (!x->status) {
		x->status = imap_status(p->data, p->len, &text);
		framed_text(m, "text", text);
	}
	if (x->goes_on[PART_REQUEST])
		s->literal[s->f.client] = 0;
	if (x->unsure)
		settle(s, x);
	x->goes_on[PART_REQUEST] = false;
	x->f.x.done[PART_REQUEST] |= x->f.x.message[PART_REQUEST] != NULL;
	framed_done(&s->f, !s->f.client, p);
}

static int end_server(struct imap *s, struct imap_exchange *x, const struct pdu *p)
{
	enum dir dir = !s->f.client;

	x->goes_on[PART_RESPONSE] = has_more(s, dir, p);
	if (x->goes_on[PART_RESPONSE]) {
		framed_rest(&s->f, dir);
	} else if (s->first[dir] == 't') {
		end_tagged(s, x, p);
	} else if (x->f.x.key == KEY_UNTAGGED) {
		framed_one_way(&s->f, dir);
		framed_done(&s->f, dir, p);
	} else {
		if (s->first[dir] == '+' && x->command && x->command->asked)
			x->goes_on[PART_REQUEST] = true;
		framed_rest(&s->f, dir);
	}
	return 0;
}

static int imap_whole(void *ctx, enum dir dir, const struct pdu *p)
{
	struct imap *s = ctx;
	struct imap_exchange *x = (struct imap_exchange *)s->f.now[dir];

	if (!x)
		return 0;
	return dir == s->f.client ? end_client(s, x, p) : end_server(s, x, p);
}

/* Of a literal that was to come; what is lost beyond it. */
static uint64_t lose_literal(struct imap *s, struct imap_exchange *x, enum dir dir, uint64_t len,
			     enum gap_why why, int64_t now)
{
	uint64_t n = len < s->literal[dir] ? len : s->literal[dir];

	if (!x || !n)
		return len;
	s->f.now[dir] = &x->f.x;
	s->f.part[dir] = part_of(s, dir);
	s->in_literal[dir] = true;
	imap_missing(s, dir, n, why, now);
	s->f.now[dir] = NULL;
	s->literal[dir] -= n;
	s->sure[dir] = n == len;
	return len - n;
}

static void imap_lost(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct imap *s = ctx;
	struct imap_exchange *x = going_on(s, dir);

	len = lose_literal(s, x, dir, len, why, now);
	if (!len)
		return;
	s->sure[dir] = false;
	s->literal[dir] = 0;
	if (x) {
		exchange_fault(&x->f.x, lost_rest);
		x->goes_on[part_of(s, dir)] = false;
		if (dir == s->f.client)
			x->f.x.done[PART_REQUEST] = true;
	}
	if (dir != s->f.client)
		fault_all(s, lost_part);
	s->spoken = true;
	if (dir == s->f.client) {
		s->unsure = true;
		s->turn = false;
	}
	framed_lost(&s->f, dir, len, why, now);
}

static int imap_resumes(void *ctx, enum dir dir, const uint8_t *data, size_t len)
{
	struct imap *s = ctx;
	bool sure = s->sure[dir];

	s->sure[dir] = false;
	return sure ? 1 : framed_resumes(&s->f, dir, data, len);
}

/* Of a tag: words of other protocols have no digit, and their replies are three. */
static bool is_proving(const uint8_t *data, size_t len)
{
	size_t digits = 0;

	for (size_t i = 0; i < len; i++)
		digits += data[i] >= '0' && data[i] <= '9';
	return digits && !(digits == 3 && len == 3);
}

/* The start of a line that has not ended: may it become one of ours? */
static int score_start(const uint8_t *data, size_t len)
{
	size_t tag = imap_tag(data, len);

	if (*data == '*')
		return len < 2 || data[1] == ' ' ? PROBE_SHORT : PROBE_NO;
	if (memchr(data, ' ', len))
		return tag && is_proving(data, tag) && imap_begun(data + tag + 1, len - tag - 1)
			       ? PROBE_SHORT
			       : PROBE_NO;
	for (size_t i = 0; i < len; i++)
		if (data[i] <= ' ' || data[i] >= 0x7f)
			return PROBE_NO;
	return len <= IMAP_TAG_MOST ? PROBE_SHORT : PROBE_NO;
}

/* The first line of a direction. */
static int score(const uint8_t *data, size_t len)
{
	int64_t n = line_length(data, len < LIMIT_MAIL_JUDGED ? len : LIMIT_MAIL_JUDGED);
	size_t tag = imap_tag(data, len);
	struct text rest;

	if (n <= 0)
		return n || len >= LIMIT_MAIL_JUDGED ? PROBE_NO : score_start(data, len);
	if (imap_untagged(data, (size_t)n))
		return memmem(data, (size_t)n, "IMAP4", 5) ? PROBE_YES : 60;
	if (!tag || !is_proving(data, tag))
		return PROBE_NO;
	if (imap_status(data, (size_t)n, &rest))
		return 60;
	const struct imap_command *c = imap_command(data, (size_t)n, &rest);
	return c && (c->told == IMAP_NOTHING) == !rest.len ? PROBE_YES : PROBE_NO;
}

static int imap_probe(enum dir dir, const uint8_t *data, size_t len)
{
	(void)dir;
	return len ? score(data, len) : PROBE_SHORT;
}

static int imap_begins(const struct framed *f, enum dir dir, const uint8_t *data, size_t len)
{
	int v = score(data, len);
	struct text rest;

	if (v == PROBE_SHORT)
		return PROBE_MAYBE;
	/* A tag need not have a digit. */
	if (v == PROBE_NO && dir == f->client && memchr(data, '\n', len))
		return imap_command(data, (size_t)((uint8_t *)memchr(data, '\n', len) + 1 - data),
				    &rest)
			       ? PROBE_YES
			       : PROBE_NO;
	return v;
}

static void imap_fill(const struct exchange *x, struct entry *e)
{
	const struct imap_exchange *q = (const struct imap_exchange *)x;
	struct message *m = e->message[0], *a = e->message[1];

	if (framed_fill(x, e))
		return;
	e->method = q->method ? q->method : "";
	static const char *const members[] = { "mailbox", "arguments", "mechanism" };
	for (int i = 0; i < 3 && !*e->summary; i++)
		e->summary = framed_summary(e, members[i]);
	const char *subject = framed_summary(e, "subject");
	if (*subject)
		e->summary = entry_printf(e, "%.200s: %.250s", e->summary, subject);
	if (!q->method && !a)
		e->summary = "";
	if (m && m->body.size)
		m->content_type = message_text(m, "message/rfc822", strlen("message/rfc822"));
	if (a && a->body.size)
		a->content_type = message_text(a, "text/plain", strlen("text/plain"));
	if (q->status) {
		e->status = q->status;
		e->failed = strcmp(q->status, "OK") != 0;
	}
}

static const struct framed_ops imap_ops = {
	.name = "imap",
	.pdu = { .keep = LIMIT_MAIL_LINE,
		 .length = imap_pdu_length,
		 .begin = imap_begin,
		 .bytes = imap_bytes,
		 .gap = imap_missing,
		 .whole = imap_whole,
		 .lost = imap_lost,
		 .resumes = imap_resumes,
		 .stray = framed_stray },
	.exchange = { "imap", sizeof(struct imap_exchange), imap_fill, NULL },
	.length = imap_length,
	.begins = imap_begins,
};

static void *imap_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	struct imap *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	account_change(sink->account, 0, sizeof(*s));
	framed_begin(&s->f, sink, hint, &imap_ops);
	s->spoken = hint->mid_stream;
	return s;
}

static void imap_close(void *state, int64_t now)
{
	struct imap *s = state;

	(void)now;
	framed_end(&s->f);
	account_change(s->f.l.sink.account, sizeof(*s), 0);
	free(s);
}

const struct dissector dissect_imap = {
	.name = "imap",
	.probe = imap_probe,
	.open = imap_open,
	.close = imap_close,
	FRAMED_DISSECTOR_OPS,
};
