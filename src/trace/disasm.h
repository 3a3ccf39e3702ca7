/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machine instructions by Capstone, put in terms that are the same for x86_64 and aarch64: where
 * the control flows, and what moves between registers and the stack.
 */
#ifndef CLEARTAP_TRACE_DISASM_H
#define CLEARTAP_TRACE_DISASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Registers 0..5 are the integer arguments in order (System V psABI: rdi rsi rdx rcx r8 r9;
 * AAPCS64: x0..x5), 31 is the stack pointer, the rest any order.
 */
enum { REG_ARGS = 6, REG_RESULT_X86 = 6, REG_SP = 31, REG_COUNT = 32, REG_NONE = 255 };

enum insn_flow { FLOW_NEXT, FLOW_CALL, FLOW_JUMP, FLOW_COND, FLOW_RET, FLOW_STOP };

enum effect_kind {
	EFFECT_COPY,	/* reg = other */
	EFFECT_LEA,	/* reg = base + disp */
	EFFECT_CONST,	/* reg = disp */
	EFFECT_LOAD,	/* reg = memory at base + disp */
	EFFECT_STORE,	/* memory at base + disp = reg */
	EFFECT_CLOBBER, /* reg = something else */
};

struct effect {
	uint8_t kind, reg, other; /* other: source of COPY, base of LEA, LOAD and STORE */
	uint8_t narrow;		  /* COPY of the low 32 bits, extended */
	int64_t disp;
};

#define INSN_EFFECTS 8

struct insn {
	uint64_t addr;
	uint64_t target; /* of a direct branch; of an indirect one the slot it reads, 0 unknown */
	uint32_t size;
	uint32_t effects;
	uint32_t writes;    /* a bit per register */
	uint32_t reads;	    /* not counting an idiom for zero */
	uint32_t bases;	    /* registers that a memory operand is addressed by */
	uint8_t flow;	    /* enum insn_flow */
	uint8_t branch_reg; /* of an indirect branch, else REG_NONE */
	bool direct;
	bool emulated; /* the kernel emulates it under a uprobe, it need not single-step */
	bool landing;  /* endbr64, bti: marks a place to branch to and does nothing */
	/*
	 * Bytes from the stack pointer (as it was before) that no effect tells of but that may be
	 * written to, or whose address is taken; 0 bytes: none, -1: not known which.
	 */
	int32_t touches;
	int64_t touched;
	struct effect effect[INSN_EFFECTS]; /* in order */
	char text[64];
};

struct disasm;

/* 0, -ENOTSUP for a machine other than EM_X86_64 and EM_AARCH64, or -ENOMEM. */
int disasm_new(uint16_t machine, struct disasm **ret);
void disasm_free(struct disasm *d);
/* Decode the first instruction of code[0..len) at this address; false when it is none. */
bool disasm_insn(struct disasm *d, const uint8_t *code, size_t len, uint64_t addr,
		 struct insn *ret);

#endif
