// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/dwarf.h"

#if __has_include(<libdwarf/libdwarf.h>) /* Debian */
#include <libdwarf/dwarf.h>
#include <libdwarf/libdwarf.h>
#else
#include <dwarf.h>
#include <libdwarf.h>
#endif
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"

struct search {
	Dwarf_Debug debug;
	struct dwarf_member *list;
	size_t count, found;
	clock_t until;
	uint32_t steps;
};

static bool spent(struct search *s)
{
	return s->found == s->count || (++s->steps % 1024 == 0 && clock() > s->until);
}

/* libdwarf hands out an error with a failure that has to be given back. */
static bool ok(struct search *s, int r, Dwarf_Error *error)
{
	if (r == DW_DLV_ERROR && *error)
		dwarf_dealloc(s->debug, *error, DW_DLA_ERROR);
	*error = NULL;
	return r == DW_DLV_OK;
}

static bool name_of(struct search *s, Dwarf_Die die, const char **ret)
{
	Dwarf_Error error = NULL;
	char *name = NULL;

	if (!ok(s, dwarf_diename(die, &name, &error), &error))
		return false;
	*ret = name;
	return true;
}

static bool location_of(struct search *s, Dwarf_Die die, uint64_t *ret)
{
	Dwarf_Attribute attribute;
	Dwarf_Error error = NULL;
	Dwarf_Unsigned value = 0;
	bool good;

	if (!ok(s, dwarf_attr(die, DW_AT_data_member_location, &attribute, &error), &error))
		return false;
	good = ok(s, dwarf_formudata(attribute, &value, &error), &error);
	dwarf_dealloc(s->debug, attribute, DW_DLA_ATTR);
	*ret = value;
	return good;
}

/* Call fn for the die's siblings from this one on; gives each back. */
typedef void die_fn(struct search *s, Dwarf_Die die, const char *type);

static void each_sibling(struct search *s, Dwarf_Die die, die_fn *fn, const char *type)
{
	while (die) {
		Dwarf_Error error = NULL;
		Dwarf_Die next = NULL;

		if (!spent(s)) {
			fn(s, die, type);
			if (!ok(s, dwarf_siblingof_b(s->debug, die, true, &next, &error), &error))
				next = NULL;
		}
		dwarf_dealloc(s->debug, die, DW_DLA_DIE);
		die = next;
	}
}

static void each_child(struct search *s, Dwarf_Die die, die_fn *fn, const char *type)
{
	Dwarf_Error error = NULL;
	Dwarf_Die child = NULL;

	if (ok(s, dwarf_child(die, &child, &error), &error))
		each_sibling(s, child, fn, type);
}

static void match_member(struct search *s, Dwarf_Die die, const char *type)
{
	const char *name;
	uint64_t offset;

	if (!name_of(s, die, &name))
		return;
	for (size_t i = 0; i < s->count; i++) {
		struct dwarf_member *m = &s->list[i];

		if (m->offset >= 0 || strcmp(m->type, type) || strcmp(m->member, name))
			continue;
		if (location_of(s, die, &offset) && offset <= LIMIT_STRUCT_BYTES) {
			m->offset = (int32_t)offset;
			s->found++;
		}
	}
}

static void match_type(struct search *s, Dwarf_Die die, const char *unused)
{
	Dwarf_Error error = NULL;
	const char *name;
	Dwarf_Half tag;

	(void)unused;
	if (!ok(s, dwarf_tag(die, &tag, &error), &error) || tag != DW_TAG_structure_type ||
	    !name_of(s, die, &name))
		return;
	for (size_t i = 0; i < s->count; i++) {
		if (s->list[i].offset < 0 && !strcmp(s->list[i].type, name)) {
			each_child(s, die, match_member, s->list[i].type);
			return;
		}
	}
}

static bool next_unit(struct search *s)
{
	Dwarf_Half version, address_size, length_size, extension_size, type;
	Dwarf_Unsigned length, type_offset, next;
	Dwarf_Error error = NULL;
	Dwarf_Sig8 signature;
	Dwarf_Off abbrev;

	return ok(s,
		  dwarf_next_cu_header_d(s->debug, true, &length, &version, &abbrev, &address_size,
					 &length_size, &extension_size, &signature, &type_offset,
					 &next, &type, &error),
		  &error);
}

static void search_units(struct search *s)
{
	while (!spent(s) && next_unit(s)) {
		Dwarf_Error error = NULL;
		Dwarf_Die unit = NULL;

		if (!ok(s, dwarf_siblingof_b(s->debug, NULL, true, &unit, &error), &error))
			continue;
		each_child(s, unit, match_type, NULL);
		dwarf_dealloc(s->debug, unit, DW_DLA_DIE);
	}
}

size_t dwarf_members(int fd, struct dwarf_member *list, size_t count)
{
	struct search s = { .list = list, .count = count };
	Dwarf_Error error = NULL;
	int r;

	s.until = clock() + (clock_t)LIMIT_DWARF_SECONDS * CLOCKS_PER_SEC;
#ifdef DW_LIBDWARF_VERSION /* 0.1 and later */
	r = dwarf_init_b(fd, DW_GROUPNUMBER_ANY, NULL, NULL, &s.debug, &error);
#else
	r = dwarf_init_b(fd, DW_DLC_READ, DW_GROUPNUMBER_ANY, NULL, NULL, &s.debug, &error);
#endif
	if (r != DW_DLV_OK) {
		if (r == DW_DLV_ERROR)
			dwarf_dealloc_error(NULL, error);
		return 0;
	}
	search_units(&s);
#ifdef DW_LIBDWARF_VERSION
	dwarf_finish(s.debug);
#else
	dwarf_finish(s.debug, &error);
#endif
	return s.found;
}
