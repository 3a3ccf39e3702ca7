/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SMTP inside: one connection, and which command a reply belongs to. */
#ifndef CLEARTAP_SMTP_H
#define CLEARTAP_SMTP_H

#include <stdbool.h>
#include <stdint.h>

#include "dissect/framed.h"
#include "dissect/smtp_text.h"

struct smtp_exchange {
	struct framed_exchange f;
	enum smtp_op op;
	bool unsure;	   /* commands may have been lost before it */
	bool replying;	   /* the reply has more lines */
	bool taking;	   /* the client was told to go on: with the mail, with credentials */
	unsigned answers;  /* that are still to come, where these are more than one */
	uint64_t chunk_at; /* offset of the first byte that belongs to a BDAT */
};

struct smtp {
	struct framed f;
	bool lmtp;
	bool spoken;	  /* a command was seen */
	bool turn;	  /* the server spoke since the client did */
	bool ahead;	  /* the client does not wait for replies */
	bool unsure;	  /* which command is answered next cannot be told */
	bool auth;	  /* the next line of the client is none to be looked at */
	bool mail;	  /* the client's bytes are a mail, until a dot */
	bool may_mail;	  /* or may be: the reply to DATA was lost */
	bool holed;	  /* bytes of it are missing, maybe the dot */
	bool chunk_first; /* the next BDAT begins a mail */
	enum smtp_dot dot;
	unsigned recipients; /* accepted ones, who have a reply each after the mail in LMTP */
};

/* That waits for its reply, the first of its kind. */
struct smtp_exchange *smtp_find(struct smtp *s, enum smtp_op op);
/* That the client was told to go on with. */
struct smtp_exchange *smtp_taking(struct smtp *s, enum smtp_op op);
/* All that wait before `end` (NULL: all) have been answered, and nobody saw it. */
void smtp_settle(struct smtp *s, const struct exchange *end, const char *why);
/* NULL when out of memory. */
struct smtp_exchange *smtp_new(struct smtp *s, enum smtp_op op);
/* The line of a command begins: what does it say of those that wait? */
void smtp_note_command(struct smtp *s);
/* A reply begins: whose is it? NULL when out of memory. */
struct smtp_exchange *smtp_answered(struct smtp *s, int code);
/* A reply begins: if the end of the mail may have been lost, it was. */
void smtp_end_holed_mail(struct smtp *s);

#endif
