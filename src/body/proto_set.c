// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A FileDescriptorSet is a message itself: it is read by the wire format, with the field numbers of
 * descriptor.proto. The file may be anybody's: tables are bounded, and what does not fit is
 * refused.
 */
#include "body/proto_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "body/proto_wire.h"

struct proto_message {
	struct text name;
	size_t field, fields; /* in the table of all, by number */
};

struct proto_value {
	struct text enum_name, name;
	int32_t number;
};

struct proto_method {
	struct text service, name, takes, gives;
};

/* A table that grows; all of one set count against LIMIT_PROTO_ROWS. */
struct proto_rows {
	void *list;
	size_t count, room, size;
};

struct proto_set {
	struct proto_rows messages, fields, values, methods;
	struct arena arena; /* full names, copies of the files */
	size_t rows;
	size_t most_rows, most_names; /* bytes of the arena, of these */
};

struct set_reader {
	struct proto_set *set;
	int error;
	unsigned depth;
};

int proto_set_new(struct proto_set **ret)
{
	struct proto_set *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->messages.size = sizeof(struct proto_message);
	s->fields.size = sizeof(struct proto_field);
	s->values.size = sizeof(struct proto_value);
	s->methods.size = sizeof(struct proto_method);
	s->most_rows = LIMIT_PROTO_ROWS;
	s->most_names = 4 * (size_t)LIMIT_PROTO_BYTES;
	*ret = s;
	return 0;
}

void proto_set_free(struct proto_set *s)
{
	if (!s)
		return;
	free(s->messages.list);
	free(s->fields.list);
	free(s->values.list);
	free(s->methods.list);
	arena_free(&s->arena);
	free(s);
}

void proto_set_bound(struct proto_set *s, size_t bytes)
{
	s->most_names = bytes;
	s->most_rows = bytes / sizeof(struct proto_method);
}

static bool fail(struct set_reader *r, int error)
{
	r->error = r->error ? r->error : error;
	return false;
}

/* A new row, all zero; NULL: r->error says why. */
static void *add_row(struct set_reader *r, struct proto_rows *t)
{
	if (r->error || r->set->rows >= r->set->most_rows) {
		fail(r, -E2BIG);
		return NULL;
	}
	if (t->count == t->room) {
		size_t room = t->room ? 2 * t->room : 64;
		void *list = realloc(t->list, room * t->size);
		if (!list) {
			fail(r, -ENOMEM);
			return NULL;
		}
		t->list = list;
		t->room = room;
	}
	r->set->rows++;
	return memset((char *)t->list + t->size * t->count++, 0, t->size);
}

/* "scope.name" */
static struct text full_name(struct set_reader *r, struct text scope, struct text name)
{
	size_t dot = scope.len > 0;

	if (scope.len + name.len > LIMIT_PROTO_NAME || r->set->arena.used > r->set->most_names) {
		fail(r, -E2BIG);
		return name;
	}
	if (!dot)
		return name;
	char *p = arena_alloc(&r->set->arena, scope.len + 1 + name.len);
	if (!p) {
		fail(r, -ENOMEM);
		return name;
	}
	memcpy(p, scope.data, scope.len);
	p[scope.len] = '.';
	memcpy(p + scope.len + 1, name.data, name.len);
	return (struct text){ p, scope.len + 1 + name.len };
}

/* The next field of a descriptor; false at its end, or when it is broken. */
static bool next(struct set_reader *r, struct text d, size_t *at, struct wire_field *ret,
		 struct text *ret_text)
{
	if (r->error || *at >= d.len)
		return false;
	if (!wire_field((const uint8_t *)d.data, d.len, *at, ret) || ret->cut ||
	    ret->type == WIRE_GROUP || ret->type == WIRE_END_GROUP)
		return fail(r, -EINVAL);
	*at = ret->end;
	*ret_text = ret->type == WIRE_LENGTH
			    ? (struct text){ d.data + ret->data, ret->end - ret->data }
			    : (struct text){ "", 0 };
	return true;
}

/* The text of field `number` of a descriptor, "" without one: the name comes first in none. */
static struct text find_text(struct set_reader *r, struct text d, uint32_t number)
{
	struct text t, found = { "", 0 };
	struct wire_field f;

	for (size_t at = 0; next(r, d, &at, &f, &t);)
		if (f.number == number && f.type == WIRE_LENGTH)
			found = t;
	return found;
}

static struct text without_dot(struct text t)
{
	return t.len && *t.data == '.' ? (struct text){ t.data + 1, t.len - 1 } : t;
}

