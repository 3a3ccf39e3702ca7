/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where probes go in a Go function. A uretprobe would break Go's stacks, so each return gets a
 * probe of its own; and a function whose stack must grow starts again, so an entry may be passed
 * twice by one call: HACKING, "Go entries", tells which places are safe from that.
 */
#ifndef CLEARTAP_TRACE_GOPLAN_H
#define CLEARTAP_TRACE_GOPLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/disasm.h"
#include "trace/elf.h"
#include "trace/gobin.h"
#include "trace/plan.h"

/* Does the prologue find the goroutine in a register (amd64: r14), as ABIInternal has it? */
bool goplan_register_abi(const struct elf_file *e, struct disasm *d, struct gobin_func f);
/*
 * A library with ABI0 on amd64 finds the goroutine where a word says that only the dynamic linker
 * knows: the address of this word, 0 when the function begins in another way.
 */
uint64_t goplan_tls_slot(const struct elf_file *e, struct gobin_func f);
/*
 * The place of the entry probe, where the arguments are as the caller left them. With `once` it is
 * one that each call passes exactly once, else a restarted call may pass it twice. False when no
 * place is known to be right.
 */
bool goplan_entry(const struct elf_file *e, struct disasm *d, struct gobin_func f, bool registers,
		  bool once, struct plan_place *ret);
/* Addresses of the function's return instructions, at most `room`; their number. */
size_t goplan_returns(const struct elf_file *e, struct disasm *d, struct gobin_func f,
		      uint64_t *ret, size_t room);

#endif
