/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SMTP and LMTP as text (RFC 5321, 3030, 2033): commands, replies, the end and the head of mails.
 */
#ifndef CLEARTAP_SMTP_TEXT_H
#define CLEARTAP_SMTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message.h"

enum smtp_op {
	SMTP_OTHER, /* not known: nothing of it is told, for it may be a password out of place */
	SMTP_GREETING,
	SMTP_EHLO,
	SMTP_HELO,
	SMTP_LHLO,
	SMTP_MAIL,
	SMTP_RCPT,
	SMTP_DATA,
	SMTP_BDAT,
	SMTP_AUTH,
	SMTP_STARTTLS,
	SMTP_RSET,
	SMTP_NOOP,
	SMTP_VRFY,
	SMTP_EXPN,
	SMTP_HELP,
	SMTP_ETRN,
	SMTP_BURL,
	SMTP_QUIT,
	SMTP_OPS
};

/* Of a line with its end. */
enum smtp_op smtp_op(const uint8_t *line, size_t len);
const char *smtp_op_name(enum smtp_op op);
/* What is told of a command, as members. */
void smtp_put_command(struct message *m, enum smtp_op op, const uint8_t *line, size_t len);
/* Bytes that follow a BDAT; *ret_last: the mail ends with them. -EPROTO: no number. */
int64_t smtp_chunk(const uint8_t *line, size_t len, bool *ret_last);
/* The code that a reply begins with; 0: more is needed, -EPROTO: none. */
int smtp_code(const uint8_t *data, size_t len);
/* "2.1.5" (RFC 3463) at the start of the text of a reply with that code; len 0: there is none. */
struct text smtp_enhanced(int code, struct text reply);
/* Is it the name of a mechanism of SASL (RFC 4422)? What is not may be anything. */
bool smtp_is_mechanism(struct text t);
/* The line without its end. */
struct text smtp_line(const uint8_t *line, size_t len);

/* How far the end of a mail, a dot alone in a line, has been seen. */
enum smtp_dot { DOT_LINE, DOT_DOT, DOT_CR, DOT_TEXT, DOT_TEXT_CR };
/*
 * Bytes of the mail, the dot that ends it too; *ret_end: it was among them. What is of the content
 * goes to `out` (NULL: nowhere), without the dots that were put before others.
 */
size_t smtp_mail(enum smtp_dot *dot, const uint8_t *data, size_t len, struct payload *out,
		 bool *ret_end);
/* From, To and Subject of the mail in m's body become members, once. */
void smtp_read_head(struct message *m);

#endif
