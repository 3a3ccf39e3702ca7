// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/param.h"

#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "api/problem.h"
#include "api/request.h"
#include "api/state.h"
#include "kfl/kfl.h"
#include "store/store.h"

bool param_integer(struct request *r, const char *name, int64_t min, int64_t max, int64_t preset,
		   int64_t *ret)
{
	const char *text = request_param(r, name);
	char *end;

	*ret = preset;
	if (!text)
		return true;
	errno = 0;
	long long n = strtoll(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || n < min || n > max) {
		problem(r, MHD_HTTP_BAD_REQUEST, name,
			"%s is a whole number from %" PRId64 " to %" PRId64, name, min, max);
		return false;
	}
	*ret = n;
	return true;
}

bool param_flag(struct request *r, const char *name, bool *ret)
{
	int64_t n;

	if (!param_integer(r, name, 0, 1, 0, &n))
		return false;
	*ret = n;
	return true;
}

bool param_filter(struct request *r, struct kfl **ret)
{
	const char *text = request_param(r, "q");
	struct kfl_error error = { .column = 1, .length = 1 };

	*ret = NULL;
	if (!text || !*text)
		return true;
	int e = store_compile(r->api->store, text, strlen(text), ret, &error);
	if (e == -EINVAL)
		problem_filter(r, &error);
	else if (e)
		problem_errno(r, e);
	return !e;
}
