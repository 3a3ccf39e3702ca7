/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of fields, flags and functions: checker, compiler, completion and help read them. That
 * of functions is ours; that of fields and flags is declared here and made of src/entry.def.
 */
#ifndef CLEARTAP_KFL_VOCABULARY_H
#define CLEARTAP_KFL_VOCABULARY_H

#include <stdbool.h>

#include "kfl/tree.h"

#define KFL_ALIASES 5

enum field_trait {
	FIELD_FLAG = 1,	     /* a bare word that is a condition */
	FIELD_COLUMN = 2,    /* one column of text: a prefix may become a range of an index */
	FIELD_NUMERIC = 4,   /* text that may be compared with a number */
	FIELD_SEGMENTS = 8,  /* text that is also a list of its parts between "/" */
	FIELD_ANY_CASE = 16, /* map whose names are compared without case */
	FIELD_MICROS = 32,   /* number of microseconds, may be compared with a duration */
	FIELD_MILLIS = 64,   /* the same of milliseconds */
	FIELD_LOCK = 128,    /* none, open or closed */
	FIELD_LOWER = 256,   /* values are lower case, so what it is compared with is made so */
	FIELD_HTTP_VERSION = 512, /* "1.1" means "HTTP/1.1" */
	FIELD_FIXED = 1024,	  /* redact() cannot hide it */
	FIELD_AS_TEXT = 2048,	  /* map that is also a text */
	FIELD_DETAIL = 4096,	  /* it is in the payload: a group of these is a message */
};

struct kfl_field {
	const char *name;
	enum kfl_type type;
	unsigned traits;
	const char *help, *example;
	const char *aliases[KFL_ALIASES];
	bool later; /* nothing writes it yet: its value is nil */
};

enum function_id {
	FUNCTION_CONTAINS,
	FUNCTION_STARTS,
	FUNCTION_ENDS,
	FUNCTION_MATCHES,
	FUNCTION_SIZE,
	FUNCTION_MAP_GET,
	FUNCTION_EXISTS,
	FUNCTION_JSON,
	FUNCTION_XML,
	FUNCTION_PROTOBUF,
	FUNCTION_MSGPACK,
	FUNCTION_CBOR,
	FUNCTION_IP,
	FUNCTION_TIMESTAMP,
	FUNCTION_DATETIME,
	FUNCTION_DURATION,
	FUNCTION_NOW,
	FUNCTION_SECONDS,
	FUNCTION_MINUTES,
	FUNCTION_HOURS,
	FUNCTION_DAYS,
	FUNCTION_WEEKS,
	FUNCTION_MONTHS,
	FUNCTION_YEARS,
	FUNCTION_LIMIT,
	FUNCTION_REDACT,
};

struct kfl_function {
	const char *name;
	enum function_id id;
	bool plain, method; /* f(x), x.f() */
	size_t min, max;    /* arguments, an object not counted */
	enum kfl_type result;
	const char *signature, *help, *example;
};

/* Both end with an element whose name is NULL. */
extern const struct kfl_field field_table[];
extern const struct kfl_function function_table[];

/* By name or alias; NULL if there is none. */
const struct kfl_field *field_find(struct text name);
const struct kfl_function *function_find(struct text name);
/* Does it look into a text, as json() does? */
bool function_decodes(const struct kfl_function *f);
/* "text", "number", ... */
const char *type_name(enum kfl_type type);

#endif
