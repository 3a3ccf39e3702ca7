// SPDX-License-Identifier: GPL-2.0-or-later
/* From the lines of a head to names, values and where the message ends (RFC 9112). */
#include "dissect/http1.h"

#include <errno.h>
#include <string.h>

/* The next line; with `fold`, lines that begin with a blank are joined to it (obs-fold). */
static struct text take_line(struct message *m, struct text *rest, bool fold)
{
	struct text line = http_take_until(rest, '\n');

	while (fold && line.len && rest->len && (*rest->data == ' ' || *rest->data == '\t')) {
		((char *)line.data)[line.len] = ' ';
		line.len += 1 + http_take_until(rest, '\n').len;
		http_note(m, HTTP_NOTE_FOLDED);
	}
	return line;
}

static void split_field(struct message *m, struct http_fields *f, struct text line)
{
	struct text value = line;
	struct text name = http_take_until(&value, ':');

	if (name.len == line.len)
		http_note(m, HTTP_NOTE_FIELD_BAD);
	name = http_trim(name);
	http_fields_add(f, m, name, http_trim(value),
			http_is(name, "content-length") || http_is(name, "transfer-encoding"));
}

/* The lines as fields, copied to the message; ret_start NULL: there is no start line. */
static int split_lines(struct message *m, const struct h1_lines *l, struct http_fields *f,
		       struct text *ret_start)
{
	struct text rest = message_text(m, l->text.data, l->text.len);

	f->count = f->listed = 0;
	if (!rest.data)
		return -ENOMEM;
	if (ret_start)
		*ret_start = take_line(m, &rest, false);
	while (rest.len) {
		struct text line = take_line(m, &rest, true);
		if (line.len)
			split_field(m, f, line);
	}
	if (l->cut)
		http_note(m, HTTP_NOTE_HEAD_CUT);
	if (l->bare_lf)
		http_note(m, HTTP_NOTE_BARE_LF);
	m->head_cut += l->cut;
	return 0;
}

static void read_length(struct h1_message *m, struct text list)
{
	while (list.len) {
		struct text t = http_trim(http_take_until(&list, ','));
		uint64_t v = 0;
		size_t i = 0;
		for (; i < t.len && t.data[i] >= '0' && t.data[i] <= '9' && v < 1ULL << 58; i++)
			v = v * 10 + (uint64_t)(t.data[i] - '0');
		if (!t.len || i < t.len) {
			http_note(m->msg, HTTP_NOTE_LENGTH_BAD);
		} else if (m->has_length && v != m->length) {
			http_note(m->msg, HTTP_NOTE_LENGTH_CONFLICT);
		} else {
			m->has_length = true;
			m->length = v;
		}
	}
}

/*
 * Transfer codings but the final chunked count as content codings: they are still on the body. The
 * list of them goes to `out`, which has room for two bytes of each in `list`.
 */
static struct text read_codings(struct h1_message *m, struct text list, char *out)
{
	struct text left = { out, 0 };

	m->chunked = false;
	while (list.len) {
		struct text t = http_trim(http_take_until(&list, ','));
		m->chunked = http_is(t, "chunked");
		if (m->chunked || !t.len || http_is(t, "identity"))
			continue;
		if (left.len)
			left.len = (size_t)((char *)mempcpy(out + left.len, ", ", 2) - out);
		memcpy(out + left.len, t.data, t.len);
		left.len += t.len;
	}
	if (!m->chunked)
		http_note(m->msg, HTTP_NOTE_CODING_UNKNOWN);
	return left;
}

/*
 * RFC 9112 section 6.3, what the fields say; method and status come on top in http1.c. The codings
 * that are not undone go to *ret_coding.
 */
static int read_framing(struct h1_message *m, const struct http_fields *f, struct text *ret_coding)
{
	struct text codings;

	for (size_t i = 0; i < f->count; i++)
		if (http_is(f->list[i].name, "content-length"))
			read_length(m, f->list[i].value);
	int r = http_join(f, "transfer-encoding", m->msg, &codings);
	if (r || !codings.len)
		return r;
	char *out = arena_alloc(&m->msg->arena, 2 * codings.len);
	if (!out)
		return -ENOMEM;
	*ret_coding = read_codings(m, codings, out);
	if (m->has_length)
		http_note(m->msg, HTTP_NOTE_LENGTH_IGNORED);
	m->has_length = false;
	m->close_delimited = !m->chunked;
	return 0;
}

/* "HTTP/1.1" without its name. */
static struct text version_of(struct text t)
{
	return t.len > 5 ? (struct text){ t.data + 5, t.len - 5 } : (struct text){ "", 0 };
}

/* "GET /a b HTTP/1.1": what is between the first and the last blank is the target. */
static int read_request_line(struct message *m, struct text line)
{
	struct text target = line;

	m->method = http_take_until(&target, ' ');
	const char *blank = target.len ? memrchr(target.data, ' ', target.len) : NULL;
	struct text version = { "", 0 };
	if (blank) {
		size_t n = (size_t)(blank - target.data);
		version = (struct text){ blank + 1, target.len - n - 1 };
		target.len = n;
	}
	m->target = target;
	m->version = version_of(version);
	return http_read_query(m);
}

uint16_t h1_head_status(const struct buf *text)
{
	const char *p = text->data;

	return text->len < 12 ? 0
			      : (uint16_t)((p[9] - '0') * 100 + (p[10] - '0') * 10 + p[11] - '0');
}

/* "HTTP/1.1 200 OK", which h1_start_line_step() has seen to be one. */
static struct text reason_of(struct text line)
{
	return line.len > 13 ? (struct text){ line.data + 13, line.len - 13 } : (struct text){ 0 };
}

int h1_head_read(struct h1_message *m, const struct h1_lines *l)
{
	struct message *msg = m->msg;
	struct http_fields f;
	struct text start, coding = { 0 };

	msg->head_size += l->size;
	msg->has_head = true;
	int r = split_lines(msg, l, &f, &start);
	if (!r && msg->request) {
		r = read_request_line(msg, start);
	} else if (!r) {
		msg->status = h1_head_status(&l->text);
		msg->reason = reason_of(start);
		msg->version = version_of((struct text){ start.data, 8 });
	}
	r = r ? r : read_framing(m, &f, &coding);
	return r ? r : http_read_fields(msg, &f, coding);
}

int h1_head_read_interim(struct message *m, const struct h1_lines *l, int64_t time_us)
{
	struct http_fields f;
	struct text start;

	m->framing_size += l->size;
	if (!http_wants_interim(m))
		return 0;
	int r = split_lines(m, l, &f, &start);
	return r ? r
		 : http_read_interim(m, h1_head_status(&l->text), reason_of(start), &f, time_us);
}

int h1_trailer_read(struct message *m, const struct h1_lines *l)
{
	struct http_fields f;

	m->framing_size += l->size;
	int r = split_lines(m, l, &f, NULL);
	return r ? r : http_read_trailers(m, &f);
}
