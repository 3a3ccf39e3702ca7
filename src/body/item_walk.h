/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What MessagePack and CBOR share: items, each with a head, of which some hold a number of others.
 */
#ifndef CLEARTAP_ITEM_WALK_H
#define CLEARTAP_ITEM_WALK_H

#include "body/body_walk.h"

struct body_item {
	struct body_node node;
	uint64_t count;	 /* of BODY_LIST its elements, of BODY_MAP its names and values */
	bool indefinite; /* no count: up to a break */
	bool is_break;
};

/*
 * Walk through items. `read` reads the item at w->at and goes past it (of a list or map, past its
 * head); false: w->cut says why.
 */
void item_walk(struct body_walk *w, bool (*read)(struct body_walk *w, struct body_item *ret));
/* Take so many bytes as the content of a text or byte string; what there is of them, if fewer. */
void item_take(struct body_walk *w, struct body_node *n, enum body_kind kind, uint64_t len);
/* Is there room for so many bytes of a head? Else the walk ends here. */
bool item_has(struct body_walk *w, uint64_t len);
/* The time as a label: seconds since 1970. */
void item_label_time(struct body_walk *w, struct body_node *n, int64_t seconds);

#endif
