/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where in a function a probe costs least and is still right, and which function an exported one
 * hands its buffer on to. What is not proven is said to be unknown: the caller then probes the
 * first byte of the export.
 */
#ifndef CLEARTAP_TRACE_PLAN_H
#define CLEARTAP_TRACE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/disasm.h"
#include "trace/elf.h"
#include "trace/inspect.h"

/* How an export tells the number of bytes; the names are those of OpenSSL's functions. */
enum plan_shape {
	PLAN_INT, /* (s, buf, num): the result */
	PLAN_EX,  /* (s, buf, num, size_t *) */
	PLAN_EX2, /* (s, buf, num, flags, size_t *) */
};

/* An exported function that another one may call in its stead. */
struct plan_export {
	const char *name;
	enum plan_shape shape;
	uint64_t addr, size; /* addr 0: not in this file */
};

/*
 * Where the buffer goes. When `certain`, every path of the export that does anything with the
 * buffer passes it once, with s and num as they came, to the function at `target`, and does
 * nothing else with it.
 */
struct plan_route {
	bool certain;
	uint64_t target;
	int sibling;	   /* index of the export that target is, or -1: an internal function */
	uint8_t count_arg; /* internal: argument (from 0) that takes the size_t pointer */
	uint32_t mentions; /* bit per sibling that the code branches to at all */
};

/* Follow all[self] through its code. 0 or -ENOMEM; a doubt is no error but ret->certain false. */
int plan_route(const struct elf_file *e, struct disasm *d, const struct plan_export *all, int count,
	       int self, struct plan_route *ret);
/*
 * The cheapest right place for a probe on the function at addr (size 0: unknown): where nothing
 * that matters to the probe or its return has happened and every call passes exactly once.
 */
struct plan_place {
	uint64_t addr;
	bool cheap;
	char text[64]; /* the instruction */
};
void plan_place(const struct elf_file *e, struct disasm *d, uint64_t addr, uint64_t size,
		struct plan_place *ret);
/* Does the code of this function branch directly to target? Unknown counts as yes. */
bool plan_branches_to(const struct elf_file *e, struct disasm *d, uint64_t addr, uint64_t size,
		      uint64_t target);

#endif
