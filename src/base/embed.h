/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that are part of the program: build-aux/embed turns them into C tables at build. */
#ifndef CLEARTAP_EMBED_H
#define CLEARTAP_EMBED_H

#include <stddef.h>

struct embedded_file {
	const char *name; /* as given to build-aux/embed; NULL ends a table */
	const void *data; /* a NUL follows the last byte */
	size_t size;
	const char *hash; /* 16 hex digits of the content's SHA-256, for an ETag */
};

extern const struct embedded_file schema_files[]; /* schema/NNNN-*.sql in order */

/* The file of that name in a table, or NULL. */
const struct embedded_file *embed_find(const struct embedded_file *table, const char *name);

#endif
