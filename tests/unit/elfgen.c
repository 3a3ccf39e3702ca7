// SPDX-License-Identifier: GPL-2.0-or-later
#include "elfgen.h"

#include <assert.h>
#include <ctype.h>
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SYMBOLS = 0x1000, NAMES = 0x1300, SECTION_NAMES = 0x1600, SECTIONS = 0x1640 };

static const char section_names[] = "\0.dynsym\0.dynstr\0.text\0.shstrtab";

uint64_t elfgen_addr(int slot)
{
	return ELFGEN_CODE + (uint64_t)slot * ELFGEN_SLOT;
}

void elfgen_func(struct elfgen *g, int slot, const char *name)
{
	g->slot = slot;
	g->at = elfgen_addr(slot);
	g->name[slot] = name;
}

void elfgen_code(struct elfgen *g, const char *hex)
{
	unsigned int byte;

	while (*hex) {
		if (isspace((unsigned char)*hex)) {
			hex++;
			continue;
		}
		assert(sscanf(hex, "%2x", &byte) == 1);
		g->image[g->at++] = (uint8_t)byte;
		hex += 2;
	}
	g->size[g->slot] = g->at - elfgen_addr(g->slot);
	assert(g->size[g->slot] <= ELFGEN_SLOT);
}

void elfgen_branch(struct elfgen *g, const char *opcode, int slot)
{
	int32_t distance;

	elfgen_code(g, opcode);
	distance = (int32_t)(elfgen_addr(slot) - (g->at + 4));
	memcpy(g->image + g->at, &distance, sizeof(distance));
	g->at += sizeof(distance);
	elfgen_code(g, "");
}

static size_t put_symbols(struct elfgen *g)
{
	size_t count = 1, names = 1;

	for (int i = 0; i < ELFGEN_SLOTS; i++) {
		Elf64_Sym sym = { .st_name = names,
				  .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
				  .st_shndx = 3,
				  .st_value = elfgen_addr(i),
				  .st_size = g->size[i] };

		if (!g->name[i])
			continue;
		memcpy(g->image + SYMBOLS + count++ * sizeof(sym), &sym, sizeof(sym));
		strcpy((char *)g->image + NAMES + names, g->name[i]);
		names += strlen(g->name[i]) + 1;
	}
	return count;
}

static void put_sections(struct elfgen *g, size_t symbols)
{
	Elf64_Shdr s[5] = {
		[1] = { .sh_name = 1,
			.sh_type = SHT_DYNSYM,
			.sh_offset = SYMBOLS,
			.sh_addr = SYMBOLS,
			.sh_size = symbols * sizeof(Elf64_Sym),
			.sh_link = 2,
			.sh_entsize = sizeof(Elf64_Sym) },
		[2] = { .sh_name = 9,
			.sh_type = SHT_STRTAB,
			.sh_offset = NAMES,
			.sh_addr = NAMES,
			.sh_size = SECTION_NAMES - NAMES },
		[3] = { .sh_name = 17,
			.sh_type = SHT_PROGBITS,
			.sh_offset = ELFGEN_CODE,
			.sh_addr = ELFGEN_CODE,
			.sh_size = SYMBOLS - ELFGEN_CODE,
			.sh_flags = SHF_ALLOC | SHF_EXECINSTR },
		[4] = { .sh_name = 23,
			.sh_type = SHT_STRTAB,
			.sh_offset = SECTION_NAMES,
			.sh_size = sizeof(section_names) },
	};

	memcpy(g->image + SECTION_NAMES, section_names, sizeof(section_names));
	memcpy(g->image + SECTIONS, s, sizeof(s));
}

void elfgen_finish(struct elfgen *g)
{
	Elf64_Ehdr e = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				      EV_CURRENT },
			 .e_type = ET_DYN,
			 .e_machine = EM_X86_64,
			 .e_version = EV_CURRENT,
			 .e_phoff = sizeof(Elf64_Ehdr),
			 .e_shoff = SECTIONS,
			 .e_ehsize = sizeof(Elf64_Ehdr),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = 1,
			 .e_shentsize = sizeof(Elf64_Shdr),
			 .e_shnum = 5,
			 .e_shstrndx = 4 };
	Elf64_Phdr p = { .p_type = PT_LOAD,
			 .p_flags = PF_R | PF_X,
			 .p_filesz = ELFGEN_SIZE,
			 .p_memsz = ELFGEN_SIZE,
			 .p_align = 0x1000 };

	memcpy(g->image, &e, sizeof(e));
	memcpy(g->image + sizeof(e), &p, sizeof(p));
	put_sections(g, put_symbols(g));
}

int elfgen_memfd(const void *data, size_t len)
{
	int fd = memfd_create("elfgen", MFD_CLOEXEC);

	assert(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	return fd;
}
