/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of TLS libraries (libraries.def): what each looks like, and who understands it. */
#ifndef CLEARTAP_LIBRARY_H
#define CLEARTAP_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/inspect.h"
#include "trace/library_name.h"

struct disasm;
struct elf_file;

/* What a function takes and how it tells the number of bytes. */
enum library_shape {
	SHAPE_NONE,
	SHAPE_READ,	 /* (connection, buf, num): the result */
	SHAPE_READ_EX,	 /* (connection, buf, num, size_t *): 1 */
	SHAPE_WRITE,	 /* as READ */
	SHAPE_WRITE_EX,	 /* as READ_EX */
	SHAPE_WRITE_EX2, /* (connection, buf, num, flags, size_t *): 1 */
	SHAPE_FREE,	 /* (connection): it ends */
	SHAPE_CLEAR,	 /* (connection): it begins anew */
	SHAPE_HANDSHAKE, /* (connection): the one that does it, then those that may call it */
	SHAPE_FLUSH,	 /* (connection): sends what writes left behind, perhaps by a write */
	SHAPE_PEEK,	 /* reads without taking: must not be counted */
	SHAPE_GO_READ,	 /* methods of Go, see golang.c */
	SHAPE_GO_WRITE,
	SHAPE_GO_CLOSE,
	SHAPE_GO_INNER, /* not probed itself: says where a copy is */
};

enum { LIBRARY_FUNCTIONS = 16, LIBRARY_MARKS = 8, LIBRARY_PATTERNS = 8 };

/* An open file as the inspect functions get it. */
struct library_file {
	struct elf_file *elf;
	struct disasm *disasm;
	inspect_first_fn *first; /* takes what is known before debug information, or NULL */
};

struct library {
	uint32_t number; /* enum ev_library */
	const char *name, *what;
	/*
	 * Plan the probes. 0, also when the file is not of this library (ret->family stays as it
	 * was) or has nothing to probe (ret->reason says why), or -errno.
	 */
	int (*inspect)(const struct library *l, const struct library_file *file,
		       struct inspection *ret);
	const char *file[LIBRARY_PATTERNS];	 /* names worth an analysis and its answer */
	const char *installed[LIBRARY_PATTERNS]; /* looked for on disk before anybody uses them */
	struct library_mark {
		const char *bytes;
		size_t size;
	} mark[LIBRARY_MARKS]; /* a file that has none of these is not of this library */
	struct library_function {
		const char *name;
		enum library_shape shape;
	} function[LIBRARY_FUNCTIONS]; /* reads in a row, writes in a row, most usual first */
};

/* The inspect functions, each in a file of its own. */
#define LIBRARY(id, number, name, what, inspect, ...)                                              \
	int inspect(const struct library *l, const struct library_file *file,                      \
		    struct inspection *ret);
#include "trace/libraries.def"
#undef LIBRARY

/* All rows, in order; *ret_count of them. */
const struct library *library_rows(size_t *ret_count);
/* The row of an enum ev_library, NULL: none. */
const struct library *library_find(uint32_t number);
/* Is a file of this name (last part of its path) expected to be one of these libraries? */
bool library_wants(const char *basename);
/* Does this piece of a file hold a mark of any library? */
bool library_marked(const void *data, size_t size);

#endif
