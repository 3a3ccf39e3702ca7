// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/elf.h"

#include <errno.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

const void *elf_slice(const struct elf_file *e, uint64_t offset, uint64_t len)
{
	if (offset > e->size || len > e->size - offset)
		return NULL;
	return e->data + offset;
}

static struct elf_piece piece_at(const struct elf_file *e, uint64_t addr, uint32_t flags)
{
	for (size_t i = 0; i < e->segments; i++) {
		const GElf_Phdr *p = &e->segment[i];

		if (p->p_type != PT_LOAD || (p->p_flags & flags) != flags || addr < p->p_vaddr ||
		    addr - p->p_vaddr >= p->p_filesz)
			continue;
		uint64_t skip = addr - p->p_vaddr;

		return (struct elf_piece){ e->data + p->p_offset + skip, p->p_filesz - skip, addr };
	}
	return (struct elf_piece){ 0 };
}

struct elf_piece elf_at(const struct elf_file *e, uint64_t addr)
{
	return piece_at(e, addr, 0);
}

bool elf_executable(const struct elf_file *e, uint64_t addr)
{
	for (size_t i = 0; i < e->segments; i++) {
		const GElf_Phdr *p = &e->segment[i];

		if (p->p_type == PT_LOAD && addr >= p->p_vaddr && addr - p->p_vaddr < p->p_filesz)
			return p->p_flags & PF_X;
	}
	return false;
}

bool elf_offset(const struct elf_file *e, uint64_t addr, uint64_t *ret)
{
	struct elf_piece piece = elf_at(e, addr);

	if (!piece.data)
		return false;
	*ret = piece.data - e->data;
	return true;
}

static struct elf_piece section_piece(const struct elf_file *e, const GElf_Shdr *s)
{
	const void *data = NULL;

	if (s->sh_type != SHT_NOBITS)
		data = elf_slice(e, s->sh_offset, s->sh_size);
	return (struct elf_piece){ data, data ? s->sh_size : 0, s->sh_addr };
}

struct elf_piece elf_section(const struct elf_file *e, const char *name)
{
	for (size_t i = 0; i < e->sections; i++) {
		struct elf_piece piece;

		if (strcmp(e->section_name[i], name))
			continue;
		piece = section_piece(e, &e->section[i]);
		if (piece.data)
			return piece;
	}
	return (struct elf_piece){ 0 };
}

const char *elf_string(struct elf_piece table, uint64_t offset)
{
	if (offset >= table.size || !memchr(table.data + offset, 0, table.size - offset))
		return "";
	return (const char *)table.data + offset;
}

/* Value of the first entry with this tag in PT_DYNAMIC. */
static bool dynamic_value(const struct elf_file *e, int64_t tag, uint64_t *ret)
{
	for (size_t i = 0; i < e->segments; i++) {
		const GElf_Phdr *p = &e->segment[i];

		if (p->p_type != PT_DYNAMIC)
			continue;
		for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= p->p_filesz;
		     at += sizeof(Elf64_Dyn)) {
			Elf64_Dyn dyn;

			memcpy(&dyn, e->data + p->p_offset + at, sizeof(dyn));
			if (dyn.d_tag == tag)
				*ret = dyn.d_un.d_val;
			if (dyn.d_tag == tag || dyn.d_tag == DT_NULL)
				return dyn.d_tag == tag && tag != DT_NULL;
		}
	}
	return false;
}

/* A table whose address is the value of one tag and whose size that of another. */
static struct elf_piece dynamic_table(const struct elf_file *e, int64_t tag, int64_t size_tag)
{
	struct elf_piece piece = { 0 };
	uint64_t addr, size;

	if (!dynamic_value(e, tag, &addr) || !dynamic_value(e, size_tag, &size))
		return piece;
	piece = elf_at(e, addr);
	if (piece.size > size)
		piece.size = size;
	return piece;
}

const char *elf_soname(const struct elf_file *e)
{
	uint64_t offset;

	if (!dynamic_value(e, DT_SONAME, &offset))
		return "";
	return elf_string(dynamic_table(e, DT_STRTAB, DT_STRSZ), offset);
}

static bool walk_symbols(struct elf_piece table, struct elf_piece names, elf_symbol_fn *fn,
			 void *arg)
{
	uint64_t count = table.size / sizeof(Elf64_Sym);

	if (count > LIMIT_ELF_SYMBOLS)
		count = LIMIT_ELF_SYMBOLS;
	for (uint64_t i = 0; i < count; i++) {
		struct elf_symbol symbol;
		Elf64_Sym sym;

		memcpy(&sym, table.data + i * sizeof(sym), sizeof(sym));
		if (sym.st_shndx == SHN_UNDEF || !sym.st_value)
			continue;
		if (ELF64_ST_TYPE(sym.st_info) > STT_FUNC)
			continue;
		symbol = (struct elf_symbol){ elf_string(names, sym.st_name), sym.st_value,
					      sym.st_size };
		if (fn(&symbol, arg))
			return true;
	}
	return false;
}

