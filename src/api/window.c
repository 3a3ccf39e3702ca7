// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/window.h"

#include "api/page.h"
#include "api/problem.h"
#include "api/request.h"
#include "base/json_write.h"
#include "entry.h"
#include "kfl/kfl.h"

static bool add(void *ctx, const struct entry *e)
{
	struct window *w = ctx;

	if (!w->entries++ || e->timestamp_us < w->first_us)
		w->first_us = e->timestamp_us;
	if (e->timestamp_us > w->last_us)
		w->last_us = e->timestamp_us;
	w->error = w->add(w->ctx, e);
	return !w->error;
}

bool window_scan(struct request *r, const struct kfl *filter, struct window *w)
{
	struct store_query q = {
		.filter = filter,
		.limit = LIMIT_WINDOW,
		.time_limit_ms = LIMIT_WINDOW_MS,
	};
	struct store_page page = { 0 };
	int64_t most = filter ? kfl_limit(filter) : -1;
	bool last = most >= 0 && most <= LIMIT_WINDOW;

	if (last)
		q.limit = (size_t)most;
	if (q.limit && !page_select(r, &q, add, w, &page))
		return false;
	if (w->error) {
		problem_errno(r, w->error);
		return false;
	}
	w->partial = page.next != 0 && !(last && page.count == q.limit);
	return true;
}

void window_put(const struct window *w, struct jw *j)
{
	char from[28], to[28];

	jw_bool(j, "partial", w->partial);
	jw_object(j, "window");
	jw_uint(j, "entries", w->entries);
	if (w->entries) {
		entry_format_time(w->first_us, from);
		entry_format_time(w->last_us, to);
		jw_string(j, "from", from);
		jw_string(j, "to", to);
	}
	jw_end_object(j);
}
