/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Go's crypto/tls, in programs and in libraries that Go built. */
#ifndef CLEARTAP_TRACE_GOLANG_H
#define CLEARTAP_TRACE_GOLANG_H

#include "trace/disasm.h"
#include "trace/elf.h"
#include "trace/inspect.h"

/*
 * Plan the probes when the file is Go's: family, version, points, layout, or the reason why there
 * are no points. It changes the mapped copy of the file (elf_relocate). 0 or -errno; family stays
 * as it was when the file is not Go's. fd is the same file, for its debug information, which is
 * read last: what is known without goes to `first`, unless that is NULL.
 */
int golang_inspect(int fd, struct elf_file *e, struct disasm *d, inspect_first_fn *first,
		   struct inspection *ret);

#endif
