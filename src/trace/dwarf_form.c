// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/dwarf_form.h"

#include <string.h>

enum form {
	FORM_BLOCK2 = 0x03,
	FORM_BLOCK4 = 0x04,
	FORM_STRING = 0x08,
	FORM_BLOCK = 0x09,
	FORM_BLOCK1 = 0x0a,
	FORM_SDATA = 0x0d,
	FORM_STRP = 0x0e,
	FORM_UDATA = 0x0f,
	FORM_REF_ADDR = 0x10,
	FORM_REF_UDATA = 0x15,
	FORM_INDIRECT = 0x16,
	FORM_EXPRLOC = 0x18,
	FORM_STRX = 0x1a,
	FORM_LINE_STRP = 0x1f,
	FORM_STRX1 = 0x25,
	FORM_STRX4 = 0x28,
	FORM_LAST = 0x2c,
	FORM_GNU_ADDR_INDEX = 0x1f01,
	FORM_GNU_STR_INDEX = 0x1f02,
	FORM_GNU_REF_ALT = 0x1f20,
	FORM_GNU_STRP_ALT = 0x1f21,
};

enum { TEXT_MAX = 64 };
enum { OP_CONSTS = 0x11, OP_PLUS = 0x22, OP_PLUS_UCONST = 0x23 };

/* Bytes of the forms by number; what depends on the unit, or on the value, is below. */
enum { UNKNOWN = 100, ADDRESS, WORD, LEB };
static const uint8_t sizes[FORM_LAST + 1] = {
	UNKNOWN, ADDRESS, UNKNOWN, UNKNOWN, UNKNOWN, 2,	   4,	    8,	     UNKNOWN,
	UNKNOWN, UNKNOWN, 1,	   1,	    LEB,     WORD, LEB,	    UNKNOWN, 1,
	2,	 4,	  8,	   LEB,	    UNKNOWN, WORD, UNKNOWN, 0,	     LEB,
	LEB,	 4,	  WORD,	   16,	    WORD,    8,	   0,	    LEB,     LEB,
	8,	 1,	  2,	   3,	    4,	     1,	   2,	    3,	     4,
};

uint64_t dwarf_take(struct dwarf_span *s, size_t bytes)
{
	uint64_t value = 0;

	if ((size_t)(s->end - s->at) < bytes) {
		s->bad = true;
		s->at = s->end;
		return 0;
	}
	memcpy(&value, s->at, bytes);
	s->at += bytes;
	return value;
}

uint64_t dwarf_uleb(struct dwarf_span *s)
{
	uint64_t value = 0;
	unsigned shift = 0;

	while (s->at < s->end) {
		uint8_t byte = *s->at++;

		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (!(byte & 0x80))
			return value;
	}
	s->bad = true;
	return 0;
}

static void pass(struct dwarf_span *s, uint64_t bytes)
{
	if (bytes > (uint64_t)(s->end - s->at)) {
		s->bad = true;
		bytes = (uint64_t)(s->end - s->at);
	}
	s->at += bytes;
}

/* The form that the value itself names. */
static uint64_t direct(struct dwarf_unit *u, uint64_t form)
{
	while (form == FORM_INDIRECT && !u->at.bad)
		form = dwarf_uleb(&u->at);
	return form;
}

/* Length of a block, whose bytes follow. */
static bool block_size(struct dwarf_unit *u, uint64_t form, uint64_t *ret)
{
	if (form == FORM_BLOCK || form == FORM_EXPRLOC)
		*ret = dwarf_uleb(&u->at);
	else if (form == FORM_BLOCK1 || form == FORM_BLOCK2 || form == FORM_BLOCK4)
		*ret = dwarf_take(&u->at, form == FORM_BLOCK1 ? 1 : form == FORM_BLOCK2 ? 2 : 4);
	else
		return false;
	return true;
}

