/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A 64-bit little-endian ELF file of an architecture that cleartap knows, mapped and checked: no
 * pointer that leaves here points outside the file, whatever its tables say.
 */
#ifndef CLEARTAP_TRACE_ELF_H
#define CLEARTAP_TRACE_ELF_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_file {
	const uint8_t *data;
	size_t size, mapped;
	uint16_t machine; /* EM_X86_64 or EM_AARCH64 */
	size_t sections, segments;
	GElf_Shdr *section;
	const char **section_name; /* "" for a bad one */
	GElf_Phdr *segment;
};

/* A piece of the file: `data` is NULL when there is none. addr is its virtual address. */
struct elf_piece {
	const uint8_t *data;
	size_t size;
	uint64_t addr;
};

struct elf_symbol {
	const char *name;
	uint64_t addr, size;
};

/* Called for each defined symbol; returning true ends the walk. */
typedef bool elf_symbol_fn(const struct elf_symbol *symbol, void *arg);

/*
 * Map the file. 0, or -errno with *ret_why set to a sentence when the file itself is the reason
 * (then -ENOEXEC). Close with elf_close() in either case.
 */
int elf_open(int fd, struct elf_file *ret, const char **ret_why);
void elf_close(struct elf_file *e);

/* The bytes [offset, offset + len) of the file, or NULL when they are not all there. */
const void *elf_slice(const struct elf_file *e, uint64_t offset, uint64_t len);
/* The bytes from a virtual address to the end of what its segment has in the file. */
struct elf_piece elf_at(const struct elf_file *e, uint64_t addr);
bool elf_executable(const struct elf_file *e, uint64_t addr);
/* Virtual address to file offset by the program headers. */
bool elf_offset(const struct elf_file *e, uint64_t addr, uint64_t *ret);
/* Contents of the first section of this name; sections without contents are passed over. */
struct elf_piece elf_section(const struct elf_file *e, const char *name);
/* .dynsym, then .symtab; without section headers what PT_DYNAMIC tells. */
void elf_symbols(const struct elf_file *e, elf_symbol_fn *fn, void *arg);
/*
 * Apply the relocations that only add the load address, as if it were 0, to the mapped copy:
 * pointers in the data of a PIE then read as the addresses that its symbols have.
 */
void elf_relocate(struct elf_file *e);
/* Name of the symbol that a PLT slot (address in .got) is relocated with, "" when unknown. */
const char *elf_slot_symbol(const struct elf_file *e, uint64_t slot);
/* NUL-terminated string at an offset of a piece, "" when it does not end inside. */
const char *elf_string(struct elf_piece table, uint64_t offset);
/* DT_SONAME, "" when there is none. */
const char *elf_soname(const struct elf_file *e);

#endif
