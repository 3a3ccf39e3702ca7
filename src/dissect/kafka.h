/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kafka's protocol: what the two files of it share. */
#ifndef CLEARTAP_KAFKA_H
#define CLEARTAP_KAFKA_H

#include "base/unpack.h"
#include "dissect/framed.h"

enum {
	KAFKA_PRODUCE = 0,
	KAFKA_FETCH = 1,
	KAFKA_METADATA = 3,
	KAFKA_SASL_HANDSHAKE = 17,
	KAFKA_API_VERSIONS = 18,
	KAFKA_SASL_AUTHENTICATE = 36
};

/* Where the error code of an answer stands: behind a throttle time from a version on, or so. */
enum { KAFKA_ERROR_FIRST = -1, KAFKA_ERROR_ELSEWHERE = -2 };

struct kafka_api {
	const char *name; /* NULL: there is none of that number */
	int16_t flexible; /* first version with compact lengths */
	int16_t error;	  /* a version, or as above */
	bool group;	  /* the request begins with the name of a group */
};

/* NULL when there is none of that number. */
const struct kafka_api *kafka_api(unsigned key);

struct kafka_exchange {
	struct framed_exchange f; /* first */
	const struct kafka_api *api;
	unsigned key, version;
	bool answered;
	bool sasl; /* a step of a login without a header */
	int error; /* the first of the answer that is not 0 */
};

/* A body being read. */
struct kafka_body {
	struct kafka_exchange *x;
	struct message *msg;
	struct unpack u;
	bool flexible;
	bool one_way; /* of a Produce: no answer is due */
	struct buf topics, text;
	uint64_t records;
};

/* What the request and the answer say; the header was read. */
void kafka_read_request(struct kafka_body *b);
void kafka_read_answer(struct kafka_body *b);
/* Tagged fields, which nothing here needs. */
void kafka_skip_tags(struct unpack *u);
const char *kafka_error_name(int code);

#endif
