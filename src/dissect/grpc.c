// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/grpc.h"

#include <string.h>

#include "base/hex.h"
#include "base/limits.h"
#include "dissect/http.h"
#include "entry.h"
#include "items.h"

enum { FLAG_CODED = 1, FLAG_TRAILERS = 0x80 };

#define GRPC_TYPE "application/grpc"

static const char not_ended[] = "ended before it was whole";
static const char after_loss[] = "bytes were lost: messages from here on are not told apart";
static const char no_message[] = "no message of gRPC: what follows is not told apart";

bool grpc_is(const struct message *m)
{
	size_t n = strlen(GRPC_TYPE);

	/* Most types of other things differ in their thirteenth byte. */
	return m && m->content_type.len >= n && (m->content_type.data[12] | 0x20) == 'g' &&
	       !strncasecmp(m->content_type.data, GRPC_TYPE, n) &&
	       (m->content_type.len == n || strchr("+-; ", m->content_type.data[n]));
}

/* The first field of a name; NULL when there is none. */
static struct message_pair *pair_of(const struct message_pairs *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->list[i].name.len && http_is(p->list[i].name, name))
			return &p->list[i];
	return NULL;
}

/* In the trailers, or in the head of an answer that has nothing else. */
static struct message_pair *answer_pair(const struct message *a, const char *name)
{
	struct message_pair *p = a ? pair_of(&a->trailers, name) : NULL;

	return p || !a ? p : pair_of(&a->headers, name);
}

static const char *find_coding(const struct message *m)
{
	static const char *const known[] = { "gzip", "deflate", "br", "zstd" };
	const struct message_pair *coding = pair_of(&m->headers, "grpc-encoding");

	for (size_t i = 0; coding && coding->value.len && i < sizeof(known) / sizeof(*known); i++)
		if (http_is(coding->value, known[i]))
			return known[i];
	return "unknown";
}

static bool has(struct text t, const char *word)
{
	return memmem(t.data, t.len, word, strlen(word)) != NULL;
}

void grpc_begin(struct grpc_reader *g, struct message *m, struct items *items)
{
	struct text rest = m->content_type, type = http_take_until(&rest, ';');
	bool other = memchr(type.data, '+', type.len) && !has(type, "+proto");

	*g = (struct grpc_reader){ .msg = m,
				   .items = items,
				   .type = other ? NULL : "application/x-protobuf",
				   .coding = find_coding(m),
				   .web = has(type, "grpc-web"),
				   .base64 = has(type, "grpc-web-text") };
}

void grpc_free(struct grpc_reader *g)
{
	buf_free(&g->trailers);
}

static struct item *begin_item(struct grpc_reader *g, const char *note, int64_t now)
{
	g->item =
		items_begin(g->items, g->msg->request ? ITEM_CLIENT : ITEM_SERVER, "message", now);
	if (g->item) {
		g->item->note = note;
		g->item->at = g->begin;
	}
	return g->item;
}

static void end_item(struct grpc_reader *g, const char *note)
{
	if (g->item)
		g->item->end = g->lost ? UINT64_MAX : g->pos;
	if (g->item && !g->item->note)
		g->item->note = note;
	items_end(g->items, g->item);
	g->item = NULL;
}

/* All that follows counts as one message of which nothing is kept. */
static void lose(struct grpc_reader *g, const char *note, int64_t now)
{
	end_item(g, after_loss);
	g->begin = g->pos;
	begin_item(g, note, now);
	g->lost = true;
}

/* "name: value\r\n" lines, which are the trailers of HTTP elsewhere. */
static void take_trailers(struct grpc_reader *g)
{
	struct text rest = { g->trailers.data, g->trailers.len };
	struct message_pairs *p = &g->msg->trailers;

	g->ended = p->present = true;
	while (rest.len && p->count < LIMIT_HEADERS) {
		struct text value = http_take_until(&rest, '\n');
		if (value.len && value.data[value.len - 1] == '\r')
			value.len--;
		struct text name = http_trim(http_take_until(&value, ':'));
		value = http_trim(value);
		name = message_text(g->msg, name.data, name.len);
		value = message_text(g->msg, value.data, value.len);
		if (name.data && value.data && name.len)
			message_add_pair(g->msg, p, name, value);
	}
	buf_free(&g->trailers);
}

