/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of DWARF's attributes (DWARF 5, section 7.5.6), read with bounds. */
#ifndef CLEARTAP_TRACE_DWARF_FORM_H
#define CLEARTAP_TRACE_DWARF_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/elf.h"

enum { FORM_IMPLICIT_CONST = 0x21 };

/* What is left; bad: more was wanted than there is, and it is at its end. */
struct dwarf_span {
	const uint8_t *at, *end;
	bool bad;
};

struct dwarf_unit {
	const uint8_t *begin; /* of its header, from which references count */
	struct dwarf_span at;
	uint16_t version;
	uint8_t word, address; /* bytes of an offset, and of an address */
	uint64_t str_offsets_base;
};

/* Where texts are. */
struct dwarf_sections {
	struct elf_piece str, line_str, str_offsets;
};

/* A number of up to 8 bytes; 0 when there are not so many. */
uint64_t dwarf_take(struct dwarf_span *s, size_t bytes);
/* Signed ones have the same length. */
uint64_t dwarf_uleb(struct dwarf_span *s);
/* Pass over a value. An unknown form makes the span bad, for its length is unknown too. */
void dwarf_skip(struct dwarf_unit *u, uint64_t form);
/* A text, "" when the value is none; borrowed. */
const char *dwarf_text(const struct dwarf_sections *in, struct dwarf_unit *u, uint64_t form);
/* A constant, a reference within the unit, or an expression that adds one; UINT64_MAX: none. */
uint64_t dwarf_number(struct dwarf_unit *u, uint64_t form);

#endif
