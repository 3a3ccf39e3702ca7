// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/http_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "dissect/grpc.h"
#include "dissect/http.h"
#include "items.h"

#define BOUNDARY_BYTES 200 /* RFC 2046 allows 70 */
#define FIELD_BYTES    12  /* of the names of an event's lines, what is told apart */
#define CODING_BYTES   64  /* of the name of a coding */

static const char not_ended[] = "ended before it was whole";
static const char start_lost[] = "what came before was lost";
static const char coded_lost[] = "compressed, and bytes were lost: from here on not told apart";
static const char coded_broken[] = "its compression is broken: from here on not told apart";
static const char coded_bomb[] = "compressed to so little that it is not told apart from here on";
static const char coded_memory[] = "compressed, and memory was short: from here on not told apart";

struct stream_kind;

struct http_stream {
	const struct stream_kind *kind;
	struct items *items;
	enum item_from from;
	struct item *item; /* that has begun */
	uint64_t size;	   /* bytes of it so far, also before it has begun */
	uint64_t pos;	   /* in the body, as content */
	uint64_t begun_at; /* there; after what is missing, if nothing was known before */
	uint64_t before;   /* of `size`, what lies before */
	bool unplaced;	   /* nobody knows where any more */
	int64_t begun_us;
	bool lost; /* before it */
	/* lines and events */
	bool held; /* a sign at the end that belongs to it only if more follows */
	/* events: the line */
	bool after_cr, in_value, at_value, first_line;
	enum { FIELD_OTHER, FIELD_DATA, FIELD_EVENT, FIELD_ID } field;
	uint8_t field_len;
	char field_name[FIELD_BYTES];
	struct buf name, id; /* of the event */
	/* parts */
	enum { PART_SEEK, PART_LINE, PART_HEAD, PART_BODY, PART_OVER } part;
	char boundary[BOUNDARY_BYTES + 4]; /* "\n--" before it */
	size_t boundary_len, matched;
	bool at_start; /* of the body of a part: the line break that is matched was its head's */
	struct buf line;
	/* messages of gRPC */
	struct grpc_reader call;
	struct coding_stream *coding; /* of the body; NULL: none */
	bool hidden;	/* the coding cannot be undone any more: s->item is the rest */
	int64_t now_us; /* of what is decoded */
};

struct stream_kind {
	const char *name; /* of its messages */
	size_t (*feed)(struct http_stream *s, const uint8_t *data, size_t len);
	char separator, hold;
	bool closed; /* each has an end of its own */
};

static struct item *begin_item(struct http_stream *s)
{
	if (s->item)
		return s->item;
	s->item = items_begin(s->items, s->from, s->kind->name, s->begun_us);
	if (s->item && s->lost)
		s->item->note = start_lost;
	s->lost = false;
	return s->item;
}

static void end_item(struct http_stream *s, const char *note)
{
	if (s->item) {
		s->item->size = s->size;
		s->item->at = s->begun_at;
		s->item->end = s->unplaced ? 0 : s->begun_at + s->size - s->before;
		s->item->note = s->item->note ? s->item->note : note;
	}
	items_end(s->items, s->item);
	s->item = NULL;
	s->size = 0;
	s->held = false;
}

/* Content, before which what was held back belongs to it. */
static void put(struct http_stream *s, const uint8_t *data, size_t len)
{
	if (s->held)
		items_put(s->items, begin_item(s), &s->kind->hold, 1);
	s->held = false;
	if (len)
		items_put(s->items, begin_item(s), data, len);
}

/* A line or record; empty ones are none. */
static size_t feed_line(struct http_stream *s, const uint8_t *data, size_t len)
{
	char separator = s->kind->separator, hold = s->kind->hold;
	const uint8_t *end = memchr(data, separator, len);
	size_t n = end ? (size_t)(end - data) : len;
	size_t text = n && data[n - 1] == (uint8_t)hold ? n - 1 : n;

	if (text)
		put(s, data, text);
	if (text < n && s->held)
		put(s, NULL, 0);
	s->held |= text < n;
	s->size += n + (end != NULL);
	if (end)
		end_item(s, NULL);
	return n + (end != NULL);
}

static void begin_field(struct http_stream *s)
{
	const char *name = s->field_name;
	size_t len = s->field_len;

	if (s->first_line && len >= 3 && !memcmp(name, "\xef\xbb\xbf", 3))
		name += 3, len -= 3;
	s->field = len == 4 && !memcmp(name, "data", 4)	   ? FIELD_DATA
		   : len == 5 && !memcmp(name, "event", 5) ? FIELD_EVENT
		   : len == 2 && !memcmp(name, "id", 2)	   ? FIELD_ID
							   : FIELD_OTHER;
	if (s->field == FIELD_DATA && s->item)
		items_put(s->items, s->item, "\n", 1);
	else if (s->field == FIELD_DATA)
		begin_item(s);
	if (s->field == FIELD_EVENT)
		buf_reset(&s->name);
	if (s->field == FIELD_ID)
		buf_reset(&s->id);
	s->in_value = s->at_value = true;
}

