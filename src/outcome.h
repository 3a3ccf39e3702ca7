/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How an exchange ended, decided here for all: the tally of the store, histograms, the flag `error`
 * of KFL (whose SQL says the same, test_store_filter.c compares them), connections, map and page.
 */
#ifndef CLEARTAP_OUTCOME_H
#define CLEARTAP_OUTCOME_H

#include <stdbool.h>

struct entry;

enum outcome {
	OUTCOME_OK,
	OUTCOME_CLIENT_ERROR, /* 4xx */
	OUTCOME_SERVER_ERROR, /* 5xx, and failures of other protocols */
	OUTCOME_INCOMPLETE,
	OUTCOMES,
};

/*
 * What goes on is not incomplete: it counts by its status, and as OUTCOME_OK while it has none.
 * When its last version comes, or it is closed without one, it moves to what that says.
 */
enum outcome entry_outcome(const struct entry *e);
/* "ok", "client_error", "server_error", "incomplete". */
const char *outcome_name(enum outcome o);
/* Anything but OUTCOME_OK. */
static inline bool outcome_is_error(enum outcome o)
{
	return o != OUTCOME_OK;
}

#endif
