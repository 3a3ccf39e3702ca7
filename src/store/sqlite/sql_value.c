// SPDX-License-Identifier: GPL-2.0-or-later
/* Values in SQL: parameters, fields, paths, arithmetic, functions. */
#include "store/sqlite/sql_emit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kfl/vocabulary.h"
#include "kfl/json_path.h"
#include "store/sqlite/field_sql.h"

void emit(struct emitter *c, const char *text)
{
	if (!c->r)
		c->r = buf_puts(&c->filter->sql, text);
}

void emit_field(struct emitter *c, const char *sql)
{
	bool simple = strspn(sql, "abcdefghijklmnopqrstuvwxyz_.0123456789") == strlen(sql);

	emit(c, simple ? "" : "(");
	emit(c, sql);
	emit(c, simple ? "" : ")");
}

static void emit_parameter(struct emitter *c, struct sql_parameter v)
{
	struct sql_filter *p = c->filter;

	if (!c->r && p->count == p->room) {
		size_t room = p->room ? 2 * p->room : 16;
		struct sql_parameter *more = realloc(p->parameters, room * sizeof(*more));
		c->r = more ? 0 : -ENOMEM;
		if (more) {
			p->parameters = more;
			p->room = room;
		}
	}
	if (c->r)
		return;
	p->parameters[p->count++] = v;
	c->r = buf_printf(&p->sql, "?%zu", p->count);
}

void emit_string(struct emitter *c, const char *data, size_t len)
{
	char *copy = query_alloc(&c->filter->memory, len + 1);

	if (!copy) {
		c->r = c->r ? c->r : -ENOMEM;
		return;
	}
	memcpy(copy, data, len);
	emit_parameter(c, (struct sql_parameter){ .kind = NODE_STRING, .text = { copy, len } });
}

/* The parameter that a buffer holds; frees the buffer. `r` is what filling it gave. */
static void emit_string_take(struct emitter *c, struct buf *b, int r)
{
	if (r)
		c->r = c->r ? c->r : r;
	else
		emit_string(c, b->data ? b->data : "", b->len);
	buf_free(b);
}

void emit_condition(struct emitter *c, const struct node *n, bool negate)
{
	visit_condition(&c->visitor, n, negate);
}

void emit_value(struct emitter *c, const struct node *n)
{
	visit_value(&c->visitor, n);
}

void emit_enter(struct emitter *c, const struct node *n, unsigned symbols)
{
	c->stack += symbols;
	if (!c->r && c->stack > SQL_STACK_MAX)
		c->r = query_fail(&c->filter->memory, n->pos, n->len, "nested too deeply to run");
}

void emit_leave(struct emitter *c, unsigned symbols)
{
	c->stack -= symbols;
}

static void emit_steps(struct emitter *c, const struct step *steps)
{
	struct buf b = { 0 };

	emit_string_take(c, &b, json_put_steps(steps, &b));
}

/* Steps within request or response, where [name, value] is a member (json_put_path). */
static void emit_detail_steps(struct emitter *c, const struct step *steps)
{
	struct buf b = { 0 };
	int r = buf_putc(&b, 'p');

	emit_string_take(c, &b, r ? r : json_put_steps(steps, &b));
}

/* Text of a text or of what is known when it runs. */
void emit_text(struct emitter *c, const struct node *n)
{
	if (n->type == TYPE_TEXT) {
		emit_value(c, n);
		return;
	}
	emit_enter(c, n, SQL_CALL_SYMBOLS);
	emit(c, visit_is_dynamic(n) ? "kfl_text(" : "CAST(");
	emit_value(c, n);
	emit(c, visit_is_dynamic(n) ? ")" : " AS TEXT)");
	emit_leave(c, SQL_CALL_SYMBOLS);
}

/* A header that is not there is "". */
void emit_present(struct emitter *c, const struct node *n)
{
	emit_enter(c, n, SQL_CALL_SYMBOLS);
	emit(c, n->type == TYPE_TEXTS ? "coalesce(" : "");
	emit_value(c, n);
	emit(c, n->type == TYPE_TEXTS ? ",'\"\"')" : "");
	emit_leave(c, SQL_CALL_SYMBOLS);
}

/* json(), xml() and the binary formats, with the steps that follow. */
static void emit_decoded(struct emitter *c, const struct node *call, const struct step *steps)
{
	const struct kfl_function *f = call->function;

	emit_enter(c, call, SQL_CALL_SYMBOLS);
	emit(c, f->id == FUNCTION_JSON	? "kfl_path("
		: f->id == FUNCTION_XML ? "kfl_xml("
					: "kfl_binary(");
	emit_text(c, call->first);
	emit(c, ",");
	if (f->id != FUNCTION_JSON && f->id != FUNCTION_XML) {
		emit_string(c, f->name, strlen(f->name));
		emit(c, ",");
	}
	emit_steps(c, steps);
	emit(c, ")");
	emit_leave(c, SQL_CALL_SYMBOLS);
}

