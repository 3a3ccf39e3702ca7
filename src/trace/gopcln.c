// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table that Go's runtime finds functions by (.gopclntab), in the layouts of Go 1.2, 1.16,
 * 1.18 and 1.20; runtime/symtab.go and debug/gosym of those versions say how they differ.
 */
#include "trace/gobin.h"

#include <string.h>

#include "base/limits.h"

enum {
	HEADER = 8,	   /* magic, two zeros, instruction quantum, pointer size */
	MODULE_TEXT = 176, /* moduledata.text since 1.16 */
	MODULE_TEXT_1_2 = 96,
	MODULE_READ = 208,
};

static bool get(struct elf_piece p, uint64_t offset, size_t len, uint64_t *ret)
{
	*ret = 0;
	if (offset > p.size || p.size - offset < len)
		return false;
	memcpy(ret, p.data + offset, len);
	return true;
}

static size_t field_size(const struct gopcln *t)
{
	return t->version >= GOPCLN_1_18 ? 4 : 8;
}

/* Entry address and offset of the data of function n; n == functions gives the end of the last. */
static bool function_at(const struct gopcln *t, uint64_t n, uint64_t *ret_addr, uint64_t *ret_data)
{
	size_t size = field_size(t);
	uint64_t at = t->functab + n * 2 * size;

	if (!get(t->table, at, size, ret_addr))
		return false;
	if (n < t->functions && !get(t->table, at + size, size, ret_data))
		return false;
	*ret_addr += t->version >= GOPCLN_1_18 ? t->text : 0;
	*ret_data += t->data;
	return true;
}

static const char *function_name(const struct gopcln *t, uint64_t data)
{
	uint64_t name;

	if (!get(t->table, data + field_size(t), 4, &name))
		return "";
	return elf_string(t->table, t->names + name);
}

static bool read_header(struct gopcln *t)
{
	uint64_t word[8] = { 0 }, magic = 0, name_word, magic_ok;

	if (!get(t->table, 0, 4, &magic) || t->table.size < HEADER + sizeof(word))
		return false;
	memcpy(word, t->table.data + HEADER, sizeof(word));
	magic_ok = !t->table.data[4] && !t->table.data[5] &&
		   (t->table.data[6] == 1 || t->table.data[6] == 4) && t->table.data[7] == 8;
	t->version = magic == 0xfffffffb   ? GOPCLN_1_2
		     : magic == 0xfffffffa ? GOPCLN_1_16
		     : magic == 0xfffffff0 ? GOPCLN_1_18
		     : magic == 0xfffffff1 ? GOPCLN_1_20
					   : GOPCLN_NONE;
	if (!magic_ok || t->version == GOPCLN_NONE)
		return false;
	t->functions = word[0];
	if (t->version == GOPCLN_1_2) {
		t->functab = HEADER + 8;
		t->names = t->data = 0;
	} else {
		name_word = t->version == GOPCLN_1_16 ? 2 : 3;
		t->names = word[name_word];
		t->functab = t->data = word[name_word + 4];
	}
	if (t->version >= GOPCLN_1_18)
		t->text = word[2];
	return t->functions && t->functions <= LIMIT_GO_FUNCTIONS &&
	       t->functions < t->table.size / (2 * field_size(t)) && t->names < t->table.size &&
	       t->functab < t->table.size;
}

/* The words of a moduledata agree with the table that its first one points to. */
static bool module_fits(const struct gopcln *t, const uint8_t *at, uint64_t *ret_text)
{
	uint64_t word[MODULE_READ / 8], first, data = 0;
	struct gopcln with = *t;

	memcpy(word, at, sizeof(word));
	if (t->version == GOPCLN_1_2) {
		*ret_text = word[MODULE_TEXT_1_2 / 8];
		return word[1] == word[2] && word[3] == t->table.addr + t->functab &&
		       word[4] == t->functions + 1;
	}
	*ret_text = with.text = word[MODULE_TEXT / 8];
	if (word[1] != t->table.addr + t->names || word[13] != t->table.addr + t->data)
		return false;
	/* ftab, then minpc: the entry of the first function */
	return word[16] == t->table.addr + t->functab && word[17] == t->functions + 1 &&
	       function_at(&with, 0, &first, &data) && word[20] == first;
}

