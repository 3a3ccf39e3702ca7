/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls inside of crypto/tls.(*Conn).Read and Write that move the plaintext: a call is emulated
 * by the kernel where a return is single-stepped, needs nothing from the function's entry, and so
 * also tells of a Read that was waiting as the probe came. HACKING, "Go calls".
 */
#ifndef CLEARTAP_TRACE_GOCOPY_H
#define CLEARTAP_TRACE_GOCOPY_H

#include "trace/disasm.h"
#include "trace/elf.h"
#include "trace/gobin.h"

enum { GOCOPY_WRITES = 2 };

/*
 * The one call of runtime.memmove in Read, where it is proven that the memory in which
 * the caller leaves room for Read's arguments holds them. ret_frame: from the stack pointer at the
 * call to that at the entry. 0 when there is no such call.
 */
uint64_t gocopy_read(const struct elf_file *e, struct disasm *d, const struct gopcln *t,
		     const struct gobin_func func[GOBIN_NAMES], bool registers,
		     uint32_t *ret_frame);
/*
 * The calls of writeRecordLocked in Write; their number, 0 also when there are more
 * than GOCOPY_WRITES or when their addresses do not differ within a page.
 */
size_t gocopy_write(const struct elf_file *e, struct disasm *d,
		    const struct gobin_func func[GOBIN_NAMES], uint64_t ret[GOCOPY_WRITES]);

#endif