static void put_bounded(struct buf *b, const uint8_t *data, size_t len)
{
	size_t room = LIMIT_ITEM_NAME - b->len;

	buf_put(b, data, len < room ? len : room);
}

static void put_value(struct http_stream *s, const uint8_t *data, size_t len)
{
	if (len && s->at_value && *data == ' ')
		data++, len--;
	s->at_value = false;
	if (s->field == FIELD_DATA)
		items_put(s->items, s->item, data, len);
	else if (s->field == FIELD_EVENT)
		put_bounded(&s->name, data, len);
	else if (s->field == FIELD_ID)
		put_bounded(&s->id, data, len);
}

/* An empty line ends an event; one without data is none. */
static void end_line(struct http_stream *s)
{
	bool empty = !s->field_len && !s->in_value;

	if (!empty && !s->in_value)
		begin_field(s);
	s->first_line = s->in_value = s->at_value = false;
	s->field_len = 0;
	if (!empty)
		return;
	items_name(s->items, s->item, s->name.data, s->name.len);
	items_id(s->items, s->item, s->id.data, s->id.len);
	buf_reset(&s->name);
	buf_reset(&s->id);
	end_item(s, NULL);
}

static size_t take_name(struct http_stream *s, const uint8_t *data, size_t len)
{
	size_t n = 0;

	while (n < len && data[n] != ':' && data[n] != '\r' && data[n] != '\n') {
		if (s->field_len < FIELD_BYTES)
			s->field_name[s->field_len++] = (char)data[n];
		n++;
	}
	if (n < len && data[n] == ':') {
		begin_field(s);
		n++;
	}
	return n;
}

static size_t take_value(struct http_stream *s, const uint8_t *data, size_t len)
{
	size_t n = 0;

	while (n < len && data[n] != '\r' && data[n] != '\n')
		n++;
	if (n)
		put_value(s, data, n);
	return n;
}

static size_t feed_event(struct http_stream *s, const uint8_t *data, size_t len)
{
	size_t n = 1;

	if (s->after_cr && *data == '\n') {
		s->after_cr = false;
		s->size += s->size != 0; /* of this event, unless it ended with the CR */
		return 1;
	}
	s->after_cr = *data == '\r';
	if (*data != '\r' && *data != '\n')
		n = (s->in_value ? take_value : take_name)(s, data, len);
	s->size += n;
	if (*data == '\r' || *data == '\n')
		end_line(s);
	return n;
}

/* Content up to what may be the next boundary, before which a line break is not content. */
static size_t take_content(struct http_stream *s, const uint8_t *data, size_t len)
{
	const uint8_t *lf = memchr(data, '\n', len);
	size_t n = lf ? (size_t)(lf - data) : len;
	size_t text = n && data[n - 1] == '\r' ? n - 1 : n;

	if (s->part == PART_BODY && n) {
		if (text || s->held)
			put(s, data, text);
		s->held = text < n;
	}
	s->matched = lf != NULL;
	s->size += n + s->matched;
	return n + s->matched;
}

static void end_boundary(struct http_stream *s)
{
	if (s->part == PART_BODY) {
		s->held = false;
		begin_item(s);
		end_item(s, NULL);
	}
	s->size = 0;
	s->matched = 0;
	s->at_start = false;
	s->part = PART_LINE;
	buf_reset(&s->line);
}

/* What looked like a boundary was content; no other one can begin inside of it. */
static void put_back(struct http_stream *s)
{
	size_t skip = s->at_start;

	if (s->part == PART_BODY && s->matched > skip)
		put(s, (const uint8_t *)s->boundary + skip, s->matched - skip);
	s->matched = 0;
	s->at_start = false;
}

static size_t take_boundary(struct http_stream *s, const uint8_t *data, size_t len)
{
	size_t n = 0;

	while (n < len && s->matched < s->boundary_len &&
	       data[n] == (uint8_t)s->boundary[s->matched])
		s->matched++, n++;
	s->size += n;
	if (s->matched == s->boundary_len) {
		end_boundary(s);
	} else if (n < len) {
		put_back(s);
	}
	return n;
}

