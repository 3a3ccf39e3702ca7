// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/goplan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

enum { PROLOGUE_MAX = 12, MORESTACK_MAX = 40, R14 = 13, X28 = 28 };

static bool decode(const struct elf_file *e, struct disasm *d, uint64_t addr, struct insn *ret)
{
	struct elf_piece code = elf_at(e, addr);

	return code.data && disasm_insn(d, code.data, code.size, addr, ret);
}

static bool inside(struct gobin_func f, uint64_t addr)
{
	return addr >= f.addr && addr - f.addr < f.size;
}

/* The code at addr spills what it must, calls runtime.morestack and starts the function again. */
static bool restarts(const struct elf_file *e, struct disasm *d, struct gobin_func f, uint64_t addr)
{
	bool called = false;
	struct insn i;

	for (int n = 0; n < MORESTACK_MAX && inside(f, addr) && decode(e, d, addr, &i); n++) {
		if (i.flow == FLOW_CALL)
			called = true;
		else if (i.flow == FLOW_JUMP)
			return called && i.direct && i.target == f.addr;
		else if (i.flow != FLOW_NEXT)
			return false;
		addr += i.size;
	}
	return false;
}

/* Some branch of the function leads back to its first byte. */
static bool begins_again(const struct elf_file *e, struct disasm *d, struct gobin_func f)
{
	return plan_branches_to(e, d, f.addr, f.size, f.addr);
}

bool goplan_register_abi(const struct elf_file *e, struct disasm *d, struct gobin_func f)
{
	uint64_t addr = f.addr;
	struct insn i;

	for (int n = 0; n < PROLOGUE_MAX && decode(e, d, addr, &i); n++) {
		if (i.flow != FLOW_NEXT)
			return false;
		if (i.bases & (1u << (e->machine == EM_X86_64 ? R14 : X28)))
			return true;
		addr += i.size;
	}
	return false;
}

uint64_t goplan_tls_slot(const struct elf_file *e, struct gobin_func f)
{
	static const uint8_t load[] = { 0x48, 0x8b, 0x0d };	 /* mov rcx, [rip + 32 bits] */
	static const uint8_t use[] = { 0x64, 0x48, 0x8b, 0x09 }; /* mov rcx, fs:[rcx] */
	struct elf_piece code = elf_at(e, f.addr);
	int32_t offset;

	if (e->machine != EM_X86_64 || code.size < 11 || memcmp(code.data, load, sizeof(load)) ||
	    memcmp(code.data + 7, use, sizeof(use)))
		return 0;
	memcpy(&offset, code.data + 3, sizeof(offset));
	return f.addr + 7 + (uint64_t)(int64_t)offset;
}

/*
 * Registers that carry something until the probe has fired: the stack pointer, the goroutine, and
 * with ABIInternal the first four words of the arguments (rax rbx rcx rdi; x0 to x3).
 */
static uint32_t carriers(const struct elf_file *e, bool registers)
{
	if (e->machine != EM_X86_64)
		return 1u << REG_SP | 1u << X28 | (registers ? 0xf : 0);
	return 1u << REG_SP |
	       (registers ? 1u << R14 | 1u << REG_RESULT_X86 | 1u << 9 | 1u << 3 | 1u : 0);
}

/* The last conditional jump of the stack check, or false when the prologue is no such thing. */
static bool stack_check(const struct elf_file *e, struct disasm *d, struct gobin_func f,
			uint32_t fixed, struct insn *ret)
{
	uint64_t addr = f.addr;
	bool found = false;
	struct insn i;

	for (int n = 0; n < PROLOGUE_MAX && inside(f, addr) && decode(e, d, addr, &i); n++) {
		if (i.flow == FLOW_COND && i.direct && restarts(e, d, f, i.target)) {
			*ret = i;
			found = true;
		} else if (i.flow != FLOW_NEXT || (i.writes & fixed)) {
			break;
		}
		addr += i.size;
	}
	return found;
}

