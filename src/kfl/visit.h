/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Going down a checked tree. visit_condition() and visit_value() find out which case a node is, the
 * same for every store; the operations say it in the language of one, and go further down by the
 * same functions. `negate` asks for the opposite, so that "not" costs no index.
 */
#ifndef CLEARTAP_KFL_VISIT_H
#define CLEARTAP_KFL_VISIT_H

#include "kfl/tree.h"

struct visitor {
	const struct visit_ops *ops;
};

/* Shorter below: what all operations begin with. */
#define VISIT struct visitor *v, const struct node *

struct visit_ops {
	/* Around each value, and each condition that is no chain, choice or exists(). */
	void (*enter)(VISIT n, bool condition);
	void (*leave)(struct visitor *v, bool condition);

	/* Conditions. */
	void (*chain)(VISIT n, bool negate); /* NODE_AND, NODE_OR */
	void (*constant)(struct visitor *v, bool yes);
	void (*flag)(VISIT n, bool negate);
	void (*truth)(VISIT n, bool negate);   /* a list, map or JSON: is there anything? */
	void (*missing)(VISIT n, bool negate); /* of what is not TYPE_BOOL: == nil */
	void (*regex)(VISIT x, struct text pattern, bool negate);
	void (*networks)(VISIT x, struct text networks, bool negate);
	/* Both types are known and go together; nothing is left to negate. */
	void (*compare)(VISIT a, enum token_kind op, const struct node *b);
	/* The left is known only when it runs. */
	void (*compare_dynamic)(VISIT a, enum token_kind op, const struct node *b, bool negate);
	/* Text of a status with a number. */
	void (*compare_numeric)(VISIT text, enum token_kind op, const struct node *number,
				bool negate);
	void (*in_list)(VISIT a, const struct node *list, bool negate);
	void (*in_map)(VISIT name, const struct node *map, bool negate);
	void (*text_test)(VISIT n, bool negate); /* contains(), startsWith(), endsWith() */
	void (*exists)(VISIT n, bool negate);	 /* with a condition; n->integer numbers it */
	void (*choose)(VISIT n, bool negate);	 /* NODE_CHOOSE, as a condition */

	/* Values. */
	void (*truth_value)(VISIT n); /* TYPE_BOOL */
	void (*literal)(VISIT n);     /* a number or text */
	void (*list)(VISIT n);
	void (*variable)(VISIT n); /* of an exists() */
	void (*path)(VISIT n);	   /* a field, or steps into one or into a value */
	void (*arithmetic)(VISIT n);
	void (*negative)(VISIT n);
	void (*choice)(VISIT n); /* NODE_CHOOSE */
	void (*call)(VISIT n);	 /* size(), map_get(), json() and its kin */
};

#undef VISIT

void visit_condition(struct visitor *v, const struct node *n, bool negate);
void visit_value(struct visitor *v, const struct node *n);
void visit_compare(struct visitor *v, enum token_kind op, const struct node *a,
		   const struct node *b, bool negate);
/* Past all "not": the condition below, *negate turned by them. */
const struct node *visit_past_not(const struct node *n, bool *negate);

/* Is it known only when it runs? */
bool visit_is_dynamic(const struct node *n);
/* A number, text, true, false or nil. */
bool visit_is_literal(const struct node *n);

#endif
