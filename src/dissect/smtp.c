// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SMTP (RFC 5321) and LMTP: lines of commands and replies; a mail belongs to its DATA. Nothing of
 * what follows AUTH is told but how it ended.
 */
#include "dissect/smtp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/account.h"
#include "base/limits.h"
#include "entry.h"

static const char untold_answer[] = "which answer belongs to it cannot be told: bytes were lost";
static const char lost_answer[] = "its answer was lost";

static int begin_command(struct smtp *s, enum dir dir, const struct pdu *p)
{
	const uint8_t *end = memchr(p->data, '\n', p->len);
	size_t line = end ? (size_t)(end + 1 - p->data) : p->len;
	enum smtp_op op = smtp_op(p->data, line);

	smtp_note_command(s);
	struct smtp_exchange *x = smtp_new(s, op);
	if (x)
		x->chunk_at = p->offset + line;
	int r = framed_place(&s->f, dir, (struct exchange *)x, PART_REQUEST, p);
	if (!r)
		smtp_put_command(x->f.x.message[PART_REQUEST], op, p->data, line);
	return r;
}

static struct smtp_exchange *client_exchange(struct smtp *s)
{
	struct smtp_exchange *x = NULL;

	if (s->mail)
		x = smtp_taking(s, SMTP_DATA);
	else if (s->auth)
		x = smtp_taking(s, SMTP_AUTH);
	if (!x)
		s->mail = s->auth = false;
	return x;
}

static int begin_reply(struct smtp *s, enum dir dir, const struct pdu *p)
{
	struct exchange *x = s->f.l.head;

	while (x && !((struct smtp_exchange *)x)->replying)
		x = x->next;
	if (!x) {
		smtp_end_holed_mail(s);
		x = (struct exchange *)smtp_answered(s, smtp_code(p->data, p->len));
	}
	s->turn = true;
	return framed_place(&s->f, dir, x, PART_RESPONSE, p);
}

static int smtp_begin(void *ctx, enum dir dir, const struct pdu *p)
{
	struct smtp *s = ctx;

	if (dir != s->f.client)
		return begin_reply(s, dir, p);
	struct smtp_exchange *x = client_exchange(s);
	if (!x)
		return begin_command(s, dir, p);
	s->turn = false;
	return framed_place(&s->f, dir, &x->f.x, PART_REQUEST, p);
}

/* A chunk, as much of it as these bytes are. */
static void put_chunk(struct smtp_exchange *x, const uint8_t *data, size_t len, uint64_t offset)
{
	uint64_t skip = x->chunk_at > offset ? x->chunk_at - offset : 0;

	if (skip < len)
		payload_put(&x->f.x.message[PART_REQUEST]->body, data + skip, len - (size_t)skip,
			    LIMIT_MAIL_BYTES);
}

static void smtp_bytes(void *ctx, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		       int64_t now)
{
	struct smtp *s = ctx;
	struct smtp_exchange *x = (struct smtp_exchange *)s->f.now[dir];
	bool end;

	framed_bytes(&s->f, dir, data, len, offset, now);
	if (!x || dir != s->f.client)
		return;
	if (x->op == SMTP_BDAT)
		put_chunk(x, data, len, offset);
	else if (s->mail &&
		 smtp_mail(&s->dot, data, len, &x->f.x.message[PART_REQUEST]->body, &end) && end)
		s->mail = false;
}

static void smtp_missing(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct smtp *s = ctx;
	struct smtp_exchange *x = (struct smtp_exchange *)s->f.now[dir];

	framed_missing(&s->f, dir, len, why, now);
	if (x && dir == s->f.client && x->op == SMTP_BDAT)
		payload_skip(&x->f.x.message[PART_REQUEST]->body, len, why);
}

static void end_chunk(struct smtp *s, struct smtp_exchange *x, const struct pdu *p)
{
	size_t line = (size_t)(x->chunk_at - p->offset);
	bool last = false;

	smtp_chunk(p->data, line, &last);
	if (s->chunk_first)
		smtp_read_head(x->f.x.message[PART_REQUEST]);
	s->chunk_first = last;
	if (last && s->lmtp && s->recipients)
		x->answers = s->recipients;
}

static int end_client(struct smtp *s, struct smtp_exchange *x, const struct pdu *p)
{
	enum dir dir = s->f.client;

	if (x->taking && s->mail) {
		framed_rest(&s->f, dir);
		return 0;
	}
	s->auth = false;
	if (x->op == SMTP_DATA && !x->taking) {
		framed_rest(&s->f, dir);
		return 0;
	}
	if (x->op == SMTP_DATA)
		smtp_read_head(x->f.x.message[PART_REQUEST]);
	if (x->op == SMTP_BDAT)
		end_chunk(s, x, p);
	s->lmtp |= x->op == SMTP_LHLO;
	if (x->op == SMTP_MAIL || x->op == SMTP_RSET || x->op == SMTP_LHLO) {
		s->recipients = 0;
		s->chunk_first = true;
	}
	framed_done(&s->f, dir, p);
	return 0;
}

