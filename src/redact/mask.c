// SPDX-License-Identifier: GPL-2.0-or-later
#include "redact/mask.h"

#include <errno.h>
#include <string.h>

#include "base/hex.h"
#include "message.h"

#define TOKEN_LOOKED_AT 4096 /* of a secret, what its token depends on, beside its length */

struct masker mask_begin(const char *text, size_t len, const struct siphash_key *key,
			 struct buf *out, struct message_masks *masks)
{
	return (struct masker){ .text = text, .len = len, .key = key, .out = out, .masks = masks };
}

void mask_replace(struct masker *m, size_t start, size_t end, const char *by, size_t by_len)
{
	start = start < m->done ? m->done : start;
	if (end < start)
		return;
	if (!m->changed && !m->error)
		m->error = buf_reserve(m->out, m->len + 64);
	m->changed = true;
	if (!m->error)
		m->error = buf_put(m->out, m->text + m->done, start - m->done);
	if (!m->error)
		m->error = buf_put(m->out, by, by_len);
	m->done = end;
}

/* The secret itself, whether it stands in a URL (%2B, +), in JSON (\") or plain. */
static size_t plain_form(const char *text, size_t len, char out[static TOKEN_LOOKED_AT])
{
	size_t n = 0;

	for (size_t i = 0; i < len && n < TOKEN_LOOKED_AT; i++) {
		char c = text[i];
		if (c == '\\')
			continue;
		if (c == '%' && len - i > 2 && hex_digit((unsigned char)text[i + 1]) >= 0 &&
		    hex_digit((unsigned char)text[i + 2]) >= 0) {
			c = (char)(hex_digit((unsigned char)text[i + 1]) << 4 |
				   hex_digit((unsigned char)text[i + 2]));
			i += 2;
		}
		out[n++] = c == '+' ? ' ' : c;
	}
	return n;
}

static bool is_plain(const char *text, size_t len)
{
	bool plain = true;

	for (size_t i = 0; i < len && i < TOKEN_LOOKED_AT; i++)
		plain &= text[i] != '\\' && text[i] != '%' && text[i] != '+';
	return plain;
}

void mask_token(const struct siphash_key *key, const char *secret, size_t len,
		char out[static MASK_SIZE])
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	char plain[TOKEN_LOOKED_AT];

	if (!is_plain(secret, len)) {
		len = plain_form(secret, len, plain);
		secret = plain;
	}
	uint64_t hash = siphash(key, secret, len < TOKEN_LOOKED_AT ? len : TOKEN_LOOKED_AT);

	memcpy(out, MASK, strlen(MASK));
	for (size_t i = strlen(MASK); i < MASK_SIZE; i++, hash >>= 5)
		out[i] = digits[hash & 31];
}

/* It stands for a secret already: of a dissector that masks what it renders. */
static bool is_mask(const char *text, size_t len, size_t quotes)
{
	size_t bare = strlen(MASK);

	if (len > 2 * quotes) {
		text += quotes;
		len -= 2 * quotes;
	}
	return (len == bare || len == MASK_SIZE) && !memcmp(text, MASK, bare);
}

void mask_quoted(struct masker *m, size_t start, size_t end, const char *quote, const char *kind,
		 const char *name)
{
	char by[MASK_SIZE + 64];
	size_t q = quote ? strlen(quote) : 0, len = 0;

	start = start < m->done ? m->done : start;
	if (end < start || is_mask(m->text + start, end - start, q))
		return;
	m->work += WORK_MASK;
	q = q < 30 ? q : 30;
	if (q)
		memcpy(by, quote, q);
	mask_token(m->key, m->text + start, end - start, by + q);
	len = q + MASK_SIZE;
	if (q)
		memcpy(by + len, quote, q);
	mask_replace(m, start, end, by, len + q);
	mask_hit(m, kind, name);
}

void mask_value(struct masker *m, size_t start, size_t end, const char *kind, const char *name)
{
	mask_quoted(m, start, end, NULL, kind, name);
}

void mask_hit(struct masker *m, const char *kind, const char *name)
{
	if (!m->masks || m->error || (m->last_kind == kind && m->last_name == name))
		return;
	m->last_kind = kind;
	m->last_name = name;
	for (size_t i = 0; i < m->masks->count; i++)
		if (m->masks->list[i].kind == kind && m->masks->list[i].name == name)
			return;
	m->error = message_masks_add(m->masks, kind, name);
}

int mask_end(struct masker *m)
{
	if (m->changed && !m->error)
		m->error = buf_put(m->out, m->text + m->done, m->len - m->done);
	return m->error;
}
