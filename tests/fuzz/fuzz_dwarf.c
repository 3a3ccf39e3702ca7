// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sections of debug information, each with a byte for its name (bit 7: compressed, bit 6: as older
 * linkers name compressed ones), its length and its bytes, in an ELF file made here.
 */
#include <elf.h>

#include "base/buf.h"
#include "base/limits.h"
#include "sparse.h"
#include "trace/dwarf.h"
#include "trace/elf.h"

#define MOST_NS (10000000ULL * (FUZZ_BYTE_NS / 50))

enum { SECTIONS = 16, NAME_ROOM = 24 };

static const char *const names[] = {
	"info",	    "abbrev", "str",	"line",	    "str_offsets", "addr",
	"line_str", "types",  "ranges", "rnglists", "loc",	   "loclists",
};

struct file {
	struct buf bytes;
	Elf64_Shdr section[SECTIONS];
	char name[SECTIONS][NAME_ROOM];
	uint16_t count;
};

static void add_section(struct file *f, const char *prefix, const char *name, uint64_t flags,
			const void *data, size_t len)
{
	Elf64_Shdr *s = &f->section[f->count];

	snprintf(f->name[f->count], NAME_ROOM, "%s%s", prefix, name);
	*s = (Elf64_Shdr){ .sh_name = (Elf64_Word)(f->count * NAME_ROOM),
			   .sh_type = SHT_PROGBITS,
			   .sh_flags = flags,
			   .sh_offset = f->bytes.len,
			   .sh_size = len,
			   .sh_addralign = 1 };
	buf_put(&f->bytes, data, len);
	f->count++;
}

static void add_sections(struct file *f, const uint8_t *data, size_t size)
{
	for (size_t at = 0, len; at + 3 < size && f->count < SECTIONS - 1; at += 3 + len) {
		bool packed = data[at] & 0x80, old = data[at] & 0x40;

		len = data[at + 1] | (size_t)data[at + 2] << 8;
		if (len > size - at - 3)
			len = size - at - 3;
		add_section(f, old ? ".zdebug_" : ".debug_",
			    names[(data[at] & 0x3f) % (sizeof(names) / sizeof(*names))],
			    packed ? SHF_COMPRESSED : 0, data + at + 3, len);
	}
}

static int make_file(const uint8_t *data, size_t size)
{
	Elf64_Ehdr head = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			    .e_type = ET_DYN,
			    .e_machine = EM_X86_64,
			    .e_version = EV_CURRENT,
			    .e_ehsize = sizeof(head),
			    .e_phoff = sizeof(head),
			    .e_phentsize = sizeof(Elf64_Phdr),
			    .e_phnum = 1,
			    .e_shentsize = sizeof(Elf64_Shdr) };
	const Elf64_Phdr load = { .p_type = PT_LOAD, .p_flags = PF_R, .p_filesz = sizeof(head) };
	struct file f = { .count = 1 };
	int fd = memfd_create("dwarf", MFD_CLOEXEC);

	buf_put(&f.bytes, &head, sizeof(head));
	buf_put(&f.bytes, &load, sizeof(load));
	add_sections(&f, data, size);
	snprintf(f.name[f.count], NAME_ROOM, ".shstrtab");
	add_section(&f, ".shstrtab", "", 0, f.name, sizeof(f.name));
	f.section[f.count - 1].sh_type = SHT_STRTAB;
	while (f.bytes.len % 8)
		buf_putc(&f.bytes, 0);
	head.e_shoff = f.bytes.len;
	head.e_shnum = f.count;
	head.e_shstrndx = f.count - 1;
	buf_put(&f.bytes, f.section, f.count * sizeof(f.section[0]));
	memcpy(f.bytes.data, &head, sizeof(head));
	require(fd >= 0 && write(fd, f.bytes.data, f.bytes.len) == (ssize_t)f.bytes.len);
	buf_free(&f.bytes);
	return fd;
}

static void search(void *ctx, const uint8_t *data, size_t size)
{
	struct dwarf_member members[] = {
		{ "runtime.g", "goid", -1 },
		{ "crypto/tls.Conn", "conn", -1 },
		{ "net.conn", "fd", -1 },
		{ "net.netFD", "pfd", -1 },
		{ "internal/poll.FD", "Sysfd", -1 },
	};
	size_t count = sizeof(members) / sizeof(members[0]), known = 0;

	(void)data;
	(void)size;
	size_t found = dwarf_members(ctx, members, count);
	for (size_t i = 0; i < count; i++) {
		require(members[i].offset >= -1 && members[i].offset <= LIMIT_STRUCT_BYTES);
		known += members[i].offset >= 0;
	}
	require(found == known);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = make_file(data, size);
	const char *why = NULL;
	struct elf_file e;

	require(!elf_open(fd, &e, &why));
	search(&e, data, size);
	if (fuzz_weighed(data, size))
		fuzz_weigh_once(search, &e, data, size, MOST_NS);
	elf_close(&e);
	close(fd);
	return 0;
}
