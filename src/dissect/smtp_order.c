// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which command a reply belongs to: replies come in the order of the commands. After bytes were
 * lost they are told by themselves until the order is certain again: the client goes on after the
 * server spoke, only one command is answered so, or there is silence. A client that has been seen
 * to go on while a reply was still to come proves nothing by that.
 */
#include <stddef.h>

#include "dissect/smtp.h"

static const char untold_answer[] = "which answer belongs to it cannot be told: bytes were lost";
static const char untold_request[] = "which request it answers cannot be told: bytes were lost";
static const char lost_answer[] = "its answer was lost";
static const char lost_command[] = "its command was not seen";

static struct smtp_exchange *waiting(struct smtp *s)
{
	return (struct smtp_exchange *)exchange_find(&s->f.l, 0);
}

static bool waits(const struct exchange *x)
{
	return !x->key && !x->done[PART_RESPONSE] && !x->alone;
}

struct smtp_exchange *smtp_find(struct smtp *s, enum smtp_op op)
{
	struct exchange *x = s->f.l.head;

	while (x && (!waits(x) || ((struct smtp_exchange *)x)->op != op))
		x = x->next;
	return (struct smtp_exchange *)x;
}

struct smtp_exchange *smtp_taking(struct smtp *s, enum smtp_op op)
{
	struct exchange *x = s->f.l.head;

	while (x && (x->key || ((struct smtp_exchange *)x)->op != op ||
		     !((struct smtp_exchange *)x)->taking))
		x = x->next;
	return (struct smtp_exchange *)x;
}

void smtp_settle(struct smtp *s, const struct exchange *end, const char *why)
{
	for (struct exchange *x = s->f.l.head, *next; x && x != end; x = next) {
		next = x->next;
		if (!waits(x))
			continue;
		x->done[PART_REQUEST] |= x->message[PART_REQUEST] != NULL;
		exchange_leave_alone(&s->f.l, x, why);
	}
	s->unsure = false;
}

struct smtp_exchange *smtp_new(struct smtp *s, enum smtp_op op)
{
	struct smtp_exchange *x = (struct smtp_exchange *)framed_new(&s->f, 0);

	if (!x)
		return NULL;
	x->op = op;
	x->unsure = s->unsure;
	x->answers = 1;
	return x;
}

void smtp_note_command(struct smtp *s)
{
	if (s->turn && s->unsure && !s->ahead)
		smtp_settle(s, NULL, lost_answer);
	else if (s->turn && !s->unsure && waiting(s))
		s->ahead = true;
	s->turn = false;
	s->spoken = true;
}

/* After lost bytes: whom can a reply with this code be for alone? */
static struct smtp_exchange *proven(struct smtp *s, int code)
{
	if (code == 354)
		return smtp_find(s, SMTP_DATA);
	if (code == 334 || code == 235)
		return smtp_find(s, SMTP_AUTH);
	return code == 221 ? smtp_find(s, SMTP_QUIT) : NULL;
}

static bool is_unsure(const struct smtp *s, const struct smtp_exchange *x)
{
	return x->unsure || x->f.missed[!s->f.client];
}

/* No command that waits can be the one that is answered. */
static void leave_untold(struct smtp *s)
{
	for (struct exchange *x = s->f.l.head, *next; x; x = next) {
		enum smtp_op op = ((struct smtp_exchange *)x)->op;
		next = x->next;
		if (waits(x) && op != SMTP_DATA && op != SMTP_AUTH && op != SMTP_QUIT)
			exchange_leave_alone(&s->f.l, x, untold_answer);
	}
}

struct smtp_exchange *smtp_answered(struct smtp *s, int code)
{
	struct smtp_exchange *x = waiting(s), *by_code = proven(s, code);
	bool lost = s->unsure || (x && is_unsure(s, x));

	if (by_code && (lost || code == 354 || code == 334)) {
		if (by_code != x)
			smtp_settle(s, &by_code->f.x, lost ? lost_answer : untold_answer);
		by_code->unsure = by_code->f.missed[0] = by_code->f.missed[1] = false;
		s->unsure = false;
		return by_code;
	}
	if (x && is_unsure(s, x)) {
		leave_untold(s);
		x = NULL;
	} else if (x && code != 354 && code != 334) {
		return x;
	}
	enum smtp_op op = code == 354 ? SMTP_DATA : code == 334 ? SMTP_AUTH : SMTP_OTHER;
	bool greets = !s->spoken && !op && !s->f.l.count && (code == 220 || code == 554);
	x = smtp_new(s, greets ? SMTP_GREETING : op);
	if (!x)
		return NULL;
	x->f.alone = lost ? untold_request : "the request was not seen";
	if (greets || code == 421)
		x->f.alone = NULL;
	if (op)
		exchange_fault(&x->f.x, lost_command);
	return x;
}

void smtp_end_holed_mail(struct smtp *s)
{
	struct smtp_exchange *x = s->mail && s->holed ? smtp_taking(s, SMTP_DATA) : NULL;

	if (!x)
		return;
	s->mail = false;
	if (x->f.x.message[PART_REQUEST])
		smtp_read_head(x->f.x.message[PART_REQUEST]);
	exchange_end_part(&s->f.l, &x->f.x, PART_REQUEST,
			  x->f.x.message[PART_REQUEST] ? x->f.x.part[PART_REQUEST].last_us : 0);
}