static void end_frame(struct grpc_reader *g)
{
	if (g->in_trailers && !g->ended)
		take_trailers(g);
	end_item(g, NULL);
	g->have = 0;
}

static void begin_frame(struct grpc_reader *g, int64_t now)
{
	uint8_t flags = g->head[0];

	g->left = (uint32_t)g->head[1] << 24 |
		  (uint32_t)(g->head[2] << 16 | g->head[3] << 8 | g->head[4]);
	g->in_trailers = g->web && flags & FLAG_TRAILERS;
	if (flags & ~(FLAG_CODED | (g->web ? FLAG_TRAILERS : 0))) {
		lose(g, no_message, now);
		return;
	}
	if (!g->in_trailers && begin_item(g, NULL, now)) {
		g->item->type = g->type;
		g->item->coding = flags & FLAG_CODED ? g->coding : NULL;
		g->item->size = GRPC_HEAD;
	}
	if (!g->left)
		end_frame(g);
}

static size_t feed_content(struct grpc_reader *g, const uint8_t *data, size_t len)
{
	size_t n = g->left < len ? g->left : len;

	if (g->in_trailers && !(g->head[0] & FLAG_CODED) && !g->ended &&
	    n <= LIMIT_HEAD_LINE - g->trailers.len)
		buf_put(&g->trailers, data, n);
	if (g->item)
		g->item->size += n;
	items_put(g->items, g->item, data, n);
	g->pos += n;
	g->left -= (uint32_t)n;
	if (!g->left)
		end_frame(g);
	return n;
}

static void feed_bytes(struct grpc_reader *g, const uint8_t *data, size_t len, int64_t now)
{
	while (len && !g->lost) {
		size_t n = 1;
		if (g->have == GRPC_HEAD) {
			n = feed_content(g, data, len);
		} else {
			g->begin = g->have ? g->begin : g->pos;
			g->head[g->have++] = *data;
			g->pos++;
			if (g->have == GRPC_HEAD)
				begin_frame(g, now);
		}
		data += n;
		len -= n;
	}
	if (g->lost && g->item)
		g->item->size += len;
}

static int sextet_of(uint8_t c)
{
	return c >= 'A' && c <= 'Z'   ? c - 'A'
	       : c >= 'a' && c <= 'z' ? c - 'a' + 26
	       : c >= '0' && c <= '9' ? c - '0' + 52
	       : c == '+' || c == '-' ? 62
	       : c == '/' || c == '_' ? 63
				      : -1;
}

/* Each portion that was sent may have padding of its own. */
static void feed_base64(struct grpc_reader *g, const uint8_t *data, size_t len, int64_t now)
{
	uint8_t bytes[512];
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int sextet = sextet_of(data[i]);
		if (sextet < 0) {
			g->sextets = 0;
			continue;
		}
		g->bits = g->bits << 6 | (unsigned)sextet;
		if (++g->sextets > 1)
			bytes[n++] = (uint8_t)(g->bits >> (8 - 2 * g->sextets));
		g->sextets %= 4;
		if (n == sizeof(bytes)) {
			feed_bytes(g, bytes, n, now);
			n = 0;
		}
	}
	feed_bytes(g, bytes, n, now);
}

void grpc_feed(struct grpc_reader *g, const uint8_t *data, size_t len, int64_t now)
{
	(g->base64 ? feed_base64 : feed_bytes)(g, data, len, now);
}