/* The client is told to go on. */
static void go_on(struct smtp *s, struct smtp_exchange *x)
{
	x->taking = true;
	if (x->op == SMTP_AUTH) {
		s->auth = true;
		return;
	}
	s->mail = true;
	s->may_mail = s->holed = false;
	s->dot = DOT_LINE;
	x->answers = s->lmtp && s->recipients ? s->recipients : 1;
}

static void read_reply(struct smtp_exchange *x, int code, const struct pdu *p)
{
	struct message *m = x->f.x.message[PART_RESPONSE];
	struct text line = smtp_line(p->data, p->len);
	struct text t = { line.data + 4, line.len > 4 ? line.len - 4 : 0 };
	struct text enhanced = smtp_enhanced(code, t);

	/* Of several the worst counts. */
	if (code > m->status || m->status < 400)
		m->status = (uint16_t)code;
	if (enhanced.len && !m->own)
		framed_text(m, "enhanced_status", enhanced);
	if (code == 334)
		return;
	exchange_text(&x->f.x, PART_RESPONSE, t.len ? t.data : "", t.len);
	exchange_text(&x->f.x, PART_RESPONSE, "\n", 1);
}

/* Its last line has come. */
static void end_reply(struct smtp *s, struct smtp_exchange *x, int code, const struct pdu *p)
{
	enum dir dir = !s->f.client;

	if (code == 354 || code == 334) {
		go_on(s, x);
		framed_rest(&s->f, dir);
		return;
	}
	if (x->op == SMTP_RCPT && code < 300)
		s->recipients++;
	if (x->op == SMTP_DATA && !x->taking && x->f.x.message[PART_REQUEST])
		x->f.x.done[PART_REQUEST] = true;
	if (--x->answers && code != 421) {
		framed_rest(&s->f, dir);
		return;
	}
	if (!x->f.x.message[PART_REQUEST] && !x->f.alone)
		framed_one_way(&s->f, dir);
	framed_done(&s->f, dir, p);
}

static int smtp_whole(void *ctx, enum dir dir, const struct pdu *p)
{
	struct smtp *s = ctx;
	struct smtp_exchange *x = (struct smtp_exchange *)s->f.now[dir];

	if (!x)
		return 0;
	if (dir == s->f.client)
		return end_client(s, x, p);
	int code = smtp_code(p->data, p->len);
	read_reply(x, code, p);
	x->replying = p->data[3] == '-';
	if (x->replying)
		framed_rest(&s->f, dir);
	else
		end_reply(s, x, code, p);
	return 0;
}

/* A line with its end, 0 while there is none. */
static int64_t line_length(const uint8_t *data, size_t len)
{
	const uint8_t *end = memchr(data, '\n', len);
	size_t n = end ? (size_t)(end + 1 - data) : len;

	if (n > LIMIT_MAIL_LINE || (!end && n == LIMIT_MAIL_LINE))
		return -EPROTO;
	if (!end)
		return 0;
	for (size_t i = 0; i < n; i++)
		if ((data[i] < ' ' && data[i] != '\t' && data[i] != '\r' && data[i] != '\n') ||
		    data[i] == 0x7f)
			return -EPROTO;
	return (int64_t)n;
}

static int64_t smtp_length(const struct framed *f, enum dir dir, const uint8_t *data, size_t len)
{
	const struct smtp *s = (const struct smtp *)f;
	bool last;

	if (dir != f->client && smtp_code(data, len) < 0)
		return -EPROTO;
	int64_t n = line_length(data, len);
	if (n <= 0 || dir != f->client || s->auth || smtp_op(data, (size_t)n) != SMTP_BDAT)
		return n;
	int64_t chunk = smtp_chunk(data, (size_t)n, &last);
	return chunk < 0 ? n : n + chunk;
}

/* The reply to DATA was lost: a mail does not begin as commands do. */
static void judge_mail(struct smtp *s, const uint8_t *data, size_t len)
{
	const uint8_t *end = memchr(data, '\n', len < LIMIT_MAIL_JUDGED ? len : LIMIT_MAIL_JUDGED);
	struct smtp_exchange *x = smtp_find(s, SMTP_DATA);

	if (!end && len < LIMIT_MAIL_JUDGED)
		return;
	s->may_mail = false;
	if (!x || (end && smtp_op(data, (size_t)(end + 1 - data)) != SMTP_OTHER))
		return;
	smtp_settle(s, &x->f.x, lost_answer);
	x->unsure = x->f.missed[0] = x->f.missed[1] = false;
	go_on(s, x);
}