/* The dynamic symbols of a file without section headers: their table ends where the names begin. */
static bool walk_dynamic(const struct elf_file *e, elf_symbol_fn *fn, void *arg)
{
	struct elf_piece names = dynamic_table(e, DT_STRTAB, DT_STRSZ);
	struct elf_piece table;
	uint64_t addr;

	if (!names.data || !dynamic_value(e, DT_SYMTAB, &addr))
		return false;
	table = elf_at(e, addr);
	if (names.addr > addr && table.size > names.addr - addr)
		table.size = names.addr - addr;
	return walk_symbols(table, names, fn, arg);
}

static bool walk_sections(const struct elf_file *e, uint32_t type, elf_symbol_fn *fn, void *arg)
{
	for (size_t i = 0; i < e->sections; i++) {
		const GElf_Shdr *s = &e->section[i];

		if (s->sh_type != type || s->sh_link >= e->sections)
			continue;
		if (walk_symbols(section_piece(e, s), section_piece(e, &e->section[s->sh_link]), fn,
				 arg))
			return true;
	}
	return false;
}

void elf_symbols(const struct elf_file *e, elf_symbol_fn *fn, void *arg)
{
	bool ended;

	if (e->sections)
		ended = walk_sections(e, SHT_DYNSYM, fn, arg);
	else
		ended = walk_dynamic(e, fn, arg);
	if (!ended)
		walk_sections(e, SHT_SYMTAB, fn, arg);
}

/* Bytes of writable segments: each page written to is a page of memory. */
static uint64_t writable_bytes(const struct elf_file *e)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < e->segments; i++) {
		if (e->segment[i].p_type == PT_LOAD && (e->segment[i].p_flags & PF_W))
			sum += e->segment[i].p_filesz;
	}
	return sum;
}

void elf_relocate(struct elf_file *e)
{
	struct elf_piece relocs = dynamic_table(e, DT_RELA, DT_RELASZ);
	uint64_t type = e->machine == EM_X86_64 ? R_X86_64_RELATIVE : R_AARCH64_RELATIVE;

	if (relocs.size / sizeof(Elf64_Rela) > LIMIT_ELF_RELOCS ||
	    writable_bytes(e) > LIMIT_ELF_DATA)
		return;
	for (size_t at = 0; at + sizeof(Elf64_Rela) <= relocs.size; at += sizeof(Elf64_Rela)) {
		struct elf_piece where;
		Elf64_Rela rela;

		memcpy(&rela, relocs.data + at, sizeof(rela));
		if (ELF64_R_TYPE(rela.r_info) != type)
			continue;
		where = piece_at(e, rela.r_offset, PF_W);
		/* the mapping is private and writable */
		if (where.size >= sizeof(rela.r_addend))
			memcpy((void *)where.data, &rela.r_addend, sizeof(rela.r_addend));
	}
}

static const char *slot_in_table(struct elf_piece relocs, struct elf_piece symbols,
				 struct elf_piece names, uint64_t slot)
{
	for (size_t at = 0; at + sizeof(Elf64_Rela) <= relocs.size; at += sizeof(Elf64_Rela)) {
		Elf64_Rela rela;
		Elf64_Sym sym;

		memcpy(&rela, relocs.data + at, sizeof(rela));
		if (rela.r_offset != slot)
			continue;
		uint64_t index = ELF64_R_SYM(rela.r_info);

		if (!index || (index + 1) * sizeof(sym) > symbols.size)
			return "";
		memcpy(&sym, symbols.data + index * sizeof(sym), sizeof(sym));
		return elf_string(names, sym.st_name);
	}
	return "";
}

const char *elf_slot_symbol(const struct elf_file *e, uint64_t slot)
{
	struct elf_piece names = dynamic_table(e, DT_STRTAB, DT_STRSZ);
	struct elf_piece symbols = { 0 };
	const char *name;
	uint64_t addr;

	if (!names.data || !dynamic_value(e, DT_SYMTAB, &addr))
		return "";
	symbols = elf_at(e, addr);
	name = slot_in_table(dynamic_table(e, DT_JMPREL, DT_PLTRELSZ), symbols, names, slot);
	if (!*name)
		name = slot_in_table(dynamic_table(e, DT_RELA, DT_RELASZ), symbols, names, slot);
	return name;
}