static void emit_map_step(struct emitter *c, const struct node *n)
{
	emit(c, n->steps->kind == STEP_ANY ? "kfl_values(" : "kfl_get(");
	emit(c, field_sql(n->field));
	if (n->steps->kind != STEP_ANY) {
		emit(c, ",");
		emit_string(c, n->steps->key.data, n->steps->key.len);
		emit(c, n->field->traits & FIELD_ANY_CASE ? ",1" : ",0");
	}
	emit(c, ")");
}

/* src..name: the columns of that side with that name */
static void emit_descend_columns(struct emitter *c, const struct node *n)
{
	struct text key = n->steps->key;
	const char *comma = "";

	emit(c, "json_array(");
	for (const struct kfl_field *f = field_table; f->name; f++) {
		const char *last = strrchr(f->name, '.');
		if (!last || strncmp(f->name, n->field->name, 3) || strlen(last + 1) != key.len ||
		    memcmp(last + 1, key.data, key.len))
			continue;
		emit(c, comma);
		emit(c, field_sql(f));
		comma = ",";
	}
	emit(c, ")");
}

static void emit_field_steps(struct emitter *c, const struct node *n)
{
	const struct kfl_field *f = n->field;
	bool columns = f->type == TYPE_GROUP && !(f->traits & FIELD_DETAIL);

	if (f->type == TYPE_MAP) {
		emit_map_step(c, n);
	} else if (columns && n->steps->kind == STEP_DESCEND) {
		emit_descend_columns(c, n);
	} else if (columns || (f->type == TYPE_LIST && n->steps->kind == STEP_ANY)) {
		emit(c, field_sql(f));
	} else {
		emit(c, "kfl_path(");
		emit(c, f->traits & FIELD_SEGMENTS ? "kfl_segments(" : "");
		emit(c, field_sql(f));
		emit(c, f->traits & FIELD_SEGMENTS ? ")," : ",");
		if (f->type == TYPE_GROUP)
			emit_detail_steps(c, n->steps);
		else
			emit_steps(c, n->steps);
		emit(c, ")");
	}
}

void sql_path(struct visitor *v, const struct node *n)
{
	struct emitter *c = emitter_of(v);
	const struct node *base = n->first;

	if (n->field && n->steps) {
		emit_field_steps(c, n);
	} else if (n->field) {
		bool as_text = n->type == TYPE_TEXT && (n->field->traits & FIELD_AS_TEXT);
		emit_field(c, as_text ? field_text_sql(n->field) : field_sql(n->field));
	} else if (base && base->kind == NODE_CALL && function_decodes(base->function)) {
		emit_decoded(c, base, n->steps);
	} else {
		emit_enter(c, n, SQL_CALL_SYMBOLS);
		emit(c, "kfl_path(");
		emit_value(c, base);
		emit(c, ",");
		emit_steps(c, n->steps);
		emit(c, ")");
		emit_leave(c, SQL_CALL_SYMBOLS);
	}
}

void sql_variable(struct visitor *v, const struct node *n)
{
	struct emitter *c = emitter_of(v);
	char name[64];

	snprintf(name, sizeof(name), "kfl_element(v%lld.type,v%lld.value)",
		 (long long)n->binder->integer, (long long)n->binder->integer);
	emit(c, name);
}

static void emit_number(struct emitter *c, const struct node *n)
{
	bool dynamic = visit_is_dynamic(n);

	emit_enter(c, n, dynamic ? SQL_CALL_SYMBOLS : 0);
	emit(c, dynamic ? "kfl_number(" : "");
	emit_value(c, n);
	emit(c, dynamic ? ")" : "");
	emit_leave(c, dynamic ? SQL_CALL_SYMBOLS : 0);
}

/* A side of a comparison or sum whose other side is of type `other`. */
void emit_beside(struct emitter *c, const struct node *n, enum kfl_type other)
{
	bool millis = n->type == TYPE_NUMBER && other == TYPE_DURATION && n->field &&
		      (n->field->traits & FIELD_MILLIS);

	emit(c, millis ? "(" : "");
	if (n->type == TYPE_JSON || n->type == TYPE_TEXTS)
		emit_number(c, n);
	else
		emit_value(c, n);
	emit(c, millis ? "*1000)" : "");
}

