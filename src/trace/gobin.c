// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/gobin.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "event.h"
#include "trace/library.h"

const char *gobin_name(enum gobin_name which)
{
	return library_find(EV_LIB_GO)->function[which].name;
}

static const char magic[] = "\xff Go buildinf:";

enum { INFO_ALIGN = 16, INFO_HEADER = 32, INFO_INLINE = 2, INFO_BIG_ENDIAN = 1, MOD_FRAME = 16 };

/* A varint length and that many bytes, taken off the front. */
static bool take_inline(struct elf_piece *from, struct elf_piece *ret)
{
	uint64_t len = 0;
	size_t n = 0;

	do {
		if (n >= from->size || n > 4)
			return false;
		len |= (uint64_t)(from->data[n] & 0x7f) << (7 * n);
	} while (from->data[n++] & 0x80);
	if (len > from->size - n)
		return false;
	*ret = (struct elf_piece){ from->data + n, len, 0 };
	from->data += n + len;
	from->size -= n + len;
	return true;
}

/* A header that Go wrote, and no program that only looks for such headers. */
static bool header_ok(struct elf_piece at)
{
	struct elf_piece version;

	if (at.size < INFO_HEADER)
		return false;
	if (!(at.data[15] & INFO_INLINE))
		return at.data[14] == 8 && !(at.data[15] & INFO_BIG_ENDIAN);
	at.data += INFO_HEADER;
	at.size -= INFO_HEADER;
	return take_inline(&at, &version) && version.size > 4 &&
	       (!memcmp(version.data, "go", 2) || !memcmp(version.data, "devel", 5));
}

/* The header of the build information in this piece: at a multiple of 16. */
static bool find_header(struct elf_piece in, struct elf_piece *ret)
{
	const uint8_t *at = in.data, *end;

	if (!at)
		return false;
	end = at + in.size;
	while ((at = memmem(at, end - at, magic, sizeof(magic) - 1))) {
		uint64_t addr = in.addr + (at - in.data);

		*ret = (struct elf_piece){ at, end - at, addr };
		if (addr % INFO_ALIGN == 0 && header_ok(*ret))
			return true;
		at++;
	}
	return false;
}

/* .go.buildinfo; without section headers it is searched in what is loaded, writable data first. */
static bool find_info(const struct elf_file *e, struct elf_piece *ret)
{
	if (find_header(elf_section(e, ".go.buildinfo"), ret))
		return true;
	for (int writable = 1; !e->sections && writable >= 0; writable--) {
		for (size_t i = 0; i < e->segments; i++) {
			const GElf_Phdr *p = &e->segment[i];

			if (p->p_type != PT_LOAD || !!(p->p_flags & PF_W) != writable)
				continue;
			if (find_header(elf_at(e, p->p_vaddr), ret))
				return true;
		}
	}
	return false;
}

/* What a Go string header at this address points to. */
static bool read_string(const struct elf_file *e, uint64_t addr, struct elf_piece *ret)
{
	struct elf_piece at = elf_at(e, addr);
	uint64_t header[2];

	if (at.size < sizeof(header))
		return false;
	memcpy(header, at.data, sizeof(header));
	*ret = elf_at(e, header[0]);
	if (!ret->data || ret->size < header[1])
		return false;
	ret->size = header[1];
	return true;
}

static void copy_text(struct elf_piece from, char *ret, size_t room)
{
	size_t len = 0;

	while (len < from.size && len < room - 1 && from.data[len] >= ' ' && from.data[len] < 127) {
		ret[len] = (char)from.data[len];
		len++;
	}
	ret[len] = 0;
}

/* The line "path\t..." or else "mod\t..." between the frames of the module information. */
static void find_module(struct elf_piece mod, char *ret, size_t room)
{
	static const char *const keys[] = { "path\t", "mod\t" };

	if (mod.size < 2 * MOD_FRAME + 1)
		return;
	mod.data += MOD_FRAME;
	mod.size -= 2 * MOD_FRAME;
	for (size_t i = 0; i < 2 && !*ret; i++) {
		const uint8_t *at = memmem(mod.data, mod.size, keys[i], strlen(keys[i]));

		if (!at || (at != mod.data && at[-1] != '\n'))
			continue;
		at += strlen(keys[i]);
		copy_text((struct elf_piece){ at, mod.data + mod.size - at, 0 }, ret, room);
	}
}

static bool take_build_version(const struct elf_symbol *symbol, void *arg)
{
	if (strcmp(symbol->name, "runtime.buildVersion"))
		return false;
	*(uint64_t *)arg = symbol->addr;
	return true;
}

void gobin_old_version(const struct elf_file *e, char *ret, size_t room)
{
	struct elf_piece text;
	uint64_t addr = 0;

	*ret = 0;
	elf_symbols(e, take_build_version, &addr);
	if (addr && read_string(e, addr, &text))
		copy_text(text, ret, room);
}

bool gobin_info(const struct elf_file *e, struct gobin_info *ret)
{
	struct elf_piece at, version = { 0 }, mod = { 0 };
	uint64_t pointer[2];
	uint8_t flags;

	*ret = (struct gobin_info){ 0 };
	if (!find_info(e, &at))
		return false;
	flags = at.data[15];
	memcpy(pointer, at.data + 16, sizeof(pointer));
	at.data += INFO_HEADER;
	at.size -= INFO_HEADER;
	if (flags & INFO_INLINE) {
		if (take_inline(&at, &version))
			take_inline(&at, &mod);
	} else {
		read_string(e, pointer[0], &version);
		read_string(e, pointer[1], &mod);
	}
	copy_text(version, ret->version, sizeof(ret->version));
	find_module(mod, ret->module, sizeof(ret->module));
	return true;
}

bool gobin_is_go(const struct elf_file *e)
{
	static const char *const sections[] = { ".go.buildinfo", ".gopclntab",
						".data.rel.ro.gopclntab", ".note.go.buildid" };
	struct elf_piece at;

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (elf_section(e, sections[i]).data)
			return true;
	}
	return find_info(e, &at);
}
