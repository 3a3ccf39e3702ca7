/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Libraries whose functions take (connection, buf, num): exported, or linked into a program. */
#ifndef CLEARTAP_EXPORTS_H
#define CLEARTAP_EXPORTS_H

#include <stdbool.h>
#include <stddef.h>

struct elf_file;
struct inspection;
struct library;
struct library_file;

/*
 * Plan the probes of the row's functions, each call seen once. 0 or -errno. ret->family becomes
 * the row's number when the file defines one that reads or writes, and is_it (NULL: any) agrees.
 */
int exports_inspect(const struct library *l, const struct library_file *f,
		    bool (*is_it)(const struct elf_file *e), struct inspection *ret);

/*
 * Copy the text of .rodata that begins with mark ("OpenSSL ") and goes on with a version, up to
 * where that ends. false, and nothing copied, where there is none.
 */
bool exports_version(const struct elf_file *e, const char *mark, char *ret, size_t room);

#endif