/* A line behind a boundary or of the head of a part. */
static void end_head_line(struct http_stream *s)
{
	struct text value = { s->line.data, s->line.len };

	if (s->part == PART_LINE) {
		bool over = value.len >= 2 && !memcmp(value.data, "--", 2);
		s->part = over ? PART_OVER : PART_HEAD;
	} else if (!value.len) {
		s->part = PART_BODY;
		s->matched = 1;
		s->at_start = true;
		begin_item(s);
	} else {
		struct text name = http_take_until(&value, ':');
		value = http_trim(value);
		if (http_is(name, "content-type"))
			items_name(s->items, begin_item(s), value.data, value.len);
	}
	buf_reset(&s->line);
}

static size_t take_head(struct http_stream *s, const uint8_t *data, size_t len)
{
	const uint8_t *lf = memchr(data, '\n', len);
	size_t n = lf ? (size_t)(lf - data) : len;

	put_bounded(&s->line, data, n);
	s->size += n + (lf != NULL);
	if (!lf)
		return n;
	if (s->line.len && s->line.data[s->line.len - 1] == '\r')
		s->line.len--;
	end_head_line(s);
	return n + 1;
}

static size_t feed_part(struct http_stream *s, const uint8_t *data, size_t len)
{
	if (s->part == PART_OVER)
		return len;
	if (s->part == PART_LINE || s->part == PART_HEAD)
		return take_head(s, data, len);
	return (s->matched ? take_boundary : take_content)(s, data, len);
}

static const struct stream_kind events = { "event", feed_event, .closed = true };
static const struct stream_kind lines = { "line", feed_line, '\n', '\r' };
static const struct stream_kind records = { "record", feed_line, 0x1e, '\n' };
static const struct stream_kind parts = { "part", feed_part, .hold = '\r', .closed = true };

static const struct stream_kind messages = { "message" };

/* Most messages are none: what that costs is compared with the whole of them. */
static const struct stream_kind *kind_of(const struct message *m)
{
#define TYPE(name, kind)                                                                           \
	{                                                                                          \
		name, sizeof(name) - 1, kind                                                       \
	}
	static const struct {
		const char *type;
		size_t len;
		const struct stream_kind *kind;
	} kinds[] = {
		TYPE("text/event-stream", &events),	   TYPE("application/x-ndjson", &lines),
		TYPE("application/ndjson", &lines),	   TYPE("application/jsonl", &lines),
		TYPE("application/x-jsonlines", &lines),   TYPE("application/json-seq", &records),
		TYPE("multipart/x-mixed-replace", &parts),
	};
#undef TYPE
	struct text rest = m->content_type;

	if (grpc_is(m))
		return &messages;
	if (m->request || !rest.len)
		return NULL;
	struct text type = http_trim(http_take_until(&rest, ';'));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (type.len == kinds[i].len && !strncasecmp(type.data, kinds[i].type, type.len))
			return kinds[i].kind;
	return NULL;
}

static bool read_boundary(struct http_stream *s, struct text parameters)
{
	while (parameters.len) {
		struct text value = http_take_until(&parameters, ';');
		struct text name = http_trim(http_take_until(&value, '='));
		if (!name.len || !http_is(name, "boundary"))
			continue;
		value = http_trim(value);
		if (value.len > 1 && *value.data == '"' && value.data[value.len - 1] == '"')
			value = (struct text){ value.data + 1, value.len - 2 };
		/* Some name it with the dashes that go before it. */
		if (value.len > 2 && !memcmp(value.data, "--", 2))
			value = (struct text){ value.data + 2, value.len - 2 };
		if (!value.len || value.len > BOUNDARY_BYTES || memchr(value.data, '\n', value.len))
			return false;
		memcpy(s->boundary, "\n--", 3);
		memcpy(s->boundary + 3, value.data, value.len);
		s->boundary_len = value.len + 3;
		return true;
	}
	return false;
}

/* NULL, without a note, where there is none. */
static struct coding_stream *open_coding(struct message *m)
{
	char name[CODING_BYTES] = "";
	struct coding_stream *c = NULL;

	if (m->content_encoding.len < sizeof(name)) {
		memcpy(name, m->content_encoding.data, m->content_encoding.len);
		c = coding_is_encoded(name) ? coding_stream_new(name) : NULL;
	}
	if (!c && (!*name || coding_is_encoded(name)))
		http_note(m, HTTP_NOTE_STREAM_CODED);
	return c;
}

struct http_stream *http_stream_new(struct message *m)
{
	const struct stream_kind *kind = kind_of(m);
	struct coding_stream *coding = kind && m->content_encoding.len ? open_coding(m) : NULL;

