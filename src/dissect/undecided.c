// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/undecided.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/account.h"
#include "base/limits.h"

static size_t bytes_of(const struct undecided *w)
{
	return sizeof(*w) + w->bytes.cap + w->probe[0].cap + w->probe[1].cap;
}

struct undecided *undecided_new(size_t *account)
{
	struct undecided *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->account = account;
	account_change(account, 0, bytes_of(w));
	return w;
}

void undecided_free(struct undecided *w)
{
	if (!w)
		return;
	account_change(w->account, bytes_of(w), 0);
	buf_free(&w->bytes);
	buf_free(&w->probe[0]);
	buf_free(&w->probe[1]);
	free(w);
}

static struct stretch *last_stretch(struct undecided *w, enum dir dir, bool missing)
{
	struct stretch *s = w->count ? &w->stretches[w->count - 1] : NULL;

	return s && s->dir == dir && s->missing == missing ? s : NULL;
}

int undecided_add(struct undecided *w, const struct stretch *next, const uint8_t *data)
{
	struct stretch *s = last_stretch(w, next->dir, next->missing);
	size_t bytes = next->missing ? 0 : next->len;

	if (s && next->missing && s->why != next->why)
		s = NULL;
	/* What came at other times is told so, as long as there is room. */
	if (s && s->last_us != next->first_us && w->count < STRETCHES_MAX / 2)
		s = NULL;
	if (!s && w->count == STRETCHES_MAX)
		return -E2BIG;
	size_t before = bytes_of(w);
	int r = buf_reserve(&w->bytes, bytes) || buf_reserve(&w->probe[next->dir], bytes) ? -ENOMEM
											  : 0;
	account_change(w->account, before, bytes_of(w));
	if (r)
		return r;
	if (s) {
		s->len += next->len;
		s->last_us = next->last_us;
	} else {
		w->stretches[w->count++] = *next;
	}
	buf_put(&w->bytes, data, bytes);
	buf_put(&w->probe[next->dir], data, bytes);
	return 0;
}

bool undecided_worth_asking(const struct undecided *w, enum dir dir, const uint8_t *data,
			    size_t len)
{
	return w->probe[dir].len < 16 || w->probe[dir].len >= 2 * w->probed[dir] ||
	       w->probe[dir].len >= LIMIT_PROBE_BYTES || memchr(data, '\n', len);
}