static uint8_t size_of(const struct dwarf_unit *u, uint64_t form)
{
	uint8_t size = form <= FORM_LAST ? sizes[form] : UNKNOWN;

	if (form == FORM_REF_ADDR)
		size = u->version == 2 ? ADDRESS : WORD;
	else if (form == FORM_GNU_REF_ALT || form == FORM_GNU_STRP_ALT)
		size = WORD;
	else if (form == FORM_GNU_ADDR_INDEX || form == FORM_GNU_STR_INDEX)
		size = LEB;
	return size == ADDRESS ? u->address : size == WORD ? u->word : size;
}

void dwarf_skip(struct dwarf_unit *u, uint64_t form)
{
	uint64_t size;

	form = direct(u, form);
	if (block_size(u, form, &size)) {
		pass(&u->at, size);
	} else if (form == FORM_STRING) {
		const uint8_t *end = memchr(u->at.at, 0, (size_t)(u->at.end - u->at.at));
		pass(&u->at, end ? (uint64_t)(end - u->at.at) + 1 : UINT64_MAX);
	} else if (size_of(u, form) == LEB) {
		dwarf_uleb(&u->at);
	} else {
		size = size_of(u, form);
		pass(&u->at, size == UNKNOWN ? UINT64_MAX : size);
	}
}

/* A name that is looked for is short, so that a table without ends is not searched for each. */
static const char *text_at(struct elf_piece table, uint64_t offset)
{
	if (table.size > offset && table.size - offset > TEXT_MAX)
		table.size = offset + TEXT_MAX;
	return elf_string(table, offset);
}

/* The n-th text of this unit. */
static const char *indexed(const struct dwarf_sections *in, const struct dwarf_unit *u, uint64_t n)
{
	const struct elf_piece *p = &in->str_offsets;
	uint64_t offset = 0;

	if (u->str_offsets_base > p->size || n >= (p->size - u->str_offsets_base) / u->word)
		return "";
	memcpy(&offset, p->data + u->str_offsets_base + n * u->word, u->word);
	return text_at(in->str, offset);
}

const char *dwarf_text(const struct dwarf_sections *in, struct dwarf_unit *u, uint64_t form)
{
	const char *here;

	form = direct(u, form);
	here = (const char *)u->at.at;
	if (form == FORM_STRP)
		return text_at(in->str, dwarf_take(&u->at, u->word));
	if (form == FORM_LINE_STRP)
		return text_at(in->line_str, dwarf_take(&u->at, u->word));
	if (form == FORM_STRX)
		return indexed(in, u, dwarf_uleb(&u->at));
	if (form >= FORM_STRX1 && form <= FORM_STRX4)
		return indexed(in, u, dwarf_take(&u->at, form - FORM_STRX1 + 1));
	dwarf_skip(u, form);
	return form == FORM_STRING && !u->at.bad ? here : "";
}

/* "plus n", as DWARF 2 tells the place of a member; n may also be pushed before. */
static uint64_t evaluate(struct dwarf_span *code)
{
	uint64_t op = dwarf_take(code, 1), value = dwarf_uleb(code);
	bool plus = op == OP_PLUS_UCONST || (op == OP_CONSTS && dwarf_take(code, 1) == OP_PLUS);

	return plus && !code->bad && code->at == code->end ? value : UINT64_MAX;
}

uint64_t dwarf_number(struct dwarf_unit *u, uint64_t form)
{
	uint64_t size;

	form = direct(u, form);
	if (block_size(u, form, &size)) {
		struct dwarf_span code = u->at;

		pass(&u->at, size);
		code.end = u->at.at;
		return u->at.bad ? UINT64_MAX : evaluate(&code);
	}
	if (form == FORM_UDATA || form == FORM_SDATA || form == FORM_REF_UDATA)
		return dwarf_uleb(&u->at);
	size = size_of(u, form);
	if (form != FORM_STRING && size && size <= 8)
		return dwarf_take(&u->at, size);
	dwarf_skip(u, form);
	return UINT64_MAX;
}