	if (!kind || http_has_note(m, HTTP_NOTE_STREAM_CODED))
		return NULL;
	struct http_stream *s = calloc(1, sizeof(*s));
	if (!s) {
		coding_stream_free(coding);
		return NULL;
	}
	s->kind = kind;
	s->from = m->request ? ITEM_CLIENT : ITEM_SERVER;
	s->coding = coding;
	s->first_line = true;
	s->matched = 1;
	s->items = items_new();
	if (kind == &messages)
		grpc_begin(&s->call, m, s->items);
	if (!s->items || (kind == &parts && !read_boundary(s, m->content_type))) {
		http_stream_free(s);
		return NULL;
	}
	return s;
}

void http_stream_free(struct http_stream *s)
{
	if (!s)
		return;
	items_free(s->items);
	buf_free(&s->name);
	buf_free(&s->id);
	buf_free(&s->line);
	grpc_free(&s->call);
	coding_stream_free(s->coding);
	free(s);
}

static void note_begin(struct http_stream *s)
{
	if (s->size)
		return;
	s->begun_us = s->now_us;
	s->begun_at = s->pos;
	s->before = 0;
}

static void feed_plain(void *ctx, const uint8_t *data, size_t len)
{
	struct http_stream *s = ctx;

	if (s->kind == &messages) {
		grpc_feed(&s->call, data, len, s->now_us);
		return;
	}
	while (len) {
		note_begin(s);
		size_t n = s->kind->feed(s, data, len);
		s->pos += n;
		data += n;
		len -= n;
	}
	if (s->item)
		s->item->size = s->size;
}

static void end_plain(struct http_stream *s)
{
	if (s->kind == &messages)
		grpc_end(&s->call);
	else
		put_back(s);
	if (s->item)
		end_item(s, s->kind->closed && s->part != PART_OVER ? not_ended : NULL);
}

/* What follows is one message of which nothing is known. */
static void hide(struct http_stream *s, const char *why)
{
	if (s->item && !s->item->note)
		s->item->note = not_ended;
	end_plain(s);
	coding_stream_free(s->coding);
	s->coding = NULL;
	s->hidden = true;
	s->item = items_begin(s->items, s->from, s->kind->name, s->now_us);
	if (!s->item)
		return;
	s->item->note = why;
	s->item->at = s->pos;
	s->item->end = UINT64_MAX;
}

static void feed_coded(struct http_stream *s, const uint8_t *data, size_t len)
{
	const struct coding_sink to = { feed_plain, s };
	int r = coding_stream_feed(s->coding, data, len, &to);

	if (r)
		hide(s, r == -E2BIG ? coded_bomb : r == -EILSEQ ? coded_broken : coded_memory);
}

void http_stream_feed(struct http_stream *s, const uint8_t *data, size_t len, int64_t time_us)
{
	if (!s)
		return;
	s->now_us = time_us;
	if (s->coding)
		feed_coded(s, data, len);
	else if (!s->hidden)
		feed_plain(s, data, len);
}

static void gap_in_lines(struct http_stream *s, uint64_t len, enum gap_why why)
{
	note_begin(s);
	s->unplaced |= !len;
	s->pos += len;
	s->size += len;
	put_back(s);
	if (s->held)
		put(s, NULL, 0);
	items_skip(s->item, len, why);
	if (s->item) {
		s->item->size = s->size;
	} else {
		s->begun_at = s->pos;
		s->before = s->size;
	}
	s->lost = !s->item;
	if (s->part != PART_BODY)
		s->part = PART_SEEK;
	/* The rest of a line that may be any. */
	if (!s->item || !s->in_value) {
		s->field = FIELD_OTHER;
		s->in_value = true;
	}
	s->after_cr = false;
}

void http_stream_gap(struct http_stream *s, uint64_t len, enum gap_why why, int64_t time_us)
{
	if (!s)
		return;
	s->now_us = time_us;
	if (s->coding)
		hide(s, coded_lost);
	if (s->hidden)
		return;
	if (s->kind == &messages)
		grpc_gap(&s->call, len, why, time_us);
	else
		gap_in_lines(s, len, why);
}

void http_stream_end(struct http_stream *s)
{
	if (s && s->hidden)
		items_end(s->items, s->item);
	else if (s)
		end_plain(s);
}

void http_stream_give_way(struct http_stream *s)
{
	if (s && s->coding)
		hide(s, coded_memory);
	if (s)
		items_give_way(s->items);
}

size_t http_stream_bytes(const struct http_stream *s)
{
	return s ? sizeof(*s) + s->name.cap + s->id.cap + s->line.cap + s->call.trailers.cap +
			       items_bytes(s->items) + coding_stream_bytes(s->coding)
		 : 0;
}

struct items *http_stream_items(struct http_stream *s)
{
	return s ? s->items : NULL;
}

struct items *http_stream_take_items(struct http_stream *s)
{
	struct items *l = s ? s->items : NULL;

	if (s)
		s->items = NULL;
	return l;
}
