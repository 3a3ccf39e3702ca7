/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LDAP messages (RFC 4511) as text: BER, filters (RFC 4515), entries in the manner of LDIF. */
#ifndef CLEARTAP_LDAP_TEXT_H
#define CLEARTAP_LDAP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

/* [APPLICATION n], with the bit that tells of parts. */
enum ldap_op {
	LDAP_BIND = 0x60,
	LDAP_BIND_DONE = 0x61,
	LDAP_UNBIND = 0x42,
	LDAP_SEARCH = 0x63,
	LDAP_SEARCH_ENTRY = 0x64,
	LDAP_SEARCH_DONE = 0x65,
	LDAP_SEARCH_REFERENCE = 0x73,
	LDAP_MODIFY = 0x66,
	LDAP_MODIFY_DONE = 0x67,
	LDAP_ADD = 0x68,
	LDAP_ADD_DONE = 0x69,
	LDAP_DELETE = 0x4a,
	LDAP_DELETE_DONE = 0x6b,
	LDAP_RENAME = 0x6c,
	LDAP_RENAME_DONE = 0x6d,
	LDAP_COMPARE = 0x6e,
	LDAP_COMPARE_DONE = 0x6f,
	LDAP_ABANDON = 0x50,
	LDAP_EXTENDED = 0x77,
	LDAP_EXTENDED_DONE = 0x78,
	LDAP_INTERMEDIATE = 0x79,
};

/* Bytes that are left of a value; past `end` it may go on where the message is cut off. */
struct ber {
	const uint8_t *at, *end;
};

/*
 * The head of the message that begins with data: its bytes in all; 0: more are needed; -EPROTO:
 * none begins here. *ret_id and *ret_op are set when it is more than 0.
 */
int64_t ldap_head(const uint8_t *data, size_t len, uint32_t *ret_id, uint8_t *ret_op);
/* What is in the operation of a message whose head is right. */
struct ber ldap_body(const uint8_t *data, size_t len);

/* "search", "bind", ...; NULL: no operation that a client sends. */
const char *ldap_request_name(uint8_t op);
/* The operation whose answer this is part of, 0: none; *ret_last: nothing comes after it. */
uint8_t ldap_answers(uint8_t op, bool *ret_last);

/* What a request says: the name it is about and, of a search, the filter. Appends to the bufs; the
 * text never holds a password. */
void ldap_put_request(uint8_t op, struct ber body, struct buf *dn, struct buf *filter,
		      struct buf *text);
/* What part of an answer says; *ret_code is its result, -1: none. *ret_message is borrowed. */
void ldap_put_answer(uint8_t op, struct ber body, struct buf *text, int *ret_code,
		     struct text *ret_message);
/* "success", "noSuchObject", ...; out holds at least 16 bytes. */
const char *ldap_result_name(int code, char out[static 16]);
bool ldap_result_failed(int code);

#endif
