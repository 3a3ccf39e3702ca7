/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Make a tiny x86_64 shared library: functions in slots at fixed addresses, so that code can call
 * what comes later; addresses are file offsets.
 */
#ifndef CLEARTAP_ELFGEN_H
#define CLEARTAP_ELFGEN_H

#include <stddef.h>
#include <stdint.h>

enum { ELFGEN_SLOTS = 16, ELFGEN_SLOT = 0x80, ELFGEN_CODE = 0x400, ELFGEN_SIZE = 0x1800 };

struct elfgen {
	uint8_t image[ELFGEN_SIZE];
	size_t at; /* where code is being put */
	int slot;
	const char *name[ELFGEN_SLOTS]; /* NULL: an internal function */
	size_t size[ELFGEN_SLOTS];
};

uint64_t elfgen_addr(int slot);
/* Begin the function of this slot; NULL for one without a symbol. */
void elfgen_func(struct elfgen *g, int slot, const char *name);
/* Append code: bytes in hexadecimal, blanks between them as one likes. */
void elfgen_code(struct elfgen *g, const char *hex);
/* Append an opcode (1 or 2 bytes of hexadecimal) and the distance to the slot's first byte. */
void elfgen_branch(struct elfgen *g, const char *opcode, int slot);
/* Write the headers and tables. */
void elfgen_finish(struct elfgen *g);
/* A memfd with these bytes. */
int elfgen_memfd(const void *data, size_t len);

#endif
