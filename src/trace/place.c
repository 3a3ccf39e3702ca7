// SPDX-License-Identifier: GPL-2.0-or-later
/* The cheapest right place of a probe on a function, and what its branches say about places. */
#include "trace/plan.h"

#include <stdio.h>

#include "base/limits.h"

bool plan_branches_to(const struct elf_file *e, struct disasm *d, uint64_t addr, uint64_t size,
		      uint64_t target)
{
	struct insn i;

	if (!size || size > LIMIT_PLAN_INSNS * 16)
		return true;
	for (uint64_t at = addr; at - addr < size; at += i.size) {
		struct elf_piece code = elf_at(e, at);

		if (!code.data || !disasm_insn(d, code.data, code.size, at, &i))
			return true;
		if (i.flow != FLOW_NEXT && i.direct && i.target == target)
			return true;
	}
	return false;
}

/* A branch of the function itself may lead to (addr, to]: then a loop would pass the place. */
static bool entered_again(const struct elf_file *e, struct disasm *d, uint64_t addr, uint64_t size,
			  uint64_t to)
{
	struct insn i;

	for (uint64_t at = addr; at - addr < size; at += i.size) {
		struct elf_piece code = elf_at(e, at);

		if (!code.data || !disasm_insn(d, code.data, code.size, at, &i))
			return true;
		if (i.flow != FLOW_NEXT && i.direct && i.target > addr && i.target <= to)
			return true;
	}
	return false;
}

#define PLACE_MAX  6	   /* instructions passed over */
#define PLACE_BODY 0x10000 /* bytes of a function searched for branches back */

static bool place_first(const struct elf_file *e, struct disasm *d, uint64_t addr, struct insn *ret,
			bool *ret_landing)
{
	uint32_t fixed = ((1u << REG_ARGS) - 1) | 1u << REG_SP;
	struct elf_piece code = elf_at(e, addr);

	if (e->machine == EM_AARCH64)
		fixed |= 1u << 30; /* the return address */
	*ret_landing = true;
	for (int n = 0; n < PLACE_MAX && code.data; n++) {
		if (!disasm_insn(d, code.data, code.size, code.addr, ret))
			return false;
		if (ret->emulated)
			return true;
		if (ret->flow != FLOW_NEXT || (ret->writes & fixed))
			return false;
		*ret_landing &= ret->landing;
		code = elf_at(e, ret->addr + ret->size);
	}
	return false;
}

void plan_place(const struct elf_file *e, struct disasm *d, uint64_t addr, uint64_t size,
		struct plan_place *ret)
{
	struct elf_piece code = elf_at(e, addr);
	bool landing, found;
	struct insn i;

	*ret = (struct plan_place){ .addr = addr };
	if (!code.data || !disasm_insn(d, code.data, code.size, addr, &i))
		return;
	snprintf(ret->text, sizeof(ret->text), "%s", i.text);
	found = place_first(e, d, addr, &i, &landing);
	/* nothing can lead back to a push after a landing mark alone: the stack would grow */
	if (found && i.addr != addr && !landing)
		found = size && size <= PLACE_BODY && !entered_again(e, d, addr, size, i.addr);
	if (!found)
		return;
	ret->addr = i.addr;
	ret->cheap = true;
	snprintf(ret->text, sizeof(ret->text), "%s", i.text);
}
