// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Enough of DWARF 5 (and 2 to 4) to find members by name: units, abbreviations, and the forms of
 * attributes, most of which are only passed over. Each byte is looked at a bounded number of times.
 */
#include "trace/dwarf.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/coding.h"
#include "base/limits.h"
#include "trace/dwarf_form.h"
#include "trace/elf.h"

enum { TAG_MEMBER = 0x0d, TAG_STRUCTURE = 0x13 };
enum { AT_SIBLING = 0x01, AT_NAME = 0x03, AT_MEMBER_LOCATION = 0x38, AT_STR_OFFSETS_BASE = 0x72 };
enum { UNIT_COMPILE = 1, UNIT_PARTIAL = 3, UNIT_SKELETON = 4, UNIT_SPLIT = 5 };

struct attribute {
	uint16_t name, form;
	uint64_t constant; /* of FORM_IMPLICIT_CONST */
};

struct abbreviation {
	uint32_t first, count; /* of its attributes */
	uint16_t tag;
	bool children;
};

/* The table of a unit, kept for the next one: all units of a Go program have the same. */
struct table {
	uint64_t offset;
	bool known;
	struct buf abbreviations; /* struct abbreviation; codes count from 1, as all compilers do */
	struct buf attributes;	  /* struct attribute */
};

struct search {
	struct dwarf_sections in;
	struct elf_piece info, abbrev;
	struct buf room[5]; /* what was compressed */
	struct table table;
	uint64_t parsed; /* bytes of abbreviations, all together */
	struct dwarf_member *list;
	size_t count, found;
	clock_t until;
	uint32_t steps;
};

/* What a DIE says that anybody wants. */
struct die {
	const char *name;
	uint64_t location, sibling; /* UINT64_MAX: none */
};

static bool spent(struct search *s)
{
	return s->found == s->count || (++s->steps % 1024 == 0 && clock() > s->until);
}

/* The compressed contents that begin here, of which the header says how large they become. */
static struct elf_piece inflate(const char *coding, struct elf_piece from, size_t header,
				uint64_t size, struct buf *room)
{
	if (size > LIMIT_DWARF_SECTION ||
	    coding_decode(coding, from.data + header, from.size - header, size, room))
		return (struct elf_piece){ 0 };
	return (struct elf_piece){ (const uint8_t *)room->data, room->len, 0 };
}

static bool is_compressed(const struct elf_file *e, const char *name)
{
	for (size_t i = 0; i < e->sections; i++)
		if (!strcmp(e->section_name[i], name))
			return e->section[i].sh_flags & SHF_COMPRESSED;
	return false;
}

/* name: ".zdebug_info", as older linkers call what is compressed. */
static struct elf_piece section(const struct elf_file *e, const char *name, struct buf *room)
{
	struct elf_piece piece = elf_section(e, name);
	uint64_t size = 0;
	Elf64_Chdr head;

	if (!piece.data) {
		char plain[32] = ".";

		strncat(plain, name + 2, sizeof(plain) - 2);
		piece = elf_section(e, plain);
		if (!piece.data || !is_compressed(e, plain))
			return piece;
		if (piece.size < sizeof(head))
			return (struct elf_piece){ 0 };
		memcpy(&head, piece.data, sizeof(head));
		return inflate(head.ch_type == ELFCOMPRESS_ZLIB ? "deflate" : "zstd", piece,
			       sizeof(head), head.ch_size, room);
	}
	if (piece.size < 12 || memcmp(piece.data, "ZLIB", 4))
		return (struct elf_piece){ 0 };
	for (int i = 4; i < 12; i++)
		size = size << 8 | piece.data[i];
	return inflate("deflate", piece, 12, size, room);
}

static void load(struct search *s, const struct elf_file *e)
{
	s->info = section(e, ".zdebug_info", &s->room[0]);
	s->abbrev = section(e, ".zdebug_abbrev", &s->room[1]);
	s->in.str = section(e, ".zdebug_str", &s->room[2]);
	s->in.line_str = section(e, ".zdebug_line_str", &s->room[3]);
	s->in.str_offsets = section(e, ".zdebug_str_offsets", &s->room[4]);
}

static bool read_attributes(struct dwarf_span *at, struct table *t, struct abbreviation *a)
{
	for (;;) {
		struct attribute attribute = { .name = (uint16_t)dwarf_uleb(at) };

		attribute.form = (uint16_t)dwarf_uleb(at);
		if (attribute.form == FORM_IMPLICIT_CONST)
			attribute.constant = dwarf_uleb(at);
		if (at->bad || (!attribute.name && !attribute.form))
			return !at->bad;
		if (buf_put(&t->attributes, &attribute, sizeof(attribute)))
			return false;
		a->count++;
	}
}

/* Of all units together no more is read than there is, some times over. */
static bool read_table(struct search *s, uint64_t offset)
{
	struct table *t = &s->table;

	if (t->known && t->offset == offset)
		return true;
	if (offset > s->abbrev.size)
		return false;
	buf_reset(&t->abbreviations);
	buf_reset(&t->attributes);
	*t = (struct table){ offset, true, t->abbreviations, t->attributes };
	struct dwarf_span at = { s->abbrev.data + offset, s->abbrev.data + s->abbrev.size, false };
	for (uint64_t code = 1; dwarf_uleb(&at) == code; code++) {
		struct abbreviation a = { .first = (uint32_t)(t->attributes.len /
							      sizeof(struct attribute)) };

		a.tag = (uint16_t)dwarf_uleb(&at);
		a.children = dwarf_take(&at, 1);
		if (!read_attributes(&at, t, &a) || buf_put(&t->abbreviations, &a, sizeof(a)))
			break;
	}
	s->parsed += (uint64_t)(at.at - s->abbrev.data) - offset;
	return s->parsed <= 4 * (uint64_t)s->abbrev.size + s->info.size;
}

