// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/in_order.h"

#include "base/limits.h"

static const char no_answer[] = "which answer is its own cannot be told: bytes were lost";
static const char no_request[] = "which request it answers cannot be told: bytes were lost";

static struct exchange *begin(struct exchange *x, enum part part, uint64_t offset, int64_t now)
{
	return x && !exchange_begin_part(x, part, offset, now) ? x : NULL;
}

/* None that wait will be answered, as far as anybody can tell. */
static void leave_waiting(struct exchanges *l)
{
	for (struct exchange *x = l->head, *next; x; x = next) {
		next = x->next;
		if (!x->alone && !x->message[PART_RESPONSE])
			exchange_leave_alone(l, x, no_answer);
	}
}

/* Answers that have begun end here, but for one that goes on for good without being waited for. */
static void end_answers(struct exchanges *l)
{
	for (struct exchange *x = l->head, *next; x; x = next) {
		next = x->next;
		if (x->message[PART_RESPONSE] && !x->done[PART_RESPONSE] &&
		    !(x->alone && x->message[PART_REQUEST]))
			exchange_end_part(l, x, PART_RESPONSE, x->message[PART_RESPONSE]->end_us);
	}
}

/*
 * When LIMIT_PIPELINE wait, the first whose answer has not begun is told as it is, and its answer
 * will be told by itself: those behind it keep their places.
 */
static struct exchange *add(struct in_order *o, struct exchanges *l)
{
	struct exchange *x = l->count < LIMIT_PIPELINE ? NULL : l->head;

	while (x && (x->alone || x->message[PART_RESPONSE]))
		x = x->next;
	if (x) {
		o->skip++;
		exchange_fault(x, "too many others waited for an answer");
		exchange_tell(l, x);
	}
	return exchange_new(l);
}

struct exchange *in_order_request(struct in_order *o, struct exchanges *l, uint64_t offset,
				  int64_t now)
{
	bool waits = !o->ahead && o->waited >= LIMIT_ONE_BY_ONE;

	if (waits && (o->doubt || o->blind)) {
		leave_waiting(l);
		o->doubt = false;
	}
	if (exchange_waiting(l))
		o->ahead = true;
	else if (!o->ahead && !o->doubt)
		o->waited++;
	o->answered_last = false;
	struct exchange *x = begin(add(o, l), PART_REQUEST, offset, now);
	if (x && o->doubt)
		exchange_leave_alone(l, x, no_answer);
	return x;
}

struct exchange *in_order_answer(struct in_order *o, struct exchanges *l, uint64_t offset,
				 int64_t now)
{
	struct exchange *x = o->skip ? NULL : exchange_waiting(l);
	const char *why = o->skip    ? "its request was told before: too many others waited"
			  : o->doubt ? no_request
				     : "the request was not seen";

	o->answered_last = true;
	o->blind = false;
	if (x)
		return begin(x, PART_RESPONSE, offset, now);
	o->skip -= o->skip > 0;
	x = begin(add(o, l), PART_RESPONSE, offset, now);
	if (x)
		exchange_leave_alone(l, x, why);
	return x;
}

struct exchange *in_order_notice(struct in_order *o, struct exchanges *l, uint64_t offset,
				 int64_t now)
{
	struct exchange *x = begin(add(o, l), PART_RESPONSE, offset, now);

	if (x)
		exchange_leave_alone(l, x, NULL);
	return x;
}

void in_order_lost(struct in_order *o, struct exchanges *l, enum part part)
{
	/* What waits is answered next, unless its answers may be what is missing. */
	if (part == PART_RESPONSE) {
		leave_waiting(l);
		end_answers(l);
		o->skip = 0;
		o->blind = true;
	} else {
		o->answered_last = false;
	}
	o->doubt = true;
}

void in_order_quiet(struct in_order *o)
{
	if (o->answered_last && !o->blind)
		o->doubt = false;
}
