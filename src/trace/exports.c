// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/exports.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "trace/elf.h"
#include "trace/library.h"
#include "trace/plan.h"

struct exports {
	const struct library *library;
	const struct elf_file *e;
	struct disasm *d;
	struct inspection *out;
	int count, calls; /* all; those that read or write, which come first */
	size_t prefix;
	struct plan_export export[LIBRARY_FUNCTIONS]; /* in the order of the row */
	struct plan_route route[LIBRARY_FUNCTIONS];
	bool covered[LIBRARY_FUNCTIONS]; /* a probe elsewhere sees its calls */
};

/* Exports in a row that share what a probe on one common inner function would see. */
struct group {
	int first, last;
	enum probe_kind kind; /* of the plainest shape; the others follow in order */
};

static const struct {
	enum probe_kind probe;
	enum plan_shape plan;
} shapes[] = {
	[SHAPE_READ] = { PROBE_SSL_READ, PLAN_INT },
	[SHAPE_READ_EX] = { PROBE_SSL_READ_EX, PLAN_EX },
	[SHAPE_WRITE] = { PROBE_SSL_WRITE, PLAN_INT },
	[SHAPE_WRITE_EX] = { PROBE_SSL_WRITE_EX, PLAN_EX },
	[SHAPE_WRITE_EX2] = { PROBE_SSL_WRITE_EX2, PLAN_EX2 },
	[SHAPE_FREE] = { PROBE_SSL_FREE },
	[SHAPE_CLEAR] = { PROBE_SSL_CLEAR },
	[SHAPE_HANDSHAKE] = { PROBE_SSL_HANDSHAKE },
	[SHAPE_FLUSH] = { PROBE_SSL_FLUSH },
	[SHAPE_PEEK] = { PROBE_KIND_COUNT },
};

static enum library_shape shape_of(const struct exports *x, int which)
{
	return x->library->function[which].shape;
}

/* How much of their names all functions of the row have in common. */
static size_t common_prefix(const struct exports *s)
{
	const char *first = s->export[0].name;
	size_t len = strlen(first);

	for (int i = 1; i < s->count; i++) {
		while (strncmp(first, s->export[i].name, len))
			len--;
	}
	return len;
}

static bool take_symbol(const struct elf_symbol *symbol, void *arg)
{
	struct exports *s = arg;

	if (strncmp(symbol->name, s->export[0].name, s->prefix))
		return false;
	for (int i = 0; i < s->count; i++) {
		struct plan_export *x = &s->export[i];

		if (x->addr || strcmp(symbol->name, x->name))
			continue;
		if (!elf_executable(s->e, symbol->addr))
			continue;
		x->addr = symbol->addr;
		x->size = symbol->size;
	}
	return false;
}

__attribute__((format(printf, 2, 3))) static void tell(struct exports *s, const char *fmt, ...)
{
	char *plan = s->out->plan;
	size_t room = sizeof(s->out->plan), len = strlen(plan);
	va_list ap;

	if (len)
		snprintf(plan + len, room - len, "; ");
	len = strlen(plan);
	va_start(ap, fmt);
	vsnprintf(plan + len, room - len, fmt, ap);
	va_end(ap);
}

static void add_point(struct exports *s, enum probe_kind kind, const struct plan_place *place)
{
	struct inspection *out = s->out;
	uint64_t offset;

	if (!elf_offset(s->e, place->addr, &offset) || out->points == LIMIT_PROBE_POINTS)
		return;
	out->point[out->points++] =
		(struct probe_point){ .offset = offset, .kind = kind, .cheap = place->cheap };
}

static void probe_export(struct exports *s, int which)
{
	const struct plan_export *x = &s->export[which];
	struct plan_place place;

	plan_place(s->e, s->d, x->addr, x->size, &place);
	add_point(s, shapes[shape_of(s, which)].probe, &place);
	tell(s, "%s+%u %s", x->name, (unsigned int)(place.addr - x->addr), place.text);
}

/* Does `target` serve a function that must not be counted? */
static bool peeked(const struct exports *s, uint64_t target)
{
	for (int i = s->calls; i < s->count; i++) {
		const struct plan_export *x = &s->export[i];

		if (shape_of(s, i) == SHAPE_PEEK && x->addr &&
		    plan_branches_to(s->e, s->d, x->addr, x->size, target))
			return true;
	}
	return false;
}

/* The internal function that all exports of the group that are left call, or 0. */
static uint64_t shared_target(const struct exports *s, const struct group *g, uint8_t *ret_count)
{
	uint64_t target = 0;
	int users = 0;

	for (int i = g->first; i <= g->last; i++) {
		const struct plan_route *r = &s->route[i];

		if (!s->export[i].addr || s->covered[i])
			continue;
		if (!r->certain || r->sibling >= 0 || (target && r->target != target) ||
		    (target && r->count_arg != *ret_count))
			return 0;
		target = r->target;
		*ret_count = r->count_arg;
		users++;
	}
	/* one export alone does not show that the function is what it seems to be */
	return users > 1 && !peeked(s, target) ? target : 0;
}

static bool probe_shared(struct exports *s, const struct group *g)
{
	uint8_t count = 0;
	uint64_t target = shared_target(s, g, &count);
	struct plan_place place;
	char names[64] = "";

	if (!target || (g->kind == PROBE_SSL_READ && count != 3))
		return false;
	plan_place(s->e, s->d, target, 0, &place);
	add_point(s, count == 3 ? g->kind + 1 : g->kind + 2, &place);
	for (int i = g->first; i <= g->last; i++) {
		size_t len = strlen(names);

		if (s->export[i].addr)
			snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "",
				 s->export[i].name);
	}
	tell(s, "internal 0x%llx %s (%s)", (unsigned long long)place.addr, place.text, names);
	return true;
}

