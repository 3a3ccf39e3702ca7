// SPDX-License-Identifier: GPL-2.0-or-later
#include "outcome.h"

#include "entry.h"

enum outcome entry_outcome(const struct entry *e)
{
	if (!e->complete && !e->open)
		return OUTCOME_INCOMPLETE;
	if (e->status_code >= 500)
		return OUTCOME_SERVER_ERROR;
	if (e->status_code >= 400)
		return OUTCOME_CLIENT_ERROR;
	return e->failed ? OUTCOME_SERVER_ERROR : OUTCOME_OK;
}

const char *outcome_name(enum outcome o)
{
	static const char *const names[OUTCOMES] = {
		[OUTCOME_OK] = "ok",
		[OUTCOME_CLIENT_ERROR] = "client_error",
		[OUTCOME_SERVER_ERROR] = "server_error",
		[OUTCOME_INCOMPLETE] = "incomplete",
	};

	return names[o];
}