static int64_t smtp_pdu_length(void *ctx, enum dir dir, const uint8_t *data, size_t len,
			       size_t seen)
{
	struct smtp *s = ctx;

	if (!s->f.client_known && len)
		framed_know_client(&s->f, data[0] >= '0' && data[0] <= '9' ? !dir : dir);
	if (dir == s->f.client && s->may_mail) {
		judge_mail(s, data, len);
		if (s->may_mail)
			return 0;
	}
	if (dir == s->f.client && s->mail) {
		enum smtp_dot dot = s->dot;
		bool end;
		s->f.doubt[dir] = false;
		return (int64_t)smtp_mail(&dot, data, len, NULL, &end);
	}
	/* What it was asked for since. */
	if (dir == s->f.client && s->auth)
		s->f.doubt[dir] = false;
	/* All that can be said of the start was said. */
	if (seen >= 4 && !s->f.doubt[dir] && len < LIMIT_MAIL_LINE &&
	    !memchr(data + seen, '\n', len - seen))
		return 0;
	return framed_length(&s->f, dir, data, len, seen);
}

static int line_probe(const uint8_t *data, size_t len, bool *ret_whole)
{
	int64_t n = line_length(data, len);

	*ret_whole = n > 0;
	return n < 0 ? PROBE_NO : PROBE_MAYBE;
}

static bool holds(const uint8_t *data, size_t len, const char *word)
{
	return memmem(data, len, word, strlen(word)) != NULL;
}

static int probe_reply(const uint8_t *data, size_t len)
{
	int code = smtp_code(data, len);
	const uint8_t *end = memchr(data, '\n', len);
	bool whole;

	if (code <= 0 || line_probe(data, len, &whole) == PROBE_NO)
		return code ? PROBE_NO : PROBE_SHORT;
	size_t line = end ? (size_t)(end - data) : len;
	if (code == 220) {
		if (holds(data, line, "SMTP") || holds(data, line, "LMTP"))
			return PROBE_YES;
		return holds(data, line, "FTP") ? PROBE_NO : PROBE_SHORT;
	}
	if (!whole)
		return PROBE_SHORT;
	struct text t = smtp_line(data + 4, line > 4 ? line - 4 : 0);
	return smtp_enhanced(code, t).len ? 60 : PROBE_NO;
}

static int smtp_probe(enum dir dir, const uint8_t *data, size_t len)
{
	static const char *const begins[] = { "EHLO ", "HELO ", "LHLO ", "MAIL FROM:<",
					      "RCPT TO:<" };
	bool whole;

	(void)dir;
	if (!len)
		return PROBE_SHORT;
	if (data[0] >= '0' && data[0] <= '9')
		return probe_reply(data, len);
	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++) {
		size_t n = strlen(begins[i]);
		if (strncasecmp((const char *)data, begins[i], len < n ? len : n) != 0)
			continue;
		if (len <= n)
			return len < 4 ? PROBE_SHORT : PROBE_MAYBE;
		int v = line_probe(data, len, &whole);
		/* "EHLO " needs a name. */
		return !whole || v == PROBE_NO ? v : data[n] > ' ' ? PROBE_YES : PROBE_NO;
	}
	return PROBE_NO;
}

static int smtp_begins(const struct framed *f, enum dir dir, const uint8_t *data, size_t len)
{
	const uint8_t *end = memchr(data, '\n', len < LIMIT_MAIL_JUDGED ? len : LIMIT_MAIL_JUDGED);

	if (dir != f->client) {
		int code = smtp_code(data, len);
		return code > 0 ? PROBE_YES : code ? PROBE_NO : PROBE_MAYBE;
	}
	if (!end)
		return len < LIMIT_MAIL_JUDGED ? PROBE_MAYBE : PROBE_NO;
	return smtp_op(data, (size_t)(end + 1 - data)) != SMTP_OTHER ? PROBE_YES : PROBE_NO;
}

/* Lines may have been lost; of a mail the place is known. */
static void smtp_lost(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct smtp *s = ctx;
	struct framed *f = &s->f;
	bool client = dir == f->client;
	struct smtp_exchange *x = s->mail ? smtp_taking(s, SMTP_DATA) : NULL;

	s->turn = !client;
	if (client && x && !exchange_begin_part(&x->f.x, PART_REQUEST, f->end[dir] - len, now)) {
		exchange_gap(&x->f.x, PART_REQUEST, len, why, now);
		payload_skip(&x->f.x.message[PART_REQUEST]->body, len, why);
		s->dot = DOT_TEXT;
		s->holed = true;
		return;
	}
	s->unsure = true;
	if (client)
		s->auth = s->may_mail = false;
	else
		s->may_mail = !s->mail && smtp_find(s, SMTP_DATA);
	framed_lost(f, dir, len, why, now);
	/* Nobody can tell whether the mail was answered, nor whether it goes on. */
	if (!client && x && s->holed) {
		s->mail = false;
		f->in[f->client].lost = true;
	}
	for (struct exchange *e = f->l.head; !client && e; e = e->next)
		((struct smtp_exchange *)e)->replying = false;
}

