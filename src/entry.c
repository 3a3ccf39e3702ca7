// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json_write.h"
#include "base/utf8.h"
#include "items.h"
#include "message.h"

#define ENTRY_BLOCK_SIZE 1000 /* with its head, what malloc() is quick with */
#define ENTRY_PRINTF_MAX 512

struct entry_block {
	struct entry_block *next;
	size_t used, size;
	char data[];
};

#define EMPTY_ID      0
#define EMPTY_TEXT    ""
#define EMPTY_WORD    "unknown"
#define EMPTY_PAIRS   ""
#define EMPTY_I64     0
#define EMPTY_I32     0
#define EMPTY_U16     0
#define EMPTY_ELAPSED -1
#define EMPTY_TIME    0
#define EMPTY_BOOL    false
#define EMPTY_LOCK    LOCK_NONE

static const struct entry empty = {
#define FIELD(kind, place, member, ...) .member = EMPTY_##kind,
#define END(kind, member_, ...)		.SIDE.member_ = EMPTY_##kind,
#include "entry.def"
};

struct entry *entry_new(void)
{
	struct entry *e = malloc(sizeof(*e));

	if (!e)
		return NULL;
	*e = empty;
	return e;
}

void entry_free(struct entry *e)
{
	if (!e)
		return;
	for (struct entry_block *b = e->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	message_free(e->message[0]);
	message_free(e->message[1]);
	items_free(e->items);
	buf_free(&e->detail);
	buf_free(&e->request_body);
	buf_free(&e->response_body);
	free(e);
}

void entry_drop_bodies(struct entry *e, const char *reason)
{
	e->truncated_bytes += (int64_t)(e->request_body.len + e->response_body.len);
	e->complete = false;
	e->reason = reason;
	buf_free(&e->request_body);
	buf_free(&e->response_body);
	items_omit(e->items);
}

size_t entry_bytes(const struct entry *e)
{
	size_t n = sizeof(*e) + e->detail.cap + e->request_body.cap + e->response_body.cap +
		   items_bytes(e->items);

	for (const struct entry_block *b = e->blocks; b; b = b->next)
		n += sizeof(*b) + b->size;
	for (int i = 0; i < 2; i++)
		n += e->message[i] ? message_bytes(e->message[i]) : 0;
	return n;
}

static char *entry_alloc(struct entry *e, size_t n)
{
	struct entry_block *b = e->blocks;

	if (!b || b->size - b->used < n) {
		size_t size = n > ENTRY_BLOCK_SIZE ? n : ENTRY_BLOCK_SIZE;
		b = malloc(sizeof(*b) + size);
		if (!b)
			return NULL;
		*b = (struct entry_block){ .next = e->blocks, .size = size };
		e->blocks = b;
	}
	b->used += n;
	return b->data + b->used - n;
}

/* Copy text with bytes that are no text replaced; the length of the copy. out NULL only counts. */
static size_t clean_copy(char *out, const unsigned char *p, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len;) {
		size_t u = p[i] ? utf8_length(p + i, len - i) : 0;
		if (out)
			memcpy(out + n, u ? (const char *)p + i : "\xef\xbf\xbd", u ? u : 3);
		n += u ? u : 3;
		i += u ? u : 1;
	}
	return n;
}

/* ASCII without NULs needs no cleaning. */
static bool is_plain(const unsigned char *p, size_t len)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t bad = 0, v;
	size_t i = 0;

	for (; len - i >= 8; i += 8) {
		memcpy(&v, p + i, 8);
		bad |= (v | (v - ones)) & 0x80 * ones;
	}
	for (; i < len; i++)
		bad |= (p[i] & 0x80) | !p[i];
	return !bad;
}

const char *entry_text(struct entry *e, const void *text, size_t len)
{
	if (!len)
		return "";
	bool plain = is_plain(text, len);
	size_t n = plain ? len : clean_copy(NULL, text, len);
	char *out = entry_alloc(e, n + 1);
	if (!out)
		return "";
	if (plain)
		memcpy(out, text, len);
	else
		clean_copy(out, text, len);
	out[n] = '\0';
	return out;
}

const char *entry_printf(struct entry *e, const char *fmt, ...)
{
	char text[ENTRY_PRINTF_MAX];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return "";
	return entry_text(e, text, n < ENTRY_PRINTF_MAX ? (size_t)n : ENTRY_PRINTF_MAX - 1);
}

void entry_format_time(int64_t us, char out[static 28])
{
	time_t s = (time_t)(us / 1000000);
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(out, 20, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + 19, 9, ".%06uZ", (unsigned)(us % 1000000) % 1000000);
}

static void put_elapsed(struct jw *j, const char *name, int64_t us)
{
	if (us < 0)
		jw_null(j, name);
	else
		jw_int(j, name, us);
}

static void put_time(struct jw *j, const char *name, int64_t us)
{
	char time[28];

	entry_format_time(us, time);
	jw_string(j, name, time);
}

void entry_put_lock(struct jw *j, const char *name, enum lock lock)
{
	static const char *const names[] = { "none", "open", "closed" };

	jw_string(j, name, names[lock]);
}

#define PUT_ID	    jw_int
#define PUT_TEXT    jw_string
#define PUT_WORD    jw_string
#define PUT_PAIRS   jw_string
#define PUT_I64	    jw_int
#define PUT_I32	    jw_int
#define PUT_U16	    jw_int
#define PUT_ELAPSED put_elapsed
#define PUT_TIME    put_time
#define PUT_BOOL    jw_bool
#define PUT_LOCK    entry_put_lock

/* clang-format off */
void entry_put_end(struct jw *j, const char *name, const struct endpoint *p)
{
	jw_object(j, name);
#define END(kind, member, ...) PUT_##kind(j, #member, p->member);
#define LATER_END(type, member, ...) jw_string(j, #member, "");
#define DERIVED(...)
#define LATER(...)
#include "endpoint.def"
#undef END
#undef LATER_END
#undef DERIVED
#undef LATER
	jw_end_object(j);
}

#define SET_TEXT(value) (*(value))
#define SET_I64(value)	(value)
#define SET_BOOL(value) (value)
#define PLACE_TOP(kind, name, value) PUT_##kind(j, name, value);
#define PLACE_SET(kind, name, value)							\
	if (SET_##kind(value))								\
		PUT_##kind(j, name, value);
#define PLACE_NONE(kind, name, value)

void entry_put_members(struct jw *j, const struct entry *e)
{
#define FIELD(kind, place, member, column, ...)						\
	PLACE_##place(kind, column, e->member)
#include "entry.def"
	entry_put_end(j, "src", &e->src);
	entry_put_end(j, "dst", &e->dst);
}
/* clang-format on */

int entry_put_json(const struct entry *e, struct buf *out)
{
	struct jw j = jw_begin(out);

	jw_object(&j, NULL);
	entry_put_members(&j, e);
	jw_end_object(&j);
	return jw_done(&j);
}
