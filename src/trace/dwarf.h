/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offsets of members of structures, from DWARF 2 to 5, compressed or not. */
#ifndef CLEARTAP_TRACE_DWARF_H
#define CLEARTAP_TRACE_DWARF_H

#include <stddef.h>
#include <stdint.h>

struct elf_file;

struct dwarf_member {
	const char *type, *member;
	int32_t offset; /* result; untouched when not found */
};

/*
 * Look the members up among the structures at the top of each compilation unit, for at most
 * LIMIT_DWARF_SECONDS of processor time. Returns how many were found.
 */
size_t dwarf_members(const struct elf_file *e, struct dwarf_member *list, size_t count);

#endif
