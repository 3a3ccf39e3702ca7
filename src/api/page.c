// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/page.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "api/hide.h"
#include "api/problem.h"
#include "api/param.h"
#include "api/request.h"
#include "api/state.h"
#include "kfl/kfl.h"

bool page_select(struct request *r, const struct store_query *q, store_row_fn *row, void *ctx,
		 struct store_page *ret)
{
	char error[256] = "";
	int e = store_select(r->api->store, q, row, ctx, ret, error, sizeof(error));

	if (e)
		problem_store(r, e, error);
	return !e;
}

/* The entry that {id} names, with its payload; NULL: there is none and the answer is made. */
static struct entry *find_entry(struct request *r)
{
	struct entry *e = NULL;
	char *end;

	errno = 0;
	int64_t id = strtoll(r->id, &end, 10);
	if (r->id[0] < '0' || r->id[0] > '9' || *end || errno || !id) {
		problem(r, MHD_HTTP_BAD_REQUEST, "id",
			"the id of an entry is a whole number from 1");
		return NULL;
	}
	int error = store_get(r->api->store, id, &e);
	if (error == -ENOENT)
		problem(r, MHD_HTTP_NOT_FOUND, "id",
			"there is no entry %s; it was never there, or made room for newer ones",
			r->id);
	else if (error)
		problem_errno(r, error);
	return error ? NULL : e;
}

bool page_masked(struct request *r, struct entry **ret_entry, struct hidden *ret)
{
	struct kfl *filter;

	*ret_entry = NULL;
	*ret = (struct hidden){ 0 };
	if (!param_filter(r, &filter))
		return false;
	*ret_entry = find_entry(r);
	int error = *ret_entry ? hide_whole(*ret_entry, filter, ret) : 0;
	if (error)
		problem_errno(r, error);
	kfl_free(filter);
	return *ret_entry && !error;
}
