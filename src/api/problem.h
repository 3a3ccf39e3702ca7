/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors as RFC 9457 problem details. */
#ifndef CLEARTAP_API_PROBLEM_H
#define CLEARTAP_API_PROBLEM_H

struct kfl_error;
struct request;

/* Answer with a status and a sentence; parameter: which one is to blame, NULL none. */
void problem(struct request *r, unsigned status, const char *parameter, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* 400 for ?q=, with the place of the error. */
void problem_filter(struct request *r, const struct kfl_error *error);
/* 500 or 503 for -errno. */
void problem_errno(struct request *r, int error);
/* For a store that could not answer, with its sentence: 400 when the filter is to blame, else 500.
 */
void problem_store(struct request *r, int error, const char *sentence);

#endif
