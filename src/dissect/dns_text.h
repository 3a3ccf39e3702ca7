/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A DNS message (RFC 1035 section 4) as text, in the manner of master files. */
#ifndef CLEARTAP_DNS_TEXT_H
#define CLEARTAP_DNS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define DNS_HEADER 12

struct dns_message {
	const uint8_t *data; /* without the length before it */
	size_t len;
	uint16_t id, flags;
	uint16_t count[4]; /* questions, answers, authority, additional */
	uint16_t type;	   /* of the first question */
	char name[1024];   /* of the first question, "example.com", escaped as RFC 1035 has it */
	size_t at;	   /* where the records begin */
};

static inline bool dns_is_answer(const struct dns_message *m)
{
	return m->flags >> 15;
}

/* The header and the questions. 0, or -EPROTO when this is no DNS message. */
int dns_read(const uint8_t *data, size_t len, struct dns_message *ret);
/*
 * Append a line for each record, as far as `limit` bytes of output go. -EPROTO where a record is
 * broken: those before it are there. *ret_soa: how many are SOA; NULL: no interest.
 */
int dns_put_records(const struct dns_message *m, size_t limit, struct buf *out, unsigned *ret_soa);
/* "A", "AAAA", ..., else "TYPE123". out holds at least 16 bytes. */
const char *dns_type_name(uint16_t type, char out[static 16]);
/* "NOERROR", "NXDOMAIN", ..., else "RCODE17". */
const char *dns_status_name(const struct dns_message *m, char out[static 16]);

#endif
