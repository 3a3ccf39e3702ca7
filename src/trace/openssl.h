/* SPDX-License-Identifier: GPL-2.0-or-later */
/* OpenSSL, BoringSSL and their kin: a shared library, or linked into a program with its symbols. */
#ifndef CLEARTAP_TRACE_OPENSSL_H
#define CLEARTAP_TRACE_OPENSSL_H

#include "trace/disasm.h"
#include "trace/elf.h"
#include "trace/inspect.h"

/*
 * Plan the probes. 0, also when the file has none of the functions (then ret stays as it was), or
 * -errno.
 */
int openssl_inspect(const struct elf_file *e, struct disasm *d, struct inspection *ret);

#endif
