/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks through a body of a binary format once, from front to back, and tells what it holds to a
 * sink: JSON for people (body_json.h), places of secrets (redact/). Nothing is built in memory.
 * Whatever the bytes are, a walk costs time in proportion to them, and ends at the first thing that
 * it does not understand or that goes past a bound, which it names.
 */
#ifndef CLEARTAP_BODY_WALK_H
#define CLEARTAP_BODY_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"

#define BODY_TOO_DEEP "nested deeper than 64"
/* What may be open at once: a field of protobuf may be in a list of its own. */
#define BODY_LEVELS (2 * LIMIT_BODY_DEPTH + 2)

enum body_kind {
	BODY_MAP, /* these two are told by open(), the others by leaf() */
	BODY_LIST,
	BODY_TEXT,  /* `text` is UTF-8, or was to be */
	BODY_BYTES, /* `text` */
	BODY_UINT,
	BODY_INT,
	BODY_DIGITS, /* a whole number that fits neither; `text` is how it is written */
	BODY_REAL,
	BODY_BOOL,
	BODY_NULL,
};

struct body_node {
	enum body_kind kind;
	const char *type;  /* what the format calls it, a constant: "varint", "float 32" */
	struct text name;  /* of a member of a map; data NULL: it is none */
	struct text alias; /* of the member, by a schema; data NULL: none */
	struct text label; /* what the value means: of an enum, a time; data NULL: none */
	struct text text;
	union {
		uint64_t u; /* of a message the length that it tells */
		int64_t i;
		double d;
		bool b;
	};
	unsigned real_bits; /* 16, 32 or 64: digits that a number is worth */
	bool tagged, cut;   /* the data ends inside it */
	uint64_t tag;	    /* of CBOR; the type of a MessagePack extension */
	/* Where it lies: its head, its content up to the end (of a list without a head, nowhere).
	 * A field of protobuf begins with its tag. Of BODY_MAP and BODY_LIST `end` is a promise.
	 */
	size_t start, head_end, end;
	size_t name_start, name_end; /* where the name lies, when it is a text in the data */
};

struct body_sink {
	void (*open)(struct body_sink *s, const struct body_node *n);
	/* Of what was opened last; where it really ended. */
	void (*close)(struct body_sink *s, size_t end);
	void (*leaf)(struct body_sink *s, const struct body_node *n);
	const char *full; /* set by the sink: why it takes no more */
};

struct proto_set;

struct body_walk {
	const uint8_t *data;
	size_t len, at;
	struct body_sink *sink;
	size_t nodes, nodes_max;
	size_t work;	 /* bytes looked at, for tests */
	const char *cut; /* why it ended before the end of the data, NULL: it did not; a constant */
	size_t cut_at;
	bool guessed;	   /* types are guesses: there is no schema */
	bool sequence;	   /* several values one after the other are one list */
	struct buf joined; /* the text of a value that lies in pieces */
	char digits[32];   /* of a name or value that is a number */
	char label[32];	   /* of a time */
	const char
		*content_type; /* multipart: has the boundary; protobuf: may have a type's name */
	const struct proto_set *set;
	struct text message_type; /* protobuf: the name of the outermost message, may be empty */
};

/* The walks of the formats. What they found goes to w->sink, how they ended is in w->cut. */
void msgpack_walk(struct body_walk *w);
void cbor_walk(struct body_walk *w);
void protobuf_walk(struct body_walk *w);
void multipart_walk(struct body_walk *w);
void form_walk(struct body_walk *w);

/* End here, because; the first reason stays. Always false. */
bool body_cut(struct body_walk *w, const char *why, size_t at);
/* Tell the sink; false: no more is wanted. */
bool body_open(struct body_walk *w, const struct body_node *n);
void body_close(struct body_walk *w, size_t end);
bool body_leaf(struct body_walk *w, const struct body_node *n);

/* Big-endian; there are so many bytes. */
static inline uint64_t body_be(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | *p++;
	return v;
}

/* A name that is a number, in w->digits. */
struct text body_digits(struct body_walk *w, uint64_t u, bool negative);

#endif
