// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tokens → tree, by recursive descent. Chains of operators are loops; only what nests recurses, and
 * that to LIMIT_QUERY_DEPTH.
 */
#include "kfl/tree.h"

#include <errno.h>
#include <string.h>

#include "kfl/suggest.h"
#include "base/limits.h"

/* Operators in a row make a tree high as well; the stages after this one recurse over it. */
#define PARSE_HEIGHT_MAX (3 * LIMIT_QUERY_DEPTH)

struct parser {
	struct query *q;
	struct token t;	     /* the one to look at */
	struct token before; /* the one before it */
	size_t next;	     /* where the one after it begins */
	unsigned depth;
};

static int parse_choice(struct parser *p, struct node **ret);
static int parse_unary(struct parser *p, struct node **ret);

static int advance(struct parser *p)
{
	p->before = p->t;
	return lex_next(p->q, &p->next, &p->t);
}

static int new_node(struct parser *p, enum node_kind kind, size_t pos, size_t len,
		    struct node **ret)
{
	*ret = node_new(p->q, kind, pos, len);
	return *ret ? 0 : -ENOMEM;
}

/* A parent that spans what it holds, with one child. */
static int wrap(struct parser *p, enum node_kind kind, struct node **n)
{
	struct node *parent;
	int r = new_node(p, kind, (*n)->pos, (*n)->len, &parent);

	if (r)
		return r;
	node_add(parent, *n);
	*n = parent;
	if (parent->height > PARSE_HEIGHT_MAX)
		return query_fail(p->q, parent->pos, parent->len,
				  "nested too deeply; the limit is %d levels", LIMIT_QUERY_DEPTH);
	return 0;
}

static void add_child(struct node *parent, struct node *child)
{
	node_add(parent, child);
	parent->len = child->pos + child->len - parent->pos;
}

/* "NOT http" fails at what comes after. */
static bool is_not(const struct token *t)
{
	return t->kind == TOK_NAME && t->len == 3 && !strncasecmp(t->text.data, "not", 3);
}

static int unexpected(struct parser *p, const char *wanted)
{
	const struct token *t = &p->t;

	if (t->kind == TOK_END)
		return query_fail(p->q, t->pos, 1, "the query ends where %s is wanted", wanted);
	struct shown shown = query_show(p->q->text + t->pos, t->len);
	const char *near = t->kind == TOK_NAME ? suggest_keyword(t->text) : NULL;
	if (is_not(&p->before))
		return query_fail(p->q, p->before.pos, p->before.len,
				  "unexpected \"%.3s\"; did you mean \"not\"?",
				  p->before.text.data);
	if (near)
		return query_fail(p->q, t->pos, t->len, "unexpected \"%s\"; did you mean \"%s\"?",
				  shown.text, near);
	if (t->kind == TOK_STRING || t->kind == TOK_REGEX)
		return query_fail(p->q, t->pos, t->len, "unexpected text %s where %s is wanted",
				  shown.text, wanted);
	return query_fail(p->q, t->pos, t->len, "unexpected \"%s\" where %s is wanted", shown.text,
			  wanted);
}

static int expect(struct parser *p, enum token_kind kind, const char *wanted)
{
	return p->t.kind == kind ? advance(p) : unexpected(p, wanted);
}

static int enter(struct parser *p)
{
	if (++p->depth > LIMIT_QUERY_DEPTH)
		return query_fail(p->q, p->t.pos, p->t.len,
				  "nested too deeply; the limit is %d levels", LIMIT_QUERY_DEPTH);
	return 0;
}

/* Expressions up to `close`, children of `list`; the opening token has been taken. */
static int parse_items(struct parser *p, struct node *list, enum token_kind close,
		       const char *wanted)
{
	struct node *item;
	int r = 0;

	while (!r && p->t.kind != close) {
		if (list->count >= LIMIT_QUERY_LIST)
			return query_fail(p->q, p->t.pos, p->t.len, "more than %d values in a list",
					  LIMIT_QUERY_LIST);
		r = parse_choice(p, &item);
		if (r)
			break;
		node_add(list, item);
		if (p->t.kind != close)
			r = expect(p, TOK_COMMA, wanted);
	}
	if (r)
		return r;
	list->len = p->t.pos + p->t.len - list->pos;
	return advance(p);
}

