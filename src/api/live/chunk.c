// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/live/chunk.h"

#include <stdlib.h>

struct chunk *chunk_new(int64_t after, int64_t before, bool updates)
{
	struct chunk *c = calloc(1, sizeof(*c));

	if (c)
		*c = (struct chunk){
			.refs = 1, .after = after, .before = before, .updates = updates
		};
	return c;
}

const struct mark *chunk_marks(const struct chunk *c)
{
	return (const struct mark *)c->marks.data;
}

int chunk_end_event(struct chunk *c, int64_t id)
{
	const struct mark m = { id, c->text.len };

	c->events++;
	return buf_put(&c->marks, &m, sizeof(m));
}

void chunk_put(struct chunk *c)
{
	if (!c || --c->refs)
		return;
	buf_free(&c->text);
	buf_free(&c->marks);
	free(c);
}
