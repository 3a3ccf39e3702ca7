/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The messages of a long exchange (a WebSocket connection, an event stream, a call of gRPC), one by
 * one below it: the newest ones, up to bounds of count and bytes. A dissector fills the list as
 * they come, each version of the entry has a copy, redaction masks in that, and
 * entry_write_detail() writes it (HACKING, "Detail").
 */
#ifndef CLEARTAP_ITEMS_H
#define CLEARTAP_ITEMS_H

#include "message.h"

struct jw;

enum item_from { ITEM_CLIENT, ITEM_SERVER }; /* the client opened the connection */

struct item {
	struct item *next;
	enum item_from from;
	bool open;	    /* more of it comes: it stays in the list however old it is */
	bool text;	    /* its protocol says that it is text; else it is what it looks like */
	bool cut;	    /* past a bound: no more is kept than `content` */
	const char *kind;   /* "text", "event", ...: a constant */
	const char *type;   /* its content's, where that is not to be guessed: a constant; NULL */
	const char *coding; /* content coding of it: a constant; NULL: none */
	const char *note;   /* what is wrong with it: a constant; NULL: nothing */
	int64_t time_us;    /* of its first byte */
	/* Where it lies in what its side sent of the exchange: as content where that is coded. At
	 * `end` 0 nobody knows; UINT64_MAX: all that follows. */
	uint64_t at, end;
	bool inside;	 /* it may lie inside of another one, between its parts */
	uint64_t size;	 /* bytes on the stream, missing ones too: the dissector's to count */
	uint64_t length; /* bytes of the content as it is shown, missing ones and cut ones too */
	struct buf name; /* what its protocol calls it */
	struct buf id;	 /* its number or other mark; as long as a name */
	struct payload content;
};

/* Made by items_new(), or `last` is &first. */
struct items {
	struct item *first, **last;
	unsigned count;
	size_t bytes; /* of names and contents */
	uint64_t total, omitted;
	struct message_masks masks; /* what redaction masked in them */
};

/* NULL when out of memory. */
struct items *items_new(void);
/* Takes NULL, as all that follow do. */
void items_free(struct items *l);
/* Empty it. */
void items_clear(struct items *l);
/* NULL when out of memory. */
struct items *items_copy(const struct items *l);
/* Memory that the list holds, about. */
size_t items_bytes(const struct items *l);
/* Leave out those that are there. */
void items_omit(struct items *l);
/* Leave out those of which no more comes. */
void items_give_way(struct items *l);

/*
 * A message begins, and is open until items_end(); old ones give way. NULL when out of memory: it
 * counts as omitted.
 */
struct item *items_begin(struct items *l, enum item_from from, const char *kind, int64_t time_us);
/* Append to its content. */
void items_put(struct items *l, struct item *i, const void *data, size_t len);
/* So many bytes of the content are missing here. */
void items_skip(struct item *i, uint64_t len, enum gap_why why);
/* Append to its name, or to its id. */
void items_name(struct items *l, struct item *i, const void *data, size_t len);
void items_id(struct items *l, struct item *i, const void *data, size_t len);
/* Those of both lists by their time, those of `l` first; frees `from`. NULL when both are. */
struct items *items_merge_take(struct items *l, struct items *from);
/*
 * The same messages as both ends of a connection saw them: each once, as the end has it that saw
 * more of it, in order of time; frees `from`. NULL when both are.
 */
struct items *items_unite_take(struct items *l, struct items *from);
/* No more of it comes. */
void items_end(struct items *l, struct item *i);

/* The members "messages..." of an object that was begun. */
void items_put_json(struct jw *j, const struct items *l);

#endif