static int parse_list(struct parser *p, struct node **ret)
{
	int r = new_node(p, NODE_LIST, p->t.pos, p->t.len, ret);

	r = r ? r : enter(p);
	r = r ? r : advance(p);
	r = r ? r : parse_items(p, *ret, TOK_RBRACKET, "\",\" or \"]\"");
	p->depth--;
	return r;
}

/* name "(" args ")"; `object` is what the method is of, or NULL. The "(" is the current token. */
static int parse_call(struct parser *p, const struct token *name, struct node *object,
		      struct node **ret)
{
	struct node *call;
	int r = new_node(p, NODE_CALL, name->pos, name->len, &call);

	if (r)
		return r;
	call->text = name->text;
	call->method = object;
	if (object) {
		node_add(call, object);
		call->pos = object->pos;
		call->len += name->pos - object->pos;
	}
	*ret = call;
	r = enter(p);
	r = r ? r : advance(p);
	r = r ? r : parse_items(p, call, TOK_RPAREN, "\",\" or \")\"");
	p->depth--;
	return r;
}

static int parse_group(struct parser *p, struct node **ret)
{
	int r = enter(p);

	r = r ? r : advance(p);
	r = r ? r : parse_choice(p, ret);
	r = r ? r : expect(p, TOK_RPAREN, "\")\"");
	p->depth--;
	return r;
}

static int parse_name(struct parser *p, struct node **ret)
{
	struct token name = p->t;
	int r = advance(p);

	if (r)
		return r;
	if (p->t.kind == TOK_LPAREN)
		return parse_call(p, &name, NULL, ret);
	r = new_node(p, NODE_NAME, name.pos, name.len, ret);
	if (!r)
		(*ret)->text = name.text;
	return r;
}

static int parse_literal(struct parser *p, enum node_kind kind, struct node **ret)
{
	int r = new_node(p, kind, p->t.pos, p->t.len, ret);

	if (r)
		return r;
	(*ret)->text = p->t.text;
	(*ret)->integer = kind == NODE_BOOL ? p->t.kind == TOK_TRUE : p->t.integer;
	(*ret)->real = p->t.real;
	return advance(p);
}

static int parse_primary(struct parser *p, struct node **ret)
{
	switch (p->t.kind) {
	case TOK_INTEGER:
		return parse_literal(p, NODE_INTEGER, ret);
	case TOK_REAL:
		return parse_literal(p, NODE_REAL, ret);
	case TOK_STRING:
		return parse_literal(p, NODE_STRING, ret);
	case TOK_REGEX:
		return parse_literal(p, NODE_REGEX, ret);
	case TOK_TRUE:
	case TOK_FALSE:
		return parse_literal(p, NODE_BOOL, ret);
	case TOK_NIL:
		return parse_literal(p, NODE_NIL, ret);
	case TOK_LBRACKET:
		return parse_list(p, ret);
	case TOK_NAME:
		return parse_name(p, ret);
	case TOK_LPAREN:
		return parse_group(p, ret);
	default:
		return unexpected(p, "a field or a value");
	}
}

/* A step from `pos` to the end of its last token, which also says its key or index. */
static int add_step(struct parser *p, struct node **n, enum step_kind kind, size_t pos,
		    const struct token *t)
{
	struct step *s = query_alloc(p->q, sizeof(*s));
	int r = (*n)->kind == NODE_PATH ? 0 : wrap(p, NODE_PATH, n);

	if (!s || r)
		return -ENOMEM;
	s->kind = kind;
	s->key = t->text;
	s->index = t->integer;
	s->pos = pos;
	s->len = t->pos + t->len - pos;
	if ((*n)->last_step)
		(*n)->last_step->next = s;
	else
		(*n)->steps = s;
	(*n)->last_step = s;
	(*n)->len = t->pos + t->len - (*n)->pos;
	return 0;
}