void grpc_gap(struct grpc_reader *g, uint64_t len, enum gap_why why, int64_t now)
{
	bool inside = g->have == GRPC_HEAD && !g->base64 && !g->lost;
	uint64_t n = inside ? (len < g->left ? len : g->left) : 0;

	if (g->lost) {
		if (g->item)
			g->item->size += len;
		return;
	}
	if (n) {
		if (g->item)
			g->item->size += n;
		items_skip(g->item, n, why);
		/* Half a list of trailers may lack what matters. */
		g->ended |= g->in_trailers;
		g->pos += n;
		g->left -= (uint32_t)n;
		if (!g->left)
			end_frame(g);
	}
	if (n < len || !len) {
		lose(g, after_loss, now);
		if (g->item)
			g->item->size += len - n;
	}
}

void grpc_end(struct grpc_reader *g)
{
	end_item(g, not_ended);
}

static const char *const statuses[] = {
	"OK",
	"CANCELLED",
	"UNKNOWN",
	"INVALID_ARGUMENT",
	"DEADLINE_EXCEEDED",
	"NOT_FOUND",
	"ALREADY_EXISTS",
	"PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED",
	"FAILED_PRECONDITION",
	"ABORTED",
	"OUT_OF_RANGE",
	"UNIMPLEMENTED",
	"INTERNAL",
	"UNAVAILABLE",
	"DATA_LOSS",
	"UNAUTHENTICATED",
};

/* What a reset with an error code of HTTP/2 means ("HTTP2 Transport Mapping"). */
static int status_of_reset(uint32_t code)
{
	switch (code) {
	case 7: /* REFUSED_STREAM */
		return 14;
	case 8: /* CANCEL */
		return 1;
	case 11: /* ENHANCE_YOUR_CALM */
		return 8;
	case 12: /* INADEQUATE_SECURITY */
		return 7;
	default:
		return 13;
	}
}

/* A number of at most three digits, -1 for anything else. */
static int read_status(struct text t)
{
	int n = t.len && t.len <= 3 ? 0 : -1;

	for (size_t i = 0; i < t.len && n >= 0; i++)
		n = t.data[i] >= '0' && t.data[i] <= '9' ? 10 * n + t.data[i] - '0' : -1;
	return n;
}

void grpc_fill(struct entry *e, const struct message *q, const struct message *a)
{
	if (!grpc_is(q) && !grpc_is(a))
		return;
	const struct message_pair *told = answer_pair(a, "grpc-status");
	int status = told ? read_status(told->value) : -1;
	uint32_t reset = a && a->reset ? a->reset : q ? q->reset : 0;

	e->protocol = "grpc";
	if (status < 0 && reset)
		status = status_of_reset(reset - 1);
	e->failed = status > 0;
	if (status >= 0) {
		bool named = (size_t)status < sizeof(statuses) / sizeof(*statuses);
		e->status =
			entry_printf(e, "%d %s", status, named ? statuses[status] : "(no name)");
	} else if (e->status_code == 200) {
		e->status = ""; /* that of HTTP says nothing of the call */
	}
}

/* What is percent-encoded is no text to look through for secrets, so the field has it decoded, too.
 */
void grpc_add_members(struct message *a)
{
	struct message_pair *pair = grpc_is(a) ? answer_pair(a, "grpc-message") : NULL;
	struct text t = pair ? pair->value : (struct text){ 0 };
	char *p = t.len ? arena_alloc(&a->arena, t.len) : NULL;
	size_t n = 0;

	for (size_t i = 0; p && i < t.len; i++) {
		int high = t.len - i > 2 ? hex_digit((unsigned char)t.data[i + 1]) : -1;
		int low = t.len - i > 2 ? hex_digit((unsigned char)t.data[i + 2]) : -1;
		bool coded = t.data[i] == '%' && high >= 0 && low >= 0;
		p[n++] = coded ? (char)(high << 4 | low) : t.data[i];
		i += coded ? 2 : 0;
	}
	if (!n)
		return;
	pair->value = (struct text){ p, n };
	message_add_text(a, "grpc_message", pair->value);
}