static const struct abbreviation *find_abbreviation(const struct table *t, uint64_t code)
{
	const struct abbreviation *all = (const struct abbreviation *)t->abbreviations.data;

	return code - 1 < t->abbreviations.len / sizeof(*all) ? &all[code - 1] : NULL;
}

static bool read_die(const struct search *s, struct dwarf_unit *u, const struct abbreviation *a,
		     struct die *ret)
{
	const struct attribute *of = (const struct attribute *)s->table.attributes.data;

	*ret = (struct die){ "", UINT64_MAX, UINT64_MAX };
	for (uint32_t i = a->first; i < a->first + a->count && !u->at.bad; i++) {
		if (of[i].name == AT_NAME)
			ret->name = dwarf_text(&s->in, u, of[i].form);
		else if (of[i].name == AT_MEMBER_LOCATION && of[i].form == FORM_IMPLICIT_CONST)
			ret->location = of[i].constant;
		else if (of[i].name == AT_MEMBER_LOCATION)
			ret->location = dwarf_number(u, of[i].form);
		else if (of[i].name == AT_SIBLING)
			ret->sibling = dwarf_number(u, of[i].form);
		else if (of[i].name == AT_STR_OFFSETS_BASE)
			u->str_offsets_base = dwarf_number(u, of[i].form);
		else
			dwarf_skip(u, of[i].form);
	}
	return !u->at.bad;
}

static const char *wanted_type(const struct search *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->list[i].offset < 0 && !strcmp(s->list[i].type, name))
			return s->list[i].type;
	return NULL;
}

static void match_member(struct search *s, const char *type, const struct die *die)
{
	for (size_t i = 0; i < s->count; i++) {
		struct dwarf_member *m = &s->list[i];

		if (m->offset >= 0 || strcmp(m->type, type) || strcmp(m->member, die->name) ||
		    die->location > LIMIT_STRUCT_BYTES)
			continue;
		m->offset = (int32_t)die->location;
		s->found++;
	}
}

/* Pass over the children of what is of no interest, where the DIE says how far. */
static bool leap(struct dwarf_unit *u, const struct die *die)
{
	uint64_t here = (uint64_t)(u->at.at - u->begin);

	if (die->sibling < here || die->sibling > here + (uint64_t)(u->at.end - u->at.at) ||
	    die->sibling == UINT64_MAX)
		return false;
	u->at.at = u->begin + die->sibling;
	return true;
}

/* The unit's own DIE is at depth 0, structures at 1, their members at 2. */
static void search_unit(struct search *s, struct dwarf_unit *u)
{
	const char *type = NULL; /* of the structure that encloses this place */
	uint32_t depth = 0;
	struct die die;

	do {
		uint64_t code = dwarf_uleb(&u->at);
		const struct abbreviation *a = find_abbreviation(&s->table, code);

		if (u->at.bad || spent(s) || (code && !a) || (!code && !depth))
			return;
		if (!code) {
			depth--;
			continue;
		}
		if (!read_die(s, u, a, &die))
			return;
		if (depth == 2 && type && a->tag == TAG_MEMBER)
			match_member(s, type, &die);
		if (depth == 1)
			type = a->tag == TAG_STRUCTURE ? wanted_type(s, die.name) : NULL;
		if (a->children && !(depth == 1 && !type && leap(u, &die)))
			depth++;
	} while (depth);
}

/* Reads the header; false: nothing in it is looked for. */
static bool open_unit(struct search *s, struct dwarf_unit *u)
{
	uint64_t kind = UNIT_COMPILE, abbrev = 0;

	u->version = (uint16_t)dwarf_take(&u->at, 2);
	if (u->version < 2 || u->version > 5)
		return false;
	if (u->version == 5)
		kind = dwarf_take(&u->at, 1);
	else
		abbrev = dwarf_take(&u->at, u->word);
	u->address = (uint8_t)dwarf_take(&u->at, 1);
	if (u->version == 5)
		abbrev = dwarf_take(&u->at, u->word);
	if (kind == UNIT_SKELETON || kind == UNIT_SPLIT)
		dwarf_take(&u->at, 8);
	else if (kind != UNIT_COMPILE && kind != UNIT_PARTIAL)
		return false;
	return !u->at.bad && u->address <= 8 && read_table(s, abbrev);
}

static void search_units(struct search *s)
{
	struct dwarf_span all = { s->info.data, s->info.data + s->info.size, false };

	while (all.at < all.end && !spent(s)) {
		struct dwarf_unit u = { .begin = all.at, .word = 4 };
		uint64_t size = dwarf_take(&all, 4);

		if (size == UINT32_MAX) {
			u.word = 8;
			size = dwarf_take(&all, 8);
		}
		if (all.bad || size > (uint64_t)(all.end - all.at))
			return;
		u.at = (struct dwarf_span){ all.at, all.at + size, false };
		all.at += size;
		if (open_unit(s, &u))
			search_unit(s, &u);
	}
}

size_t dwarf_members(const struct elf_file *e, struct dwarf_member *list, size_t count)
{
	struct search s = { .list = list, .count = count };

	s.until = clock() + (clock_t)LIMIT_DWARF_SECONDS * CLOCKS_PER_SEC;
	load(&s, e);
	if (s.info.data && s.abbrev.data)
		search_units(&s);
	for (size_t i = 0; i < sizeof(s.room) / sizeof(*s.room); i++)
		buf_free(&s.room[i]);
	buf_free(&s.table.abbreviations);
	buf_free(&s.table.attributes);
	return s.found;
}
