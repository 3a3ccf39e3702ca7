/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a Go program or library says of itself: build information, the function table that stays
 * when symbols are stripped, the module data, the tables of interfaces.
 */
#ifndef CLEARTAP_TRACE_GOBIN_H
#define CLEARTAP_TRACE_GOBIN_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/elf.h"

struct gobin_info {
	char version[64]; /* "go1.19.8", "devel go1.24-..."; "" unknown */
	char module[96];  /* path of the main package, "" unknown */
};

struct gobin_func {
	uint64_t addr, size;
};

/* The functions that are looked for, in the order of the row in libraries.def. */
enum gobin_name {
	GOBIN_READ,
	GOBIN_WRITE,
	GOBIN_CLOSE,
	GOBIN_WRITE_RECORD,
	GOBIN_MEMMOVE,
	GOBIN_NAMES
};
const char *gobin_name(enum gobin_name which);

/* Layouts of the function table, by its magic number. */
enum gopcln_version { GOPCLN_NONE, GOPCLN_1_2, GOPCLN_1_16, GOPCLN_1_18, GOPCLN_1_20 };

struct gopcln {
	enum gopcln_version version;
	struct elf_piece table; /* from the header to the end of its segment */
	uint64_t functions;
	uint64_t names, functab, data; /* offsets in the table */
	uint64_t text;		       /* what entry offsets count from, 1.18 on */
	uint64_t module;	       /* address of the moduledata, 0 not found */
};

/* Go's build information (since 1.13), in either format. False when there is none. */
bool gobin_info(const struct elf_file *e, struct gobin_info *ret);
/* The version where there is no build information, by a symbol; "" unknown. */
void gobin_old_version(const struct elf_file *e, char *ret, size_t room);
/* Anything that only Go's linker leaves: build information, a section by its name. */
bool gobin_is_go(const struct elf_file *e);
/* Find the function table. False when there is none that makes sense. */
bool gopcln_find(const struct elf_file *e, struct gopcln *ret);
/* Functions by their names; the ones that are not there keep addr 0. */
void gopcln_lookup(const struct gopcln *t, const struct elf_file *e,
		   struct gobin_func ret[GOBIN_NAMES]);
/* Name of the function that begins at addr, "" when none does. */
const char *gopcln_name_at(const struct gopcln *t, const struct elf_file *e, uint64_t addr);
/* Address of the itab of (*net.TCPConn, net.Conn) by the module data, 0 when not found. */
uint64_t goitab_find(const struct elf_file *e, const struct gopcln *t);

#endif