static bool scan_module(struct gopcln *t, struct elf_piece in)
{
	uint64_t skip = -in.addr & 7;

	for (uint64_t at = skip; in.size >= MODULE_READ && at <= in.size - MODULE_READ; at += 8) {
		uint64_t first, text;

		memcpy(&first, in.data + at, sizeof(first));
		if (first != t->table.addr || !module_fits(t, in.data + at, &text))
			continue;
		t->module = in.addr + at;
		t->text = text;
		return true;
	}
	return false;
}

/* The moduledata begins with a pointer to the table. It lies in writable data. */
static void find_module(const struct elf_file *e, struct gopcln *t)
{
	static const char *const sections[] = { ".go.module", ".noptrdata", ".data" };

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (scan_module(t, elf_section(e, sections[i])))
			return;
	}
	for (size_t i = 0; i < e->segments; i++) {
		if (e->segment[i].p_type != PT_LOAD || !(e->segment[i].p_flags & PF_W))
			continue;
		if (scan_module(t, elf_at(e, e->segment[i].p_vaddr)))
			return;
	}
}

/* A header that leads to functions in executable memory. */
static bool accept(const struct elf_file *e, struct elf_piece at, struct gopcln *ret)
{
	struct gopcln t = { .table = at };
	uint64_t addr, data = 0;

	if (!read_header(&t))
		return false;
	find_module(e, &t);
	if (!function_at(&t, 0, &addr, &data) || !elf_executable(e, addr))
		return false;
	*ret = t;
	return true;
}

static bool scan_table(const struct elf_file *e, struct elf_piece in, struct gopcln *ret)
{
	static const uint8_t magics[] = { 0xf1, 0xf0, 0xfa, 0xfb };
	int tries = 0;

	if (!in.data)
		return false;
	for (size_t i = 0; i < sizeof(magics); i++) {
		const uint8_t pattern[] = {
			magics[i], 0xff, 0xff, 0xff, 0, 0, e->machine == EM_X86_64 ? 1 : 4, 8
		};
		const uint8_t *at = in.data, *end = in.data + in.size;

		while ((at = memmem(at, end - at, pattern, sizeof(pattern)))) {
			uint64_t offset = at - in.data;
			struct elf_piece piece = { at, end - at, in.addr + offset };

			if (++tries > LIMIT_GOPCLN_TRIES)
				return false;
			if (accept(e, piece, ret))
				return true;
			at++;
		}
	}
	return false;
}

bool gopcln_find(const struct elf_file *e, struct gopcln *ret)
{
	static const char *const sections[] = { ".gopclntab", ".data.rel.ro.gopclntab" };

	*ret = (struct gopcln){ 0 };
	for (size_t i = 0; i < 2; i++) {
		struct elf_piece piece = elf_section(e, sections[i]);

		if (piece.data && accept(e, piece, ret))
			return true;
	}
	for (size_t i = 0; i < e->segments; i++) {
		const GElf_Phdr *p = &e->segment[i];

		if (p->p_type == PT_LOAD && scan_table(e, elf_at(e, p->p_vaddr), ret))
			return true;
	}
	return false;
}

void gopcln_lookup(const struct gopcln *t, const struct elf_file *e,
		   struct gobin_func ret[GOBIN_NAMES])
{
	uint64_t addr, data, end, unused;

	for (uint64_t n = 0; n < t->functions; n++) {
		data = unused = 0;
		if (!function_at(t, n, &addr, &data) || !function_at(t, n + 1, &end, &unused))
			return;
		const char *name = function_name(t, data);

		if (strncmp(name, "crypto/tls.(*Conn).", 19) && strcmp(name, "runtime.memmove"))
			continue;
		for (int i = 0; i < GOBIN_NAMES; i++) {
			if (ret[i].addr || strcmp(name, gobin_name(i)) || end <= addr ||
			    !elf_executable(e, addr))
				continue;
			ret[i] = (struct gobin_func){ addr, end - addr };
		}
	}
}

const char *gopcln_name_at(const struct gopcln *t, const struct elf_file *e, uint64_t addr)
{
	uint64_t low = 0, high = t->functions;

	(void)e;
	while (low < high) {
		uint64_t mid = low + (high - low) / 2, at, data = 0;

		if (!function_at(t, mid, &at, &data))
			return "";
		if (at == addr)
			return function_name(t, data);
		if (at < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return "";
}
