/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exchanges of a connection whose answers come in the order of the requests, without a key. An
 * answer belongs to the first request that waits. Once bytes are missing where messages may have
 * begun, it belongs to nobody (HACKING, "Sessions and dissectors"): a request that was lost may
 * have one, too. That ends when the connection has been quiet after an answer, or with the next
 * request of a client that waited for each of its first LIMIT_ONE_BY_ONE answers.
 */
#ifndef CLEARTAP_IN_ORDER_H
#define CLEARTAP_IN_ORDER_H

#include "dissect/exchange.h"

/* Zero-initialise it; `doubt` where the connection was joined after bytes were lost. */
struct in_order {
	bool doubt;	    /* which answer is whose is not known */
	bool blind;	    /* since answers were lost none has been recognised */
	bool ahead;	    /* a request was sent before the answer to the one before had come */
	bool answered_last; /* the last message was an answer */
	unsigned waited;    /* requests that came after all answers */
	unsigned skip;	    /* answers to come whose requests were told already */
};

/* A request, or an answer, begins. NULL when out of memory. */
struct exchange *in_order_request(struct in_order *o, struct exchanges *l, uint64_t offset,
				  int64_t now);
struct exchange *in_order_answer(struct in_order *o, struct exchanges *l, uint64_t offset,
				 int64_t now);
/* A message that the answering side sends by itself. */
struct exchange *in_order_notice(struct in_order *o, struct exchanges *l, uint64_t offset,
				 int64_t now);
/* Bytes are missing where messages may have begun; an answer that has begun ends, and is gone. */
void in_order_lost(struct in_order *o, struct exchanges *l, enum part part);
/* The connection has been quiet. */
void in_order_quiet(struct in_order *o);

#endif