/* Only the outermost turns what has no result into 0. */
static void emit_arithmetic(struct emitter *c, const struct node *n, bool inner)
{
	static const char *const ops[] = { [TOK_PLUS] = "+",
					   [TOK_MINUS] = "-",
					   [TOK_STAR] = "*",
					   [TOK_SLASH] = "/",
					   [TOK_PERCENT] = "%" };
	const struct node *const sides[] = { n->first, n->last };
	bool text = n->type == TYPE_TEXT;
	unsigned symbols = text || inner ? 3 : SQL_CALL_SYMBOLS;

	emit_enter(c, n, symbols);
	emit(c, text || inner ? "(" : "coalesce(");
	for (int i = 0; i < 2; i++) {
		if (text)
			emit_text(c, sides[i]);
		else if (sides[i]->kind == NODE_ARITHMETIC)
			emit_arithmetic(c, sides[i], true);
		else
			emit_beside(c, sides[i],
				    n->op == TOK_STAR || n->op == TOK_SLASH ? TYPE_NUMBER
									    : sides[!i]->type);
		if (!i)
			emit(c, text ? "||" : ops[n->op]);
	}
	emit(c, text || inner ? ")" : ",0)");
	emit_leave(c, symbols);
}

void sql_negative(struct visitor *v, const struct node *n)
{
	struct emitter *c = emitter_of(v);

	emit_enter(c, n, 2);
	emit(c, n->integer ? "(-" : "(");
	emit_number(c, n->first);
	emit(c, ")");
	emit_leave(c, 2);
}

void sql_choice(struct visitor *v, const struct node *n)
{
	struct emitter *c = emitter_of(v);

	emit_enter(c, n, 5);
	emit(c, "CASE WHEN ");
	emit_condition(c, n->first, false);
	emit(c, " THEN ");
	emit_value(c, n->first->next);
	emit(c, " ELSE ");
	emit_value(c, n->last);
	emit(c, " END");
	emit_leave(c, 5);
}

static int put_literal_json(const struct node *n, struct buf *out)
{
	switch (n->kind) {
	case NODE_INTEGER:
		return buf_printf(out, "%lld", (long long)n->integer);
	case NODE_REAL:
		return buf_printf(out, "%.17g", n->real);
	case NODE_STRING:
		return buf_put_json(out, n->text.data, n->text.len);
	case NODE_BOOL:
		return buf_puts(out, n->integer ? "true" : "false");
	default:
		return buf_puts(out, "null");
	}
}

void emit_list(struct emitter *c, const struct node *n)
{
	struct buf b = { 0 };
	int r = buf_putc(&b, '[');

	for (const struct node *i = n->first; i && !r; i = i->next) {
		if (!visit_is_literal(i)) {
			r = query_fail(&c->filter->memory, i->pos, i->len,
				       "this list takes values only");
			break;
		}
		r = put_literal_json(i, &b);
		r = r || !i->next ? r : buf_putc(&b, ',');
	}
	emit_string_take(c, &b, r ? r : buf_putc(&b, ']'));
}

static void emit_size(struct emitter *c, const struct node *a)
{
	emit_enter(c, a, SQL_CALL_SYMBOLS);
	emit(c, a->type == TYPE_TEXT ? "kfl_length(" : "kfl_size(");
	emit_value(c, a);
	emit(c, ")");
	emit_leave(c, SQL_CALL_SYMBOLS);
}

static void emit_map_get(struct emitter *c, const struct node *n)
{
	const struct node *map = n->first, *name = map->next;
	struct step key = { .kind = STEP_KEY, .key = name->text };
	struct buf b = { 0 };

	emit_enter(c, n, 2 * SQL_CALL_SYMBOLS);
	emit(c, map->type == TYPE_MAP ? "coalesce(kfl_get(" : "coalesce(kfl_path(");
	emit_value(c, map);
	emit_leave(c, 2 * SQL_CALL_SYMBOLS);
	emit(c, ",");
	if (map->type == TYPE_MAP) {
		emit_string(c, name->text.data, name->text.len);
		emit(c, map->field->traits & FIELD_ANY_CASE ? ",1" : ",0");
	} else {
		emit_steps(c, &key);
	}
	emit(c, "),");
	emit_string_take(c, &b, put_literal_json(n->last, &b));
	emit(c, ")");
}

void sql_call(struct visitor *v, const struct node *n)
{
	struct emitter *c = emitter_of(v);

	switch (n->function->id) {
	case FUNCTION_SIZE:
		emit_size(c, n->first);
		break;
	case FUNCTION_MAP_GET:
		emit_map_get(c, n);
		break;
	default:
		emit_decoded(c, n, NULL);
		break;
	}
}

void sql_arithmetic(struct visitor *v, const struct node *n)
{
	emit_arithmetic(emitter_of(v), n, false);
}

void sql_list(struct visitor *v, const struct node *n)
{
	emit_list(emitter_of(v), n);
}

void sql_literal(struct visitor *v, const struct node *n)
{
	emit_parameter(emitter_of(v),
		       (struct sql_parameter){ n->kind, n->text, n->integer, n->real });
}
