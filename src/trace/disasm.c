// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/disasm.h"

#include <capstone/capstone.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct disasm {
	csh handle;
	cs_insn *insn; /* reused */
	uint16_t machine;
};

int disasm_new(uint16_t machine, struct disasm **ret)
{
	struct disasm *d = calloc(1, sizeof(*d));
	cs_err err = CS_ERR_ARCH;

	if (!d)
		return -ENOMEM;
	if (machine == EM_X86_64)
		err = cs_open(CS_ARCH_X86, CS_MODE_64, &d->handle);
	else if (machine == EM_AARCH64)
		err = cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &d->handle);
	if (err != CS_ERR_OK) {
		free(d);
		return err == CS_ERR_MEM ? -ENOMEM : -ENOTSUP;
	}
	d->machine = machine;
	cs_option(d->handle, CS_OPT_DETAIL, CS_OPT_ON);
	d->insn = cs_malloc(d->handle);
	if (!d->insn) {
		disasm_free(d);
		return -ENOMEM;
	}
	*ret = d;
	return 0;
}

void disasm_free(struct disasm *d)
{
	if (!d)
		return;
	if (d->insn)
		cs_free(d->insn, 1);
	cs_close(&d->handle);
	free(d);
}

static void set_text(struct insn *i, const char *name, const char *operands)
{
	size_t n = strnlen(name, 15), m = strnlen(operands, 40);

	memcpy(i->text, name, n);
	if (m)
		i->text[n++] = ' ';
	memcpy(i->text + n, operands, m);
	i->text[n + m] = 0;
}

static void add_effect(struct insn *i, enum effect_kind kind, uint8_t reg, uint8_t other,
		       int64_t disp)
{
	if (reg == REG_NONE || i->effects == INSN_EFFECTS)
		return;
	i->effect[i->effects++] =
		(struct effect){ .kind = kind, .reg = reg, .other = other, .disp = disp };
}

static bool effect_names(const struct insn *i, uint8_t reg)
{
	for (uint32_t n = 0; n < i->effects; n++) {
		if (i->effect[n].reg == reg && i->effect[n].kind != EFFECT_STORE)
			return true;
	}
	return false;
}

/* Every register that is written and whose new value no effect tells is clobbered. */
static void add_clobbers(struct insn *i)
{
	for (uint8_t reg = 0; reg < REG_COUNT; reg++) {
		if ((i->writes & (1u << reg)) && !effect_names(i, reg))
			add_effect(i, EFFECT_CLOBBER, reg, REG_NONE, 0);
	}
}

