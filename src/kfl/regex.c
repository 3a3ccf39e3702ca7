// SPDX-License-Identifier: GPL-2.0-or-later
#include "kfl/regex.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/clock.h"
#include "base/limits.h"

#define REGEX_HEAP_KIB	     8192
#define REGEX_STEPS_PER_BYTE 4

struct regex {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *context;
	uint64_t steps_left;
	int64_t late_ns, start_cpu_ns;
};

/* The cheap clock first; another program may have had the processor meanwhile. */
static bool is_late(struct regex *re)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC_COARSE);

	if (now < re->late_ns)
		return false;
	re->late_ns = now + LIMIT_REGEX_MS * 100000LL;
	return clock_ns(CLOCK_THREAD_CPUTIME_ID) - re->start_cpu_ns > LIMIT_REGEX_MS * 1000000LL;
}

/*
 * PCRE2 counts its match limit anew at each place where a match may begin, which would allow a
 * long text any number of steps. The callouts before the items of the pattern count them all. One
 * item such as [^x]* may pass over all of the text between two callouts, hence the clock.
 */
static int count_step(pcre2_callout_block *block, void *ctx)
{
	struct regex *re = ctx;

	(void)block;
	if (!re->steps_left || is_late(re))
		return PCRE2_ERROR_MATCHLIMIT;
	re->steps_left--;
	return 0;
}

void regex_arm(struct regex *re, size_t len)
{
	re->steps_left = LIMIT_REGEX_STEPS + (uint64_t)len * REGEX_STEPS_PER_BYTE;
	re->late_ns = clock_ns(CLOCK_MONOTONIC_COARSE) + LIMIT_REGEX_MS * 1000000LL;
	re->start_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static int compile(struct regex *re, const char *pattern, size_t len, size_t *ret_offset,
		   char *message, size_t message_size)
{
	const uint32_t options =
		PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
	PCRE2_SIZE offset;
	int code;

	re->code = pcre2_compile((PCRE2_SPTR)pattern, len, options, &code, &offset, NULL);
	if (re->code)
		return 0;
	if (code == PCRE2_ERROR_NOMEMORY)
		return -ENOMEM;
	if (pcre2_get_error_message(code, (PCRE2_UCHAR *)message, message_size) < 0)
		snprintf(message, message_size, "error %d", code);
	*ret_offset = offset;
	return -EINVAL;
}

int regex_new(const char *pattern, size_t len, struct regex **ret, size_t *ret_offset,
	      char *message, size_t message_size)
{
	struct regex *re = calloc(1, sizeof(*re));

	if (!re)
		return -ENOMEM;
	int r = compile(re, pattern, len, ret_offset, message, message_size);
	if (!r) {
		re->data = pcre2_match_data_create(1, NULL);
		re->context = pcre2_match_context_create(NULL);
		r = re->data && re->context ? 0 : -ENOMEM;
	}
	if (r) {
		regex_free(re);
		return r;
	}
	pcre2_set_match_limit(re->context, LIMIT_REGEX_STEPS);
	pcre2_set_heap_limit(re->context, REGEX_HEAP_KIB);
	pcre2_set_callout(re->context, count_step, re);
	*ret = re;
	return 0;
}

void regex_free(struct regex *re)
{
	if (!re)
		return;
	pcre2_match_context_free(re->context);
	pcre2_match_data_free(re->data);
	pcre2_code_free(re->code);
	free(re);
}

int regex_check(const char *pattern, size_t len, size_t *ret_offset, char *message,
		size_t message_size)
{
	struct regex *re;
	int r = regex_new(pattern, len, &re, ret_offset, message, message_size);

	if (!r)
		regex_free(re);
	return r;
}

int regex_match(struct regex *re, const char *text, size_t len)
{
	int r = pcre2_match(re->code, (PCRE2_SPTR)text, len, 0, 0, re->data, re->context);

	if (r >= 0)
		return 1;
	switch (r) {
	case PCRE2_ERROR_NOMATCH:
	case PCRE2_ERROR_PARTIAL:
		return 0;
	case PCRE2_ERROR_NOMEMORY:
		return -ENOMEM;
	default:
		return -E2BIG;
	}
}