/* Keywords are names after a dot: json().in */
static bool is_word(const struct token *t)
{
	return t->kind == TOK_NAME || (t->text.len && t->kind >= TOK_AND && t->kind <= TOK_NIL);
}

static int parse_dot(struct parser *p, struct node **n)
{
	size_t pos = p->t.pos;
	int r = advance(p);

	if (r)
		return r;
	if (p->t.kind == TOK_STAR) {
		r = add_step(p, n, STEP_ANY, pos, &p->t);
		return r ? r : advance(p);
	}
	if (!is_word(&p->t))
		return unexpected(p, "a name or \"*\"");
	struct token name = p->t;
	r = advance(p);
	if (r)
		return r;
	if (p->t.kind == TOK_LPAREN)
		return parse_call(p, &name, *n, n);
	return add_step(p, n, STEP_KEY, pos, &name);
}

static int parse_descend(struct parser *p, struct node **n)
{
	size_t pos = p->t.pos;
	int r = advance(p);

	if (!r && !is_word(&p->t))
		return unexpected(p, "a name");
	r = r ? r : add_step(p, n, STEP_DESCEND, pos, &p->t);
	return r ? r : advance(p);
}

static int parse_index(struct parser *p, struct node **n)
{
	size_t pos = p->t.pos;
	int r = advance(p);

	if (r)
		return r;
	switch (p->t.kind) {
	case TOK_STRING:
		r = add_step(p, n, STEP_KEY, pos, &p->t);
		break;
	case TOK_INTEGER:
		r = add_step(p, n, STEP_INDEX, pos, &p->t);
		break;
	case TOK_STAR:
		r = add_step(p, n, STEP_ANY, pos, &p->t);
		break;
	default:
		return unexpected(p, "a whole number or a text");
	}
	r = r ? r : advance(p);
	if (!r && p->t.kind == TOK_RBRACKET) {
		(*n)->last_step->len = p->t.pos + 1 - pos;
		(*n)->len = p->t.pos + 1 - (*n)->pos;
	}
	return r ? r : expect(p, TOK_RBRACKET, "\"]\"");
}

static int parse_postfix(struct parser *p, struct node **ret)
{
	int r = parse_primary(p, ret);
	unsigned links = 0;

	while (!r) {
		if (p->t.kind != TOK_DOT && p->t.kind != TOK_DOTDOT && p->t.kind != TOK_LBRACKET)
			break;
		if (++links > LIMIT_QUERY_DEPTH)
			return query_fail(p->q, p->t.pos, p->t.len, "a path of more than %d parts",
					  LIMIT_QUERY_DEPTH);
		if (p->t.kind == TOK_DOT)
			r = parse_dot(p, ret);
		else if (p->t.kind == TOK_DOTDOT)
			r = parse_descend(p, ret);
		else
			r = parse_index(p, ret);
	}
	return r;
}

static void negate_literal(struct node *n, size_t pos)
{
	n->integer = -n->integer;
	n->real = -n->real;
	n->len += n->pos - pos;
	n->pos = pos;
}

static int parse_unary(struct parser *p, struct node **ret)
{
	size_t pos = p->t.pos;
	unsigned minus = 0;
	int r = 0;

	for (; !r && p->t.kind == TOK_MINUS; minus++)
		r = advance(p);
	r = r ? r : parse_postfix(p, ret);
	if (r || !minus)
		return r;
	struct node *n = *ret;
	if (n->kind == NODE_INTEGER || n->kind == NODE_REAL) {
		if (minus & 1)
			negate_literal(n, pos);
		return 0;
	}
	r = wrap(p, NODE_NEGATE, ret);
	if (r)
		return r;
	(*ret)->integer = minus & 1;
	(*ret)->len += n->pos - pos;
	(*ret)->pos = pos;
	return 0;
}

