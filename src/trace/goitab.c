// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The itab that a net.Conn holding a *net.TCPConn points to, found as the runtime finds it: the
 * module data lists the itabs, an itab names its types (runtime/symtab.go, internal/abi/type.go).
 */
#include "trace/gobin.h"

#include <string.h>

#include "base/limits.h"

enum {
	TYPE_FLAGS = 20, /* abi.Type.TFlag */
	TYPE_NAME = 40,	 /* abi.Type.Str, an offset from moduledata.types */
	FLAG_EXTRA_STAR = 2,
	IFACE_METHODS = 64, /* length of abi.InterfaceType.Methods */
	ITAB_FUN = 24,
};

/* Offsets in the moduledata; the words there are checked, so each set may be tried on any. */
struct layout {
	uint16_t types, etypes;
	uint16_t links; /* []*itab */
	uint16_t block; /* itaboffset and itabsize: the itabs themselves, since 1.27 */
};

static const struct layout layouts_1_2[] = { { 200, 208, 264, 0 } };
static const struct layout layouts[] = {
	{ 296, 304, 376, 0 }, /* 1.20 */
	{ 296, 304, 384, 0 }, /* 1.26 */
	{ 296, 312, 0, 320 }, /* 1.27 */
	{ 280, 288, 360, 0 }, /* 1.18 */
	{ 280, 288, 344, 0 }, /* 1.16 */
};

struct module {
	const struct elf_file *e;
	const struct gopcln *t;
	uint64_t types, etypes;
};

static bool word_at(const struct elf_file *e, uint64_t addr, uint64_t *ret)
{
	struct elf_piece at = elf_at(e, addr);

	if (at.size < sizeof(*ret))
		return false;
	memcpy(ret, at.data, sizeof(*ret));
	return true;
}

/* Does the name at this address read `want`? Two bytes of length up to 1.16, a varint since. */
static bool name_is(struct elf_piece name, const char *want, bool starred)
{
	size_t len = strlen(want) + starred;

	if (name.size < len + 3)
		return false;
	if (name.data[1] == len)
		name.data += 2;
	else if (!name.data[1] && name.data[2] == len)
		name.data += 3;
	else
		return false;
	if (starred && *name.data++ != '*')
		return false;
	return !memcmp(name.data, want, len - starred);
}

static bool type_is(const struct module *m, uint64_t type, const char *want)
{
	struct elf_piece at = elf_at(m->e, type);
	int32_t name;

	if (type < m->types || type >= m->etypes || at.size < TYPE_NAME + sizeof(name))
		return false;
	memcpy(&name, at.data + TYPE_NAME, sizeof(name));
	if (name < 0)
		return false;
	return name_is(elf_at(m->e, m->types + name), want, at.data[TYPE_FLAGS] & FLAG_EXTRA_STAR);
}

/* Types are named by package, not by path: the first method's full name settles which net. */
static bool itab_fits(const struct module *m, uint64_t itab)
{
	uint64_t iface, type, method;

	if (!word_at(m->e, itab, &iface) || !word_at(m->e, itab + 8, &type) ||
	    !word_at(m->e, itab + ITAB_FUN, &method))
		return false;
	if (!type_is(m, type, "*net.TCPConn") || !type_is(m, iface, "net.Conn"))
		return false;
	return !strncmp(gopcln_name_at(m->t, m->e, method), "net.(*", 6);
}

static uint64_t search_links(const struct module *m, const uint64_t slice[3])
{
	struct elf_piece at = elf_at(m->e, slice[0]);
	uint64_t itab;

	if (slice[1] != slice[2] || slice[1] > at.size / sizeof(itab) || slice[1] > LIMIT_GO_ITABS)
		return 0;
	for (uint64_t i = 0; i < slice[1]; i++) {
		memcpy(&itab, at.data + i * sizeof(itab), sizeof(itab));
		if (itab_fits(m, itab))
			return itab;
	}
	return 0;
}

static uint64_t search_block(const struct module *m, uint64_t offset, uint64_t size)
{
	uint64_t at = m->types + offset, end = at + size, iface, methods, method;

	if (end < at || size > m->e->size)
		return 0;
	for (int n = 0; n < LIMIT_GO_ITABS && at < end; n++) {
		if (itab_fits(m, at))
			return at;
		if (!word_at(m->e, at, &iface) || !word_at(m->e, at + ITAB_FUN, &method) ||
		    !word_at(m->e, iface + IFACE_METHODS, &methods))
			return 0;
		at += ITAB_FUN + 8;
		if (method && methods)
			at += methods > size / 8 ? size : (methods - 1) * 8;
	}
	return 0;
}

static uint64_t try_layout(const struct elf_file *e, const struct gopcln *t, const struct layout *l)
{
	struct module m = { .e = e, .t = t };
	uint64_t value[3];

	if (!word_at(e, t->module + l->types, &m.types) ||
	    !word_at(e, t->module + l->etypes, &m.etypes) || m.types >= m.etypes ||
	    !elf_at(e, m.types).data)
		return 0;
	for (int i = 0; i < 3; i++) {
		if (!word_at(e, t->module + (l->links ? l->links : l->block) + i * 8, &value[i]))
			return 0;
	}
	return l->links ? search_links(&m, value) : search_block(&m, value[0], value[1]);
}

uint64_t goitab_find(const struct elf_file *e, const struct gopcln *t)
{
	const struct layout *l = t->version == GOPCLN_1_2 ? layouts_1_2 : layouts;
	size_t count = t->version == GOPCLN_1_2 ? 1 : sizeof(layouts) / sizeof(layouts[0]);
	uint64_t found = 0;

	for (size_t i = 0; t->module && !found && i < count; i++)
		found = try_layout(e, t, &l[i]);
	return found;
}