/* One more than the number, so that what is not listed is none. */
#define X86_FAMILY(n, q, d, w, b)                                                                  \
	[X86_REG_##q] = (n) + 1, [X86_REG_##d] = (n) + 1, [X86_REG_##w] = (n) + 1,                 \
	[X86_REG_##b] = (n) + 1
static const uint8_t x86_numbers[X86_REG_ENDING] = {
	X86_FAMILY(0, RDI, EDI, DI, DIL),
	X86_FAMILY(1, RSI, ESI, SI, SIL),
	X86_FAMILY(2, RDX, EDX, DX, DL),
	X86_FAMILY(3, RCX, ECX, CX, CL),
	X86_FAMILY(4, R8, R8D, R8W, R8B),
	X86_FAMILY(5, R9, R9D, R9W, R9B),
	X86_FAMILY(REG_RESULT_X86, RAX, EAX, AX, AL),
	X86_FAMILY(7, R10, R10D, R10W, R10B),
	X86_FAMILY(8, R11, R11D, R11W, R11B),
	X86_FAMILY(9, RBX, EBX, BX, BL),
	X86_FAMILY(10, RBP, EBP, BP, BPL),
	X86_FAMILY(11, R12, R12D, R12W, R12B),
	X86_FAMILY(12, R13, R13D, R13W, R13B),
	X86_FAMILY(13, R14, R14D, R14W, R14B),
	X86_FAMILY(14, R15, R15D, R15W, R15B),
	X86_FAMILY(REG_SP, RSP, ESP, SP, SPL),
	[X86_REG_AH] = REG_RESULT_X86 + 1,
	[X86_REG_BH] = 10,
	[X86_REG_CH] = 4,
	[X86_REG_DH] = 3,
};

static uint8_t x86_number(unsigned int reg)
{
	return reg < X86_REG_ENDING && x86_numbers[reg] ? x86_numbers[reg] - 1 : REG_NONE;
}

static uint8_t arm_number(unsigned int reg)
{
	if (reg >= ARM64_REG_X0 && reg <= ARM64_REG_X28)
		return reg - ARM64_REG_X0;
	if (reg >= ARM64_REG_W0 && reg <= ARM64_REG_W30)
		return reg - ARM64_REG_W0;
	if (reg == ARM64_REG_X29 || reg == ARM64_REG_X30)
		return reg == ARM64_REG_X29 ? 29 : 30;
	if (reg == ARM64_REG_SP || reg == ARM64_REG_WSP)
		return REG_SP;
	return REG_NONE;
}

/*
 * arch/x86/kernel/uprobes.c: branch_setup_ops (jmp, jcc, call, the one-byte nop; no operand-size
 * prefix) and push_setup_ops (push of a register, with no prefix but REX.B). Since 4.18.
 */
static bool x86_emulated(const uint8_t *code, size_t size)
{
	if (size == 1 && ((code[0] & 0xf8) == 0x50 || code[0] == 0x90))
		return true;
	if (size == 2 && code[0] == 0x41 && (code[1] & 0xf8) == 0x50)
		return true;
	if (code[0] == 0xe8 || code[0] == 0xe9 || code[0] == 0xeb || (code[0] & 0xf0) == 0x70)
		return true;
	return code[0] == 0x0f && size > 1 && (code[1] & 0xf0) == 0x80;
}

/*
 * arch/arm64/kernel/probes/decode-insn.c simulates branches and adr, adrp. It has come to refuse
 * ldr literal and to simulate nop only lately, so these count as neither.
 */
static bool arm_emulated(uint32_t word)
{
	return (word & 0x7c000000) == 0x14000000 || /* b, bl */
	       (word & 0xff000010) == 0x54000000 || /* b.cond */
	       (word & 0x7c000000) == 0x34000000 || /* cbz, cbnz, tbz, tbnz */
	       (word & 0xff9ffc1f) == 0xd61f0000 || /* br, blr, ret */
	       (word & 0x1f000000) == 0x10000000;   /* adr, adrp */
}

static void x86_flow(const cs_insn *c, struct insn *i)
{
	const cs_x86_op *op = &c->detail->x86.operands[0];

	switch (c->id) {
	case X86_INS_CALL:
		i->flow = FLOW_CALL;
		break;
	case X86_INS_JMP:
		i->flow = FLOW_JUMP;
		break;
	case X86_INS_RET:
		i->flow = FLOW_RET;
		return;
	case X86_INS_UD2:
	case X86_INS_HLT:
	case X86_INS_INT3:
		i->flow = FLOW_STOP;
		return;
	default:
		for (uint8_t n = 0; n < c->detail->groups_count; n++) {
			if (c->detail->groups[n] == CS_GRP_JUMP)
				i->flow = FLOW_COND;
		}
	}
	if (i->flow == FLOW_NEXT || !c->detail->x86.op_count)
		return;
	if (op->type == X86_OP_IMM) {
		i->direct = true;
		i->target = op->imm;
	} else if (op->type == X86_OP_MEM && op->mem.base == X86_REG_RIP) {
		i->target = c->address + c->size + op->mem.disp;
	} else if (op->type == X86_OP_REG) {
		i->branch_reg = x86_number(op->reg);
	}
}

static bool x86_plain_mem(const cs_x86_op *op)
{
	return op->type == X86_OP_MEM && op->mem.index == X86_REG_INVALID &&
	       op->mem.segment == X86_REG_INVALID && x86_number(op->mem.base) != REG_NONE;
}

static void x86_move(const cs_x86 *x, struct insn *i)
{
	const cs_x86_op *to = &x->operands[0], *from = &x->operands[1];

	if (to->type == X86_OP_REG && from->type == X86_OP_REG && to->size >= 4) {
		add_effect(i, EFFECT_COPY, x86_number(to->reg), x86_number(from->reg), 0);
		if (i->effects)
			i->effect[i->effects - 1].narrow = from->size < 8;
	} else if (to->type == X86_OP_REG && to->size >= 4 && x86_plain_mem(from)) {
		add_effect(i, EFFECT_LOAD, x86_number(to->reg), x86_number(from->mem.base),
			   from->mem.disp);
	} else if (from->type == X86_OP_REG && x86_plain_mem(to)) {
		add_effect(i, EFFECT_STORE, x86_number(from->reg), x86_number(to->mem.base),
			   to->mem.disp);
	}
}

static void x86_effects(const cs_insn *c, struct insn *i)
{
	const cs_x86 *x = &c->detail->x86;
	const cs_x86_op *a = &x->operands[0], *b = &x->operands[1];

	switch (c->id) {
	case X86_INS_MOV:
	case X86_INS_MOVSXD:
	case X86_INS_MOVABS:
		x86_move(x, i);
		break;
	case X86_INS_CMOVG: /* the count of bytes, read when the result is positive */
		if (x86_plain_mem(b))
			add_effect(i, EFFECT_LOAD, x86_number(a->reg), x86_number(b->mem.base),
				   b->mem.disp);
		add_effect(i, EFFECT_CLOBBER, x86_number(a->reg), REG_NONE, 0);
		break;
	case X86_INS_XOR:
		if (a->type == X86_OP_REG && b->type == X86_OP_REG && a->reg == b->reg)
			i->reads = 0;
		break;
	case X86_INS_LEA:
		if (x86_plain_mem(b) && a->size == 8)
			add_effect(i, EFFECT_LEA, x86_number(a->reg), x86_number(b->mem.base),
				   b->mem.disp);
		break;
	case X86_INS_ADD:
	case X86_INS_SUB:
		if (a->type == X86_OP_REG && a->size == 8 && b->type == X86_OP_IMM)
			add_effect(i, EFFECT_LEA, x86_number(a->reg), x86_number(a->reg),
				   c->id == X86_INS_ADD ? b->imm : (int64_t)(0 - (uint64_t)b->imm));
		break;
	case X86_INS_PUSH:
		add_effect(i, EFFECT_LEA, REG_SP, REG_SP, -8);
		add_effect(i, EFFECT_STORE, a->type == X86_OP_REG ? x86_number(a->reg) : REG_NONE,
			   REG_SP, 0);
		break;
	case X86_INS_POP:
		if (a->type == X86_OP_REG)
			add_effect(i, EFFECT_LOAD, x86_number(a->reg), REG_SP, 0);
		add_effect(i, EFFECT_LEA, REG_SP, REG_SP, 8);
		break;
	case X86_INS_LEAVE:
		add_effect(i, EFFECT_COPY, REG_SP, 10, 0);
		add_effect(i, EFFECT_LOAD, 10, REG_SP, 0);
		add_effect(i, EFFECT_LEA, REG_SP, REG_SP, 8);
		break;
	}
}

static void touch(struct insn *i, int64_t disp, int32_t bytes, bool certain)
{
	i->touched = disp;
	i->touches = i->touches || !certain ? -1 : bytes;
}

/* Effects that tell of a store. */
static uint32_t stores(const struct insn *i)
{
	uint32_t count = 0;

	for (uint32_t n = 0; n < i->effects; n++)
		count += i->effect[n].kind == EFFECT_STORE;
	return count;
}

static void x86_touch(const cs_insn *c, struct insn *i)
{
	const cs_x86 *x = &c->detail->x86;

	for (uint8_t n = 0; n < x->op_count; n++) {
		const cs_x86_op *op = &x->operands[n];
		bool lea = c->id == X86_INS_LEA;

		if (op->type != X86_OP_MEM || x86_number(op->mem.base) != REG_SP)
			continue;
		if (c->id == X86_INS_NOP || (!lea && op->access == CS_AC_READ))
			continue;
		if (!lea && op->size == 8 && stores(i))
			continue;
		touch(i, op->mem.disp,
		      lea	 ? 1
		      : op->size ? op->size
				 : 64,
		      op->mem.index == X86_REG_INVALID);
	}
}

static void x86_decode(const cs_insn *c, struct insn *i)
{
	const cs_x86 *x = &c->detail->x86;

	i->emulated = x86_emulated(c->bytes, c->size);
	i->landing = c->id == X86_INS_ENDBR64;
	x86_flow(c, i);
	for (uint8_t n = 0; n < x->op_count; n++) {
		uint8_t base = x86_number(x->operands[n].mem.base);
		uint8_t index = x86_number(x->operands[n].mem.index);

		if (x->operands[n].type != X86_OP_MEM || c->id == X86_INS_LEA ||
		    c->id == X86_INS_NOP)
			continue;
		i->bases |=
			(base == REG_NONE ? 0 : 1u << base) | (index == REG_NONE ? 0 : 1u << index);
	}
	if (i->flow == FLOW_NEXT)
		x86_effects(c, i);
	x86_touch(c, i);
}

static void arm_flow(const cs_insn *c, struct insn *i)
{
	const cs_arm64 *a = &c->detail->arm64;
	const cs_arm64_op *last = &a->operands[a->op_count ? a->op_count - 1 : 0];

	switch (c->id) {
	case ARM64_INS_BL:
	case ARM64_INS_BLR:
		i->flow = FLOW_CALL;
		break;
	case ARM64_INS_B:
		i->flow = a->cc == ARM64_CC_INVALID || a->cc == ARM64_CC_AL || a->cc == ARM64_CC_NV
				  ? FLOW_JUMP
				  : FLOW_COND;
		break;
	case ARM64_INS_BR:
		i->flow = FLOW_JUMP;
		break;
	case ARM64_INS_CBZ:
	case ARM64_INS_CBNZ:
	case ARM64_INS_TBZ:
	case ARM64_INS_TBNZ:
		i->flow = FLOW_COND;
		break;
	case ARM64_INS_RET:
		i->flow = FLOW_RET;
		return;
	case ARM64_INS_BRK:
	case ARM64_INS_HLT:
		i->flow = FLOW_STOP;
		return;
	default:
		return;
	}
	if (a->op_count && last->type == ARM64_OP_IMM) {
		i->direct = true;
		i->target = last->imm;
	} else if (a->op_count && last->type == ARM64_OP_REG) {
		i->branch_reg = arm_number(last->reg);
	}
}

/* ldr, ldp, str, stp with their three ways of addressing. */
static void arm_transfer(const cs_arm64 *a, struct insn *i, uint8_t regs, bool load)
{
	const cs_arm64_op *mem = &a->operands[regs];
	bool post = a->op_count == regs + 2;
	int width =
		a->operands[0].reg >= ARM64_REG_W0 && a->operands[0].reg <= ARM64_REG_W30 ? 4 : 8;
	uint8_t base;

	if (a->op_count <= regs || mem->type != ARM64_OP_MEM || mem->mem.index != ARM64_REG_INVALID)
		return;
	base = arm_number(mem->mem.base);
	if (a->writeback && !post)
		add_effect(i, EFFECT_LEA, base, base, mem->mem.disp);
	for (uint8_t n = 0; n < regs; n++)
		add_effect(i, load ? EFFECT_LOAD : EFFECT_STORE, arm_number(a->operands[n].reg),
			   base, (a->writeback ? 0 : mem->mem.disp) + n * width);
	if (a->writeback && post)
		add_effect(i, EFFECT_LEA, base, base, a->operands[regs + 1].imm);
}

static bool arm_wide(const cs_arm64_op *op)
{
	return op->type == ARM64_OP_REG && !(op->reg >= ARM64_REG_W0 && op->reg <= ARM64_REG_W30);
}

static void arm_effects(const cs_insn *c, struct insn *i)
{
	const cs_arm64 *a = &c->detail->arm64;
	const cs_arm64_op *op = a->operands;

	switch (c->id) {
	case ARM64_INS_MOV:
	case ARM64_INS_SXTW:
		if (a->op_count == 2 && op[1].type == ARM64_OP_REG) {
			add_effect(i, EFFECT_COPY, arm_number(op[0].reg), arm_number(op[1].reg), 0);
			if (i->effects)
				i->effect[0].narrow = c->id == ARM64_INS_SXTW || !arm_wide(&op[1]);
		}
		break;
	case ARM64_INS_ADD:
	case ARM64_INS_SUB:
		if (a->op_count == 3 && op[2].type == ARM64_OP_IMM && arm_wide(&op[0])) {
			int64_t imm =
				op[2].imm
				<< (op[2].shift.type == ARM64_SFT_LSL ? op[2].shift.value & 31 : 0);

			add_effect(i, EFFECT_LEA, arm_number(op[0].reg), arm_number(op[1].reg),
				   c->id == ARM64_INS_ADD ? imm : -imm);
		}
		break;
	case ARM64_INS_CMP: /* Capstone 4 has them write what they compare */
	case ARM64_INS_CMN:
	case ARM64_INS_TST:
		i->writes = 0;
		break;
	case ARM64_INS_MOVZ:
	case ARM64_INS_MOVN:
		i->reads = 0;
		break;
	case ARM64_INS_ADR:
	case ARM64_INS_ADRP:
		add_effect(i, EFFECT_CONST, arm_number(op[0].reg), REG_NONE, op[1].imm);
		break;
	case ARM64_INS_LDR:
	case ARM64_INS_LDUR:
		arm_transfer(a, i, 1, true);
		break;
	case ARM64_INS_LDP:
		arm_transfer(a, i, 2, true);
		break;
	case ARM64_INS_STR:
	case ARM64_INS_STUR:
		arm_transfer(a, i, 1, false);
		break;
	case ARM64_INS_STP:
		arm_transfer(a, i, 2, false);
		break;
	}
}

static bool arm_loads(const cs_insn *c)
{
	return !strncmp(c->mnemonic, "ld", 2) || !strncmp(c->mnemonic, "prf", 3);
}

/* Bytes that a store writes at most. */
static int32_t arm_width(const cs_insn *c, const cs_arm64_op *first)
{
	bool pair = c->id == ARM64_INS_STP;

	switch (c->id) {
	case ARM64_INS_STR:
	case ARM64_INS_STUR:
	case ARM64_INS_STP:
		if (first->type != ARM64_OP_REG || first->vas)
			return 64;
		if (first->reg >= ARM64_REG_Q0 && first->reg <= ARM64_REG_Q31)
			return pair ? 32 : 16;
		return pair ? 16 : 8;
	case ARM64_INS_STRB:
	case ARM64_INS_STURB:
		return 1;
	case ARM64_INS_STRH:
	case ARM64_INS_STURH:
		return 2;
	default:
		return 64;
	}
}

static void arm_touch(const cs_insn *c, struct insn *i)
{
	const cs_arm64 *a = &c->detail->arm64;
	const cs_arm64_op *op = a->operands;
	bool address = c->id == ARM64_INS_ADD || c->id == ARM64_INS_SUB || c->id == ARM64_INS_MOV;

	/* sp itself moves, or sp +- n goes to another register */
	if (address && a->op_count > 1 && arm_number(op[0].reg) != REG_SP &&
	    op[1].type == ARM64_OP_REG && arm_number(op[1].reg) == REG_SP)
		touch(i, i->effects ? i->effect[0].disp : 0, 1, i->effects == 1);
	for (uint8_t n = 0; n < a->op_count; n++) {
		if (op[n].type != ARM64_OP_MEM || arm_number(op[n].mem.base) != REG_SP)
			continue;
		/* one effect for each register before the memory, when all are known */
		if (arm_loads(c) || (stores(i) == n && arm_wide(op)))
			continue;
		touch(i, op[n].mem.disp, arm_width(c, op), op[n].mem.index == ARM64_REG_INVALID);
	}
}

static void arm_decode(const cs_insn *c, struct insn *i)
{
	const cs_arm64 *a = &c->detail->arm64;
	uint32_t word;

	memcpy(&word, c->bytes, sizeof(word));
	i->emulated = arm_emulated(word);
	i->landing = (word & 0xffffff3f) == 0xd503241f;
	/* a hint but nop and bti: paciasp and its kin change the return address */
	if ((word & 0xfffff01f) == 0xd503201f && word != 0xd503201f && !i->landing)
		i->writes |= 1u << 30;
	arm_flow(c, i);
	for (uint8_t n = 0; n < a->op_count; n++) {
		uint8_t base = arm_number(a->operands[n].mem.base);
		uint8_t index = arm_number(a->operands[n].mem.index);

		if (a->operands[n].type == ARM64_OP_MEM)
			i->bases |= (base == REG_NONE ? 0 : 1u << base) |
				    (index == REG_NONE ? 0 : 1u << index);
	}
	if (i->flow == FLOW_NEXT)
		arm_effects(c, i);
	arm_touch(c, i);
}

/* Words that this Capstone may not know: retaa, retab, udf (padding), and anything newer. */
static bool arm_unknown(const uint8_t *code, size_t len, struct insn *i)
{
	uint32_t word;

	if (len < sizeof(word))
		return false;
	memcpy(&word, code, sizeof(word));
	i->size = sizeof(word);
	i->flow = (word & 0xfffffbff) == 0xd65f0bff ? FLOW_RET : word >> 16 ? FLOW_NEXT : FLOW_STOP;
	i->reads = i->writes = i->flow == FLOW_NEXT ? ~0u : 0;
	snprintf(i->text, sizeof(i->text), ".word 0x%08x", word);
	return true;
}

static uint32_t register_mask(const struct disasm *d, const uint16_t *list, uint8_t count)
{
	uint32_t mask = 0;

	for (uint8_t n = 0; n < count; n++) {
		uint8_t reg = d->machine == EM_X86_64 ? x86_number(list[n]) : arm_number(list[n]);

		if (reg != REG_NONE)
			mask |= 1u << reg;
	}
	return mask;
}

static void accesses(const struct disasm *d, struct insn *i)
{
	uint8_t reads_count = 0, writes_count = 0;
	cs_regs reads, writes;

	i->reads = i->writes = ~0u;
	if (cs_regs_access(d->handle, d->insn, reads, &reads_count, writes, &writes_count))
		return;
	i->reads = register_mask(d, reads, reads_count);
	i->writes = register_mask(d, writes, writes_count);
}

bool disasm_insn(struct disasm *d, const uint8_t *code, size_t len, uint64_t addr, struct insn *ret)
{
	*ret = (struct insn){ .addr = addr, .branch_reg = REG_NONE };
	if (!cs_disasm_iter(d->handle, &code, &len, &addr, d->insn)) {
		if (d->machine != EM_AARCH64 || !arm_unknown(code, len, ret))
			return false;
	} else {
		ret->size = d->insn->size;
		accesses(d, ret);
		set_text(ret, d->insn->mnemonic, d->insn->op_str);
		if (d->machine == EM_X86_64)
			x86_decode(d->insn, ret);
		else
			arm_decode(d->insn, ret);
	}
	add_clobbers(ret);
	return true;
}