static int parse_arithmetic(struct parser *p, struct node **ret, bool product)
{
	int r = product ? parse_unary(p, ret) : parse_arithmetic(p, ret, true);
	unsigned links = 0;
	struct node *right;

	while (!r) {
		enum token_kind op = p->t.kind;
		bool mine = product ? op == TOK_STAR || op == TOK_SLASH || op == TOK_PERCENT
				    : op == TOK_PLUS || op == TOK_MINUS;
		if (!mine)
			break;
		if (++links > LIMIT_QUERY_DEPTH)
			return query_fail(p->q, p->t.pos, p->t.len,
					  "more than %d operators in a row", LIMIT_QUERY_DEPTH);
		r = wrap(p, NODE_ARITHMETIC, ret);
		if (r)
			break;
		(*ret)->op = op;
		r = advance(p);
		r = r ? r : product ? parse_unary(p, &right) : parse_arithmetic(p, &right, true);
		if (!r)
			add_child(*ret, right);
	}
	return r;
}

static bool is_compare(enum token_kind k)
{
	return k == TOK_IN || (k >= TOK_EQ && k <= TOK_GE);
}

static int parse_compare(struct parser *p, struct node **ret)
{
	struct node *right;
	int r = parse_arithmetic(p, ret, false);

	if (r || !is_compare(p->t.kind))
		return r;
	r = wrap(p, p->t.kind == TOK_IN ? NODE_IN : NODE_COMPARE, ret);
	if (r)
		return r;
	(*ret)->op = p->t.kind;
	r = advance(p);
	r = r ? r : parse_arithmetic(p, &right, false);
	if (r)
		return r;
	add_child(*ret, right);
	if (is_compare(p->t.kind))
		return query_fail(p->q, p->t.pos, p->t.len,
				  "comparisons do not chain; join two of them with \"and\"");
	return 0;
}

static int parse_not(struct parser *p, struct node **ret)
{
	size_t pos = p->t.pos;
	unsigned nots = 0;
	int r = 0;

	for (; !r && p->t.kind == TOK_NOT; nots++)
		r = advance(p);
	r = r ? r : parse_compare(p, ret);
	if (r || !nots)
		return r;
	r = wrap(p, NODE_NOT, ret);
	if (r)
		return r;
	(*ret)->integer = nots & 1;
	(*ret)->len += (*ret)->pos - pos;
	(*ret)->pos = pos;
	return 0;
}

/* and, or: one node with all operands of the chain. */
static int parse_chain(struct parser *p, struct node **ret, enum token_kind op)
{
	struct node *item;
	int r = op == TOK_OR ? parse_chain(p, ret, TOK_AND) : parse_not(p, ret);

	if (r || p->t.kind != op)
		return r;
	r = wrap(p, op == TOK_OR ? NODE_OR : NODE_AND, ret);
	while (!r && p->t.kind == op) {
		r = advance(p);
		r = r ? r : op == TOK_OR ? parse_chain(p, &item, TOK_AND) : parse_not(p, &item);
		if (!r)
			add_child(*ret, item);
	}
	return r;
}

/* or [ "?" choice ":" choice ], as in the second generation's language. */
static int parse_choice(struct parser *p, struct node **ret)
{
	struct node *item;
	int r = parse_chain(p, ret, TOK_OR);

	if (r || p->t.kind != TOK_QUESTION)
		return r;
	r = wrap(p, NODE_CHOOSE, ret);
	r = r ? r : enter(p);
	r = r ? r : advance(p);
	r = r ? r : parse_choice(p, &item);
	if (!r)
		add_child(*ret, item);
	r = r ? r : expect(p, TOK_COLON, "\":\"");
	r = r ? r : parse_choice(p, &item);
	if (!r)
		add_child(*ret, item);
	p->depth--;
	return r;
}

int parse_query(struct query *q, struct node **ret)
{
	struct parser p = { .q = q };
	struct node *root = NULL;
	int r = advance(&p);

	if (!r && p.t.kind != TOK_END)
		r = parse_choice(&p, &root);
	if (!r && p.t.kind != TOK_END)
		r = unexpected(&p, "\"and\", \"or\" or the end");
	if (!r)
		*ret = root;
	return r;
}