/* FieldDescriptorProto: name 1, number 3, label 4 (3: repeated), type 5, type_name 6 */
static void add_field(struct set_reader *r, struct text d)
{
	struct proto_field *row = add_row(r, &r->set->fields);
	struct wire_field f;
	struct text t;

	for (size_t at = 0; row && next(r, d, &at, &f, &t);) {
		if (f.number == 1)
			row->name = t;
		else if (f.number == 3)
			row->number = (uint32_t)f.value;
		else if (f.number == 4)
			row->repeated = f.value == 3;
		else if (f.number == 5)
			row->type =
				f.value < PROTO_TYPES ? (enum proto_type)f.value : PROTO_UNKNOWN;
		else if (f.number == 6)
			row->type_name = without_dot(t);
	}
}

/* EnumDescriptorProto: name 1, value 2 {name 1, number 2} */
static void add_enum(struct set_reader *r, struct text scope, struct text d)
{
	struct text name = full_name(r, scope, find_text(r, d, 1)), t, v;
	struct wire_field f, g;

	for (size_t at = 0; next(r, d, &at, &f, &t);) {
		struct proto_value *row = f.number == 2 ? add_row(r, &r->set->values) : NULL;
		if (row)
			row->enum_name = name;
		for (size_t i = 0; row && next(r, t, &i, &g, &v);) {
			if (g.number == 1)
				row->name = v;
			else if (g.number == 2)
				row->number = (int32_t)g.value;
		}
	}
}

/* DescriptorProto: name 1, field 2, nested_type 3, enum_type 4. Its fields are rows one after the
 * other, so what nests comes after them. */
static void add_message(struct set_reader *r, struct text scope, struct text d)
{
	struct text name = full_name(r, scope, find_text(r, d, 1)), t;
	struct proto_message *row = add_row(r, &r->set->messages);
	size_t first = r->set->fields.count;
	struct wire_field f;

	if (!row || ++r->depth > LIMIT_BODY_DEPTH) {
		fail(r, -E2BIG);
		return;
	}
	for (size_t at = 0; next(r, d, &at, &f, &t);)
		if (f.number == 2 && f.type == WIRE_LENGTH)
			add_field(r, t);
	*row = (struct proto_message){ name, first, r->set->fields.count - first };
	for (size_t at = 0; next(r, d, &at, &f, &t);) {
		if (f.number == 3 && f.type == WIRE_LENGTH)
			add_message(r, name, t);
		else if (f.number == 4 && f.type == WIRE_LENGTH)
			add_enum(r, name, t);
	}
	r->depth--;
}

/* ServiceDescriptorProto: name 1, method 2 {name 1, input_type 2, output_type 3} */
static void add_service(struct set_reader *r, struct text scope, struct text d)
{
	struct text name = full_name(r, scope, find_text(r, d, 1)), t, v;
	struct wire_field f, g;

	for (size_t at = 0; next(r, d, &at, &f, &t);) {
		struct proto_method *row = f.number == 2 ? add_row(r, &r->set->methods) : NULL;
		if (row)
			row->service = name;
		for (size_t i = 0; row && next(r, t, &i, &g, &v);) {
			if (g.number == 1)
				row->name = v;
			else if (g.number == 2)
				row->takes = without_dot(v);
			else if (g.number == 3)
				row->gives = without_dot(v);
		}
	}
}

/* FileDescriptorProto: package 2, message_type 4, enum_type 5, service 6 */
static void add_file(struct set_reader *r, struct text d)
{
	struct text package = find_text(r, d, 2), t;
	struct wire_field f;

	for (size_t at = 0; next(r, d, &at, &f, &t);) {
		if (f.type != WIRE_LENGTH)
			continue;
		if (f.number == 4)
			add_message(r, package, t);
		else if (f.number == 5)
			add_enum(r, package, t);
		else if (f.number == 6)
			add_service(r, package, t);
	}
}

int proto_set_add(struct proto_set *s, const void *data, size_t len, char *error, size_t error_size)
{
	struct set_reader r = { .set = s };
	char *copy = len <= LIMIT_PROTO_BYTES ? arena_alloc(&s->arena, len + 1) : NULL;
	struct wire_field f;
	struct text t;

	if (!copy) {
		fail(&r, len <= LIMIT_PROTO_BYTES ? -ENOMEM : -E2BIG);
	} else {
		memcpy(copy, data, len);
		const struct text all = { copy, len };
		for (size_t at = 0; next(&r, all, &at, &f, &t);) {
			if (f.number == 1 && f.type == WIRE_LENGTH)
				add_file(&r, t);
			else
				fail(&r, -EINVAL);
		}
	}
	if (r.error)
		snprintf(
			error, error_size, "%s",
			r.error == -EINVAL ? "it is no FileDescriptorSet (protoc -o writes one)"
			: r.error == -E2BIG
				? "it is larger than what is taken, or has more messages and fields"
				: "out of memory");
	return r.error;
}

