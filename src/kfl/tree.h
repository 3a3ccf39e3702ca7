/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the stages of KFL share: the query's text with its memory and its error, tokens, the tree.
 * lex.c makes tokens, parse.c a tree, check.c gives each node its type; a visitor (visit.h) makes
 * of it what a store runs.
 */
#ifndef CLEARTAP_KFL_TREE_H
#define CLEARTAP_KFL_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "kfl/kfl.h"

struct buf;
struct kfl_field;
struct kfl_function;

/* One query on its way through the stages. Tree and texts live in its memory. */
struct query {
	const char *text;
	size_t len;
	int64_t now_us;		      /* what now() is, taken once */
	bool uses_clock;	      /* set by check */
	int64_t variables;	      /* set by check: exists() are numbered from 1 */
	int64_t limit;		      /* set by check; -1 without limit() */
	struct redaction *redactions; /* set by check */
	struct kfl_error *error;
	struct query_block *blocks;
};

/* One path of redact(...). */
struct redaction {
	struct kfl_redaction public;
	struct redaction *next;
};

/* Zeroed memory that lives as long as the query; NULL when there is none. */
void *query_alloc(struct query *q, size_t size);
void query_free(struct query *q);
/* Fill the error for `len` bytes of the query at `pos`. Always -EINVAL, to be returned. */
int query_fail(struct query *q, size_t pos, size_t len, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Text of a peer or user for a message: short, printable, always NUL-terminated. */
struct shown {
	char text[64];
};
struct shown query_show(const char *text, size_t len);

enum token_kind {
	TOK_END,
	TOK_NAME,
	TOK_INTEGER,
	TOK_REAL,
	TOK_STRING,
	TOK_REGEX,
	TOK_AND,
	TOK_OR,
	TOK_NOT,
	TOK_IN,
	TOK_TRUE,
	TOK_FALSE,
	TOK_NIL,
	TOK_EQ,
	TOK_NE,
	TOK_LT,
	TOK_LE,
	TOK_GT,
	TOK_GE,
	TOK_PLUS,
	TOK_MINUS,
	TOK_STAR,
	TOK_SLASH,
	TOK_PERCENT,
	TOK_LPAREN,
	TOK_RPAREN,
	TOK_LBRACKET,
	TOK_RBRACKET,
	TOK_COMMA,
	TOK_DOT,
	TOK_DOTDOT,
	TOK_QUESTION,
	TOK_COLON,
};

struct token {
	enum token_kind kind;
	size_t pos, len;  /* bytes of the query */
	struct text text; /* names as written, strings and patterns decoded */
	int64_t integer;
	double real;
};

/* The token at or after *pos, which moves past it. 0, -EINVAL with the error set, -ENOMEM. */
int lex_next(struct query *q, size_t *pos, struct token *ret);
/* Append the query with one blank between tokens, comments dropped, one spelling of operators. */
int lex_put_normal(struct query *q, struct buf *out);

enum node_kind {
	NODE_INTEGER,
	NODE_REAL,
	NODE_STRING,
	NODE_REGEX,
	NODE_BOOL,
	NODE_NIL,
	NODE_LIST,
	NODE_NAME, /* text: a field, a flag or a variable of exists() */
	NODE_PATH, /* first child, then steps */
	NODE_CALL, /* text: function; children: object, if it is a method, then arguments */
	NODE_AND,
	NODE_OR,
	NODE_NOT,
	NODE_NEGATE,
	NODE_COMPARE,
	NODE_IN,
	NODE_ARITHMETIC, /* op */
	NODE_CHOOSE,	 /* condition ? a : b */
};

enum step_kind { STEP_KEY, STEP_INDEX, STEP_ANY, STEP_DESCEND };

struct step {
	enum step_kind kind;
	struct text key;
	int64_t index;
	size_t pos, len;
	struct step *next;
};

enum kfl_type {
	TYPE_BOOL,
	TYPE_NUMBER,
	TYPE_TEXT,
	TYPE_TIME,
	TYPE_DURATION,
	TYPE_REGEX,
	TYPE_NIL,
	TYPE_LIST,  /* SQL: JSON array */
	TYPE_MAP,   /* SQL: JSON array of [name, value] */
	TYPE_TEXTS, /* a value of a map, several when the name repeats; SQL: JSON or NULL */
	TYPE_JSON,  /* known when it runs; SQL: JSON or NULL for missing */
	TYPE_IP,    /* ip(...) */
	TYPE_GROUP, /* src, dst, request, response */
};

struct node {
	enum node_kind kind;
	enum token_kind op;
	size_t pos, len;
	struct text text;
	int64_t integer; /* of NODE_BOOL and of times too */
	double real;
	bool method;	 /* NODE_CALL: a.f() */
	size_t count;	 /* of children */
	unsigned height; /* 0 for a leaf */
	struct node *first, *last, *next;
	struct step *steps, *last_step;

	/* set by check */
	enum kfl_type type;
	const struct kfl_field *field;	     /* NODE_NAME, NODE_PATH */
	const struct kfl_function *function; /* NODE_CALL */
	const struct node *binder;	     /* NODE_NAME: the exists() that the variable is of */
};

struct node *node_new(struct query *q, enum node_kind kind, size_t pos, size_t len);
void node_add(struct node *parent, struct node *child);

/* The checked tree, for those who make something of it (visit.h); NULL: every entry. */
const struct node *kfl_root(const struct kfl *k);
/* For query_fail() at places of its text, with an error and memory (query_free) of one's own. */
struct query kfl_place(const struct kfl *k, struct kfl_error *error);

/* *ret is NULL for an empty query. 0, -EINVAL with the error set, -ENOMEM. */
int parse_query(struct query *q, struct node **ret);
/* Types and names. 0, -EINVAL with the error set, -ENOMEM. */
int check_query(struct query *q, struct node *root);

#endif
