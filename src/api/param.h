/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parameters of a request as values. */
#ifndef CLEARTAP_API_PARAM_H
#define CLEARTAP_API_PARAM_H

#include <stdbool.h>
#include <stdint.h>

struct kfl;
struct request;

/*
 * A whole number from min to max, `preset` without the parameter. False when it is neither: the
 * answer is then made.
 */
bool param_integer(struct request *r, const char *name, int64_t min, int64_t max, int64_t preset,
		   int64_t *ret);
/* 0 or 1. */
bool param_flag(struct request *r, const char *name, bool *ret);
/* The filter in ?q=, NULL without one. The caller frees it. False: the answer is made. */
bool param_filter(struct request *r, struct kfl **ret);

#endif