/* Only a regular file, and never more of it than the bound. */
static int read_file(const char *path, struct buf *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t n = 1;
	int r = fd < 0 ? -errno : 0;

	if (!r && fstat(fd, &st))
		r = -errno;
	if (!r && !S_ISREG(st.st_mode))
		r = -EINVAL;
	while (!r && n > 0 && ret->len <= LIMIT_PROTO_BYTES) {
		r = buf_reserve(ret, 1 << 16);
		n = r ? 0 : read(fd, ret->data + ret->len, 1 << 16);
		if (n < 0)
			r = -errno;
		else
			ret->len += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	return r;
}

int proto_set_read(struct proto_set *s, const char *path, char *error, size_t error_size)
{
	struct buf bytes = { 0 };
	char why[128];
	int r = read_file(path, &bytes);

	snprintf(why, sizeof(why), "%s", r == -EINVAL ? "it is no regular file" : strerror(-r));
	if (!r)
		r = proto_set_add(s, bytes.data, bytes.len, why, sizeof(why));
	if (r)
		snprintf(error, error_size, "read --proto-set %s: %s", path, why);
	buf_free(&bytes);
	return r;
}

static int compare_text(struct text a, struct text b)
{
	int r = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

	return r ? r : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *a, const void *b)
{
	return compare_text(((const struct proto_message *)a)->name,
			    ((const struct proto_message *)b)->name);
}

static int by_number(const void *a, const void *b)
{
	const struct proto_field *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static int by_value(const void *a, const void *b)
{
	const struct proto_value *x = a, *y = b;
	int r = compare_text(x->enum_name, y->enum_name);

	return r ? r : (x->number > y->number) - (x->number < y->number);
}

static int by_method(const void *a, const void *b)
{
	const struct proto_method *x = a, *y = b;
	int r = compare_text(x->service, y->service);

	return r ? r : compare_text(x->name, y->name);
}

static void sort(struct proto_rows *t, int (*order)(const void *, const void *))
{
	if (t->count)
		qsort(t->list, t->count, t->size, order);
}

static const void *find(const struct proto_rows *t, const void *key,
			int (*order)(const void *, const void *))
{
	return t->count ? bsearch(key, t->list, t->count, t->size, order) : NULL;
}

void proto_set_sort(struct proto_set *s)
{
	const struct proto_message *m = s->messages.list;

	for (size_t i = 0; i < s->messages.count; i++)
		if (m[i].fields)
			qsort((struct proto_field *)s->fields.list + m[i].field, m[i].fields,
			      sizeof(struct proto_field), by_number);
	sort(&s->messages, by_name);
	sort(&s->values, by_value);
	sort(&s->methods, by_method);
}

const struct proto_message *proto_set_message(const struct proto_set *s, struct text name)
{
	const struct proto_message key = { .name = without_dot(name) };

	return s && key.name.len ? find(&s->messages, &key, by_name) : NULL;
}

const struct proto_field *proto_message_field(const struct proto_set *s,
					      const struct proto_message *m, uint32_t number)
{
	const struct proto_field key = { .number = number };

	if (!s || !m || !m->fields)
		return NULL;
	return bsearch(&key, (const struct proto_field *)s->fields.list + m->field, m->fields,
		       sizeof(key), by_number);
}

struct text proto_set_value(const struct proto_set *s, struct text enum_name, int32_t number)
{
	const struct proto_value key = { .enum_name = enum_name, .number = number };
	const struct proto_value *v = s && enum_name.len ? find(&s->values, &key, by_value) : NULL;

	return v ? v->name : (struct text){ 0 };
}

struct text proto_set_method(const struct proto_set *s, struct text service, struct text method,
			     bool answer)
{
	const struct proto_method key = { .service = service, .name = method };
	const struct proto_method *m =
		s && service.len && method.len ? find(&s->methods, &key, by_method) : NULL;

	return !m ? (struct text){ 0 } : answer ? m->gives : m->takes;
}

size_t proto_set_count(const struct proto_set *s)
{
	return s ? s->messages.count : 0;
}