/*
 * An export that hands every call on to another one needs no probe of its own. Where this is not
 * proven, and yet one mentions another, probing both may count twice: then the one that fewer
 * programs call is left out.
 */
static void leave_out(struct exports *s, const struct group *g)
{
	for (int i = g->first; i <= g->last; i++) {
		const struct plan_route *r = &s->route[i];

		if (!s->export[i].addr)
			continue;
		if (r->certain && r->sibling >= 0 && !s->covered[r->sibling]) {
			s->covered[i] = true;
			tell(s, "%s by %s", s->export[i].name, s->export[r->sibling].name);
			continue;
		}
		for (int k = g->first; k <= g->last; k++) {
			int rare = i > k ? i : k;

			if (!(r->mentions & (1u << k)) || s->covered[i] || s->covered[k])
				continue;
			s->covered[rare] = true;
			tell(s, "%s left out, it may be counted twice", s->export[rare].name);
		}
	}
	for (int i = g->first; i <= g->last; i++) {
		for (int k = g->first; k < i; k++) {
			if (s->export[i].addr == s->export[k].addr)
				s->covered[i] = true;
		}
	}
}

static int plan_group(struct exports *s, const struct group *g)
{
	for (int i = g->first; i <= g->last; i++) {
		int r = 0;

		if (s->export[i].addr)
			r = plan_route(s->e, s->d, s->export, s->calls, i, &s->route[i]);
		if (r)
			return r;
	}
	leave_out(s, g);
	if (probe_shared(s, g))
		return 0;
	for (int i = g->first; i <= g->last; i++) {
		if (s->export[i].addr && !s->covered[i])
			probe_export(s, i);
	}
	return 0;
}

static bool is_call(enum library_shape shape)
{
	return shape >= SHAPE_READ && shape <= SHAPE_WRITE_EX2;
}

static void take_row(struct exports *s)
{
	const struct library_function *f = s->library->function;

	for (; s->count < LIBRARY_FUNCTIONS && f[s->count].name; s->count++) {
		enum library_shape shape = f[s->count].shape;

		s->export[s->count].name = f[s->count].name;
		s->export[s->count].shape = shapes[shape].plan;
		if (is_call(shape) && s->calls == s->count)
			s->calls++;
	}
	s->prefix = common_prefix(s);
}

static bool same_group(const struct exports *s, int a, int b)
{
	return (shape_of(s, a) < SHAPE_WRITE) == (shape_of(s, b) < SHAPE_WRITE);
}

static int plan_calls(struct exports *s)
{
	int r = 0;

	for (int first = 0, last; !r && first < s->calls; first = last + 1) {
		for (last = first; last + 1 < s->calls && same_group(s, first, last + 1);)
			last++;
		struct group g = { first, last,
				   shape_of(s, first) < SHAPE_WRITE ? PROBE_SSL_READ
								    : PROBE_SSL_WRITE };
		r = plan_group(s, &g);
	}
	return r;
}

/*
 * What is sent and received in a handshake tells a server's socket. Clients need none of it: they
 * write first. SSL_accept mostly ends in SSL_do_handshake, the one before it, and is then seen
 * there.
 */
static int handshake_seen(struct exports *s, int which, bool *ret_seen)
{
	const struct plan_export *x = &s->export[which - 1];
	struct plan_route route = { .mentions = 0 };
	int r = 0;

	*ret_seen = false;
	if (shape_of(s, which) != SHAPE_HANDSHAKE || shape_of(s, which - 1) != SHAPE_HANDSHAKE ||
	    !x->addr)
		return 0;
	r = plan_route(s->e, s->d, x, 2, 1, &route);
	*ret_seen = (route.mentions & 1) || x[0].addr == x[1].addr;
	return r;
}

int exports_inspect(const struct library *l, const struct library_file *f,
		    bool (*is_it)(const struct elf_file *e), struct inspection *ret)
{
	struct exports s = { .library = l, .e = f->elf, .d = f->disasm, .out = ret };
	bool any = false;

	take_row(&s);
	elf_symbols(f->elf, take_symbol, &s);
	for (int i = 0; i < s.calls; i++)
		any |= s.export[i].addr != 0;
	if (!any || (is_it && !is_it(f->elf)))
		return 0;
	ret->family = l->number;
	int r = plan_calls(&s);
	for (int i = s.calls; !r && i < s.count; i++) {
		bool seen = false;

		if (s.export[i].addr && shape_of(&s, i) != SHAPE_PEEK)
			r = handshake_seen(&s, i, &seen);
		if (!r && s.export[i].addr && shape_of(&s, i) != SHAPE_PEEK && !seen)
			probe_export(&s, i);
	}
	return r;
}

bool exports_version(const struct elf_file *e, const char *mark, char *ret, size_t room)
{
	struct elf_piece ro = elf_section(e, ".rodata");
	const uint8_t *at = ro.data, *end;
	size_t len = strlen(mark);

	if (!at)
		return false;
	end = at + ro.size;
	while ((at = memmem(at, end - at, mark, len))) {
		const uint8_t *digit = at + len, *stop = digit;

		while (stop < end && (isalnum(*stop) || *stop == '.' || *stop == '-'))
			stop++;
		if (stop > digit + 4 && isdigit(*digit) && digit[1] == '.' &&
		    (size_t)(stop - at) < room) {
			memcpy(ret, at, stop - at);
			ret[stop - at] = 0;
			return true;
		}
		at = digit;
	}
	return false;
}