static int load_segments(struct elf_file *e, Elf *elf)
{
	size_t count;

	if (elf_getphdrnum(elf, &count) || !count)
		return 0;
	if (count > LIMIT_ELF_SEGMENTS)
		return -E2BIG;
	e->segment = calloc(count, sizeof(*e->segment));
	if (!e->segment)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr *p = &e->segment[e->segments];

		/* one that reaches past the end of the file is as good as absent */
		if (gelf_getphdr(elf, i, p) && elf_slice(e, p->p_offset, p->p_filesz) &&
		    p->p_vaddr + p->p_filesz >= p->p_vaddr)
			e->segments++;
	}
	return 0;
}

static int load_sections(struct elf_file *e, Elf *elf)
{
	size_t count, names;
	struct elf_piece table = { 0 };

	if (elf_getshdrnum(elf, &count) || !count)
		return 0;
	if (count > LIMIT_ELF_SECTIONS)
		return -E2BIG;
	e->section = calloc(count, sizeof(*e->section));
	e->section_name = calloc(count, sizeof(*e->section_name));
	if (!e->section || !e->section_name)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getshdr(elf_getscn(elf, i), &e->section[i]))
			e->section[i] = (GElf_Shdr){ 0 };
	}
	e->sections = count;
	if (!elf_getshdrstrndx(elf, &names) && names < count)
		table = section_piece(e, &e->section[names]);
	for (size_t i = 0; i < count; i++)
		e->section_name[i] = elf_string(table, e->section[i].sh_name);
	return 0;
}

/* What keeps the file from being analysed at all, or NULL. */
static const char *unfit(const struct elf_file *e)
{
	Elf64_Ehdr header;

	if (e->size < EI_NIDENT || memcmp(e->data, ELFMAG, SELFMAG))
		return "not an ELF file";
	if (e->data[EI_CLASS] != ELFCLASS64)
		return "a 32-bit ELF: not supported";
	if (e->data[EI_DATA] != ELFDATA2LSB)
		return "a big-endian ELF: not supported";
	if (e->size < sizeof(header))
		return "an ELF file cut off within its header";
	memcpy(&header, e->data, sizeof(header));
	if (header.e_machine != EM_X86_64 && header.e_machine != EM_AARCH64)
		return "an ELF for another processor than x86_64 and aarch64: not supported";
	if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
		return "an ELF that is neither a program nor a shared library";
	return NULL;
}

static int map_file(int fd, struct elf_file *e, const char **ret_why)
{
	struct stat st;
	size_t room;
	void *data;

	if (fstat(fd, &st))
		return -errno;
	*ret_why = !S_ISREG(st.st_mode)			       ? "not a regular file"
		   : !st.st_size			       ? "an empty file"
		   : (uint64_t)st.st_size > LIMIT_INSPECT_FILE ? "too large to analyse"
							       : NULL;
	if (*ret_why)
		return -ENOEXEC;
	/* zeros follow, so that no string runs out of the mapping whatever elf_relocate() writes */
	room = st.st_size + sysconf(_SC_PAGESIZE);
	data = mmap(NULL, room, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (data == MAP_FAILED)
		return -errno;
	if (mmap(data, st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED,
		 fd, 0) == MAP_FAILED) {
		int err = -errno;

		munmap(data, room);
		return err;
	}
	e->mapped = room;
	e->data = data;
	e->size = st.st_size;
	return 0;
}

static int load_tables(struct elf_file *e, const char **ret_why)
{
	Elf *elf;
	int r;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return -EINVAL;
	/* libelf takes no const, and writes only to files opened for writing */
	elf = elf_memory((char *)e->data, e->size);
	if (!elf || elf_kind(elf) != ELF_K_ELF) {
		elf_end(elf);
		*ret_why = "an ELF file whose header makes no sense";
		return -ENOEXEC;
	}
	r = load_segments(e, elf);
	if (!r)
		r = load_sections(e, elf);
	elf_end(elf);
	if (r == -E2BIG)
		*ret_why = "an ELF file with too many sections or segments";
	else if (!r && !e->segments)
		*ret_why = "an ELF file that is cut off, or has nothing to load";
	return *ret_why ? -ENOEXEC : r;
}

int elf_open(int fd, struct elf_file *ret, const char **ret_why)
{
	int r;

	*ret = (struct elf_file){ 0 };
	*ret_why = NULL;
	r = map_file(fd, ret, ret_why);
	if (r)
		return r;
	*ret_why = unfit(ret);
	if (*ret_why)
		return -ENOEXEC;
	memcpy(&ret->machine, ret->data + offsetof(Elf64_Ehdr, e_machine), sizeof(ret->machine));
	return load_tables(ret, ret_why);
}

void elf_close(struct elf_file *e)
{
	if (e->data)
		munmap((void *)e->data, e->mapped);
	free(e->section);
	free(e->section_name);
	free(e->segment);
	*e = (struct elf_file){ 0 };
}