static int smtp_resumes(void *ctx, enum dir dir, const uint8_t *data, size_t len)
{
	struct smtp *s = ctx;

	if (dir == s->f.client && (s->mail || s->may_mail))
		return 1;
	return framed_resumes(&s->f, dir, data, len);
}

/* Silence: what was to be answered has been. */
static void smtp_idle(void *state, int64_t now)
{
	struct smtp *s = state;

	(void)now;
	if (s->unsure && !s->mail)
		smtp_settle(s, NULL, untold_answer);
}

static void fill_summary(const struct smtp_exchange *x, struct entry *e)
{
	static const char *const members[SMTP_OPS] = {
		[SMTP_EHLO] = "name",	  [SMTP_HELO] = "name",	    [SMTP_LHLO] = "name",
		[SMTP_MAIL] = "from",	  [SMTP_RCPT] = "to",	    [SMTP_AUTH] = "mechanism",
		[SMTP_VRFY] = "argument", [SMTP_EXPN] = "argument", [SMTP_ETRN] = "argument",
	};

	if (members[x->op])
		e->summary = framed_summary(e, members[x->op]);
	if (x->op == SMTP_OTHER && e->message[0])
		e->summary = "a command that is not known";
	if (x->op == SMTP_GREETING && e->message[1]) {
		const struct buf *b = &e->message[1]->body.bytes;
		const char *end = b->len ? memchr(b->data, '\n', b->len) : NULL;
		size_t n = end ? (size_t)(end - b->data) : b->len;
		e->summary = n ? entry_text(e, b->data, n < LIMIT_SUMMARY ? n : LIMIT_SUMMARY) : "";
	}
	if (x->op != SMTP_DATA && x->op != SMTP_BDAT)
		return;
	/* While it comes, or when it never came whole. */
	if (x->op == SMTP_DATA && e->message[0] && !e->message[0]->own)
		smtp_read_head(e->message[0]);
	const char *subject = framed_summary(e, "subject"), *from = framed_summary(e, "from");
	const char *to = framed_summary(e, "to");
	e->summary = entry_printf(e, "%.200s%s%.120s%s%.120s", subject, *from ? " - from " : "",
				  from, *to ? " to " : "", to);
}

static void smtp_fill(const struct exchange *x, struct entry *e)
{
	const struct smtp_exchange *q = (const struct smtp_exchange *)x;
	struct message *m = e->message[0], *a = e->message[1];

	if (framed_fill(x, e))
		return;
	e->method = smtp_op_name(q->op);
	fill_summary(q, e);
	if (m && m->body.size)
		m->content_type = message_text(m, "message/rfc822", strlen("message/rfc822"));
	if (!a || (!x->done[PART_RESPONSE] && a->status < 400))
		return;
	e->status_code = a->status;
	e->status = entry_printf(e, "%d", a->status);
	a->content_type = message_text(a, "text/plain", strlen("text/plain"));
}

static const struct framed_ops smtp_ops = {
	.name = "smtp",
	.pdu = { .keep = LIMIT_MAIL_LINE,
		 .length = smtp_pdu_length,
		 .begin = smtp_begin,
		 .bytes = smtp_bytes,
		 .gap = smtp_missing,
		 .whole = smtp_whole,
		 .lost = smtp_lost,
		 .resumes = smtp_resumes,
		 .stray = framed_stray },
	.exchange = { "smtp", sizeof(struct smtp_exchange), smtp_fill, NULL },
	.length = smtp_length,
	.begins = smtp_begins,
};

static void *smtp_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	struct smtp *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	account_change(sink->account, 0, sizeof(*s));
	framed_begin(&s->f, sink, hint, &smtp_ops);
	s->spoken = hint->mid_stream;
	s->chunk_first = true;
	return s;
}

static void smtp_close(void *state, int64_t now)
{
	struct smtp *s = state;

	(void)now;
	framed_end(&s->f);
	account_change(s->f.l.sink.account, sizeof(*s), 0);
	free(s);
}

const struct dissector dissect_smtp = {
	.name = "smtp",
	.probe = smtp_probe,
	.open = smtp_open,
	.feed = framed_feed,
	.gap = framed_gap,
	.idle = smtp_idle,
	.tick = framed_tick,
	.alive = framed_alive,
	.become = framed_become,
	.give_way = framed_give_way,
	.close = smtp_close,
};
