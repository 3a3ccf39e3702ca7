// SPDX-License-Identifier: GPL-2.0-or-later
/* application/x-www-form-urlencoded (URL Standard, 5.1): a map of names and values. */
#include <string.h>

#include "base/percent.h"
#include "body/body_walk.h"

/* Both parts go to w->joined, one after the other. */
static bool put_pair(struct body_walk *w, size_t start, size_t end)
{
	const char *pair = (const char *)w->data + start, *equals = memchr(pair, '=', end - start);
	size_t name_len = equals ? (size_t)(equals - pair) : end - start;
	size_t value_at = equals ? name_len + 1 : name_len, value_len = end - start - value_at;
	struct body_node n = { .kind = BODY_TEXT,
			       .type = "field",
			       .start = start,
			       .head_end = start + value_at,
			       .end = end };

	buf_reset(&w->joined);
	if (buf_reserve(&w->joined, end - start + 1))
		return body_cut(w, "out of memory", start);
	n.name = (struct text){ w->joined.data, percent_decode(w->joined.data, pair, name_len) };
	n.text.data = w->joined.data + n.name.len;
	n.text.len = percent_decode(w->joined.data + n.name.len, pair + value_at, value_len);
	w->work += end - start;
	return body_leaf(w, &n);
}

void form_walk(struct body_walk *w)
{
	static const struct body_node form = { .kind = BODY_MAP, .type = "form" };
	bool good = body_open(w, &form);

	for (size_t at = 0; good && at < w->len;) {
		const uint8_t *and = memchr(w->data + at, '&', w->len - at);
		size_t end = and? (size_t)(and-w->data) : w->len;
		if (end > at)
			good = put_pair(w, at, end);
		at = end + 1;
	}
	if (w->nodes)
		body_close(w, w->len);
	buf_free(&w->joined);
}
