// SPDX-License-Identifier: GPL-2.0-or-later
#include "body/item_walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define ENDS_EARLY "the bytes end inside it"

struct item_level {
	bool map, indefinite, wants_name;
	uint64_t left;	/* items still to come */
	bool outermost; /* the list that a sequence is */
};

struct stack {
	struct item_level frame[LIMIT_BODY_DEPTH];
	unsigned depth;
	struct body_node name; /* of the value that comes next */
	bool named;
	struct buf name_text;
};

bool item_has(struct body_walk *w, uint64_t len)
{
	return len <= w->len - w->at || body_cut(w, ENDS_EARLY, w->at);
}

void item_take(struct body_walk *w, struct body_node *n, enum body_kind kind, uint64_t len)
{
	size_t there = w->len - w->at;

	n->kind = kind;
	n->cut = len > there;
	there = n->cut ? there : (size_t)len;
	n->text = (struct text){ (const char *)w->data + w->at, there };
	n->head_end = w->at;
	w->at += there;
	w->work += there;
}

void item_label_time(struct body_walk *w, struct body_node *n, int64_t seconds)
{
	struct tm tm;
	time_t t = (time_t)seconds;

	if (gmtime_r(&t, &tm) && tm.tm_year > -1900 && tm.tm_year < 8100)
		n->label = (struct text){ w->label, strftime(w->label, sizeof(w->label),
							     "%Y-%m-%dT%H:%M:%SZ", &tm) };
}

/* A name is kept by what it says; a list or map as a name is told as a value called "(name)". */
static bool keep_name(struct body_walk *w, struct stack *s, const struct body_node *n)
{
	struct text t = n->text;

	s->named = true;
	s->name = *n;
	switch (n->kind) {
	case BODY_UINT:
		t = body_digits(w, n->u, false);
		break;
	case BODY_INT:
		t = body_digits(w, n->i < 0 ? (uint64_t) - (n->i + 1) : (uint64_t)n->i, n->i < 0);
		break;
	case BODY_TEXT:
	case BODY_BYTES:
	case BODY_DIGITS:
		break;
	case BODY_REAL:
		t = (struct text){ w->digits,
				   (size_t)snprintf(w->digits, sizeof(w->digits), "%.17g", n->d) };
		break;
	case BODY_BOOL:
		t = n->b ? (struct text){ "true", 4 } : (struct text){ "false", 5 };
		break;
	default:
		t = (struct text){ "null", 4 };
	}
	if (n->kind != BODY_TEXT && n->kind != BODY_BYTES)
		s->name.name_start = s->name.name_end = 0;
	else
		s->name.name_start = n->start, s->name.name_end = n->end;
	/* What lies in pieces, or in scratch memory, is overwritten by the value. */
	if (t.data < (const char *)w->data || t.data >= (const char *)w->data + w->len) {
		buf_reset(&s->name_text);
		if (buf_put(&s->name_text, t.data, t.len))
			return body_cut(w, "out of memory", n->start);
		t.data = s->name_text.data ? s->name_text.data : "";
	}
	s->name.name = t;
	return true;
}

static void give_name(struct stack *s, struct item_level *f, struct body_node *n)
{
	static const struct text name = { "(name)", 6 };

	if (!f || !f->map)
		return;
	if (f->wants_name) {
		n->name = name;
		return;
	}
	n->name = s->named ? s->name.name : (struct text){ "(value)", 7 };
	n->name_start = s->named ? s->name.name_start : 0;
	n->name_end = s->named ? s->name.name_end : 0;
	s->named = false;
}

static bool push(struct body_walk *w, struct stack *s, const struct body_item *item)
{
	if (s->depth == LIMIT_BODY_DEPTH)
		return body_cut(w, BODY_TOO_DEEP, item->node.start);
	if (!body_open(w, &item->node))
		return false;
	s->frame[s->depth++] = (struct item_level){ .map = item->node.kind == BODY_MAP,
						    .indefinite = item->indefinite,
						    .wants_name = item->node.kind == BODY_MAP,
						    .left = item->count };
	return true;
}

/* One item was seen whole; close what ends with it. */
static void pop_full(struct body_walk *w, struct stack *s)
{
	while (s->depth) {
		struct item_level *f = &s->frame[s->depth - 1];
		if (f->indefinite || f->left)
			return;
		body_close(w, w->at);
		s->depth--;
	}
}

static bool on_break(struct body_walk *w, struct stack *s, const struct body_item *item)
{
	struct item_level *f = s->depth ? &s->frame[s->depth - 1] : NULL;

	if (!f || !f->indefinite || f->outermost || (f->map && !f->wants_name))
		return body_cut(w, "a break where nothing ends", item->node.start);
	body_close(w, w->at);
	s->depth--;
	return true;
}

static bool on_item(struct body_walk *w, struct stack *s, struct body_item *item)
{
	struct item_level *f = s->depth ? &s->frame[s->depth - 1] : NULL;
	bool branch = item->node.kind <= BODY_LIST;
	bool is_name = f && f->map && f->wants_name;

	if (item->is_break)
		return on_break(w, s, item);
	if (is_name && !branch) {
		f->wants_name = false;
		f->left -= !f->indefinite;
		return keep_name(w, s, &item->node);
	}
	give_name(s, f, &item->node);
	if (f && !f->indefinite)
		f->left--;
	if (f && f->map)
		f->wants_name = !f->wants_name;
	if (branch)
		return push(w, s, item);
	if (!body_leaf(w, &item->node))
		return false;
	return !item->node.cut || body_cut(w, ENDS_EARLY, item->node.end);
}

static bool step(struct body_walk *w, struct stack *s,
		 bool (*read)(struct body_walk *w, struct body_item *ret))
{
	struct body_item item = { .node = { .start = w->at } };
	size_t before = w->at;

	if (w->at >= w->len)
		return body_cut(w, ENDS_EARLY, w->at);
	if (!read(w, &item))
		return false;
	w->work += 1 + (w->at - before > 16 ? 16 : w->at - before);
	item.node.end = w->at;
	if (!on_item(w, s, &item))
		return false;
	pop_full(w, s);
	return true;
}

void item_walk(struct body_walk *w, bool (*read)(struct body_walk *w, struct body_item *ret))
{
	static const struct body_item all = { .node = { .kind = BODY_LIST, .type = "sequence" },
					      .indefinite = true };
	struct stack s = { 0 };

	if (w->sequence && push(w, &s, &all))
		s.frame[0].outermost = true;
	do {
		if (!step(w, &s, read))
			break;
	} while (s.depth && !(s.frame[s.depth - 1].outermost && w->at >= w->len));
	while (s.depth--)
		body_close(w, w->at);
	if (w->at < w->len)
		body_cut(w, "more bytes follow than belong to it", w->at);
	buf_free(&s.name_text);
	buf_free(&w->joined);
}