static void set_place(const struct insn *i, struct plan_place *ret)
{
	ret->addr = i->addr;
	ret->cheap = i->emulated;
	snprintf(ret->text, sizeof(ret->text), "%s", i->text);
}

bool goplan_entry(const struct elf_file *e, struct disasm *d, struct gobin_func f, bool registers,
		  bool once, struct plan_place *ret)
{
	struct insn check, after;

	if (!stack_check(e, d, f, carriers(e, registers), &check)) {
		/* a small function may do without the check; then nothing starts it again */
		if (!decode(e, d, f.addr, &after) || begins_again(e, d, f))
			return false;
		set_place(&after, ret);
		return true;
	}
	if (!decode(e, d, check.addr + check.size, &after))
		return false;
	/* what moves the stack pointer is no place that a loop comes back to */
	if (!(after.writes & 1u << REG_SP) && plan_branches_to(e, d, f.addr, f.size, after.addr)) {
		set_place(&check, ret);
		return !once;
	}
	set_place(once || after.emulated ? &after : &check, ret);
	return true;
}

struct return_walk {
	const struct elf_file *e;
	struct disasm *d;
	struct gobin_func f;
	uint8_t *seen; /* per byte of the function: 1 an instruction begins, 2 and it returns */
	uint64_t *todo;
	size_t todos;
};

static void push(struct return_walk *w, uint64_t addr)
{
	if (inside(w->f, addr) && !w->seen[addr - w->f.addr])
		w->todo[w->todos++] = addr;
}

/* Follow every direct branch from the entry. Each address is entered once, so todo cannot fill. */
static bool follow(struct return_walk *w)
{
	struct insn i;

	push(w, w->f.addr);
	while (w->todos) {
		uint64_t addr = w->todo[--w->todos];

		while (inside(w->f, addr) && !w->seen[addr - w->f.addr]) {
			if (!decode(w->e, w->d, addr, &i))
				return false;
			w->seen[addr - w->f.addr] = i.flow == FLOW_RET ? 2 : 1;
			if ((i.flow == FLOW_COND || i.flow == FLOW_JUMP) && i.direct)
				push(w, i.target);
			if (i.flow == FLOW_RET || i.flow == FLOW_JUMP || i.flow == FLOW_STOP)
				break;
			addr += i.size;
		}
	}
	return true;
}

/*
 * Code that nothing branches to is reached by the runtime (deferreturn) or through a table. Taken
 * in order from the first byte, all instructions must begin where following the branches said.
 */
static bool sweep(struct return_walk *w, uint8_t *marks)
{
	struct insn i;

	for (uint64_t addr = w->f.addr; inside(w->f, addr); addr += i.size) {
		if (!decode(w->e, w->d, addr, &i))
			return false;
		marks[addr - w->f.addr] = i.flow == FLOW_RET ? 2 : 1;
	}
	for (uint64_t n = 0; n < w->f.size; n++) {
		if (w->seen[n] && !marks[n])
			return false;
	}
	return true;
}

size_t goplan_returns(const struct elf_file *e, struct disasm *d, struct gobin_func f,
		      uint64_t *ret, size_t room)
{
	struct return_walk w = { .e = e, .d = d, .f = f };
	uint8_t *marks = NULL;
	size_t count = 0;

	if (!f.size || f.size > LIMIT_GO_FUNCTION)
		return 0;
	w.seen = calloc(2, f.size);
	/* two branches at most for each instruction */
	w.todo = calloc(2 * f.size + 2, sizeof(*w.todo));
	if (w.seen && w.todo && follow(&w)) {
		marks = w.seen + f.size;
		if (!sweep(&w, marks))
			marks = w.seen;
		for (uint64_t n = 0; n < f.size && count < room; n++) {
			if (marks[n] == 2)
				ret[count++] = f.addr + n;
		}
	}
	free(w.seen);
	free(w.todo);
	return count;
}
