// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An abstract interpretation of a small function: for each instruction, what each register is
 * known to hold on every path that leads there.
 */
#include "trace/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

enum value_kind {
	VALUE_UNKNOWN, /* anything but the buffer's address */
	VALUE_ARG,     /* argument n as it came */
	VALUE_FRAME,   /* stack pointer at entry + n */
	VALUE_CONST,   /* n */
	VALUE_SLOT,    /* what is at address n */
	VALUE_TAINTED, /* the buffer's address, or something else */
};

struct plan_value {
	int64_t kind; /* enum value_kind; no padding, states are compared bytewise */
	int64_t n;
};

#define FRAME_SLOTS 16

struct plan_state {
	struct plan_value reg[REG_COUNT];
	struct {
		int64_t at;
		struct plan_value value;
	} slot[FRAME_SLOTS];
	uint32_t slots;
	uint32_t passed; /* the buffer has been handed on: bit 0 not yet, bit 1 yes */
};

struct plan_node {
	uint64_t addr;
	bool queued;
	struct plan_state in;
};

/* Looking a name up means going through all symbols, so answers are kept. */
#define NAMES_KEPT 64

struct name {
	uint64_t addr;
	const char *name;
};

struct plan_walk {
	const struct elf_file *e;
	struct disasm *d;
	const struct plan_export *all;
	int count, self;
	struct plan_node *node;
	uint32_t nodes, steps, lookups;
	bool doubt, counted;
	int64_t count_at; /* frame offset of the size_t that an int function passes */
	struct plan_route route;
	struct name names[NAMES_KEPT]; /* by a hash of the address */
};

enum { BUF_ARG = 1, PASSED_NOT = 1, PASSED_YES = 2 };

static bool is_arg(struct plan_value v, int64_t n)
{
	return v.kind == VALUE_ARG && v.n == n;
}

static bool holds_buffer(struct plan_value v)
{
	return v.kind == VALUE_TAINTED || is_arg(v, BUF_ARG);
}

static struct plan_value value_merge(struct plan_value a, struct plan_value b)
{
	if (a.kind == b.kind && a.n == b.n)
		return a;
	if (holds_buffer(a) || holds_buffer(b))
		return (struct plan_value){ VALUE_TAINTED, 0 };
	return (struct plan_value){ VALUE_UNKNOWN, 0 };
}

static struct plan_value slot_get(const struct plan_state *s, int64_t at)
{
	for (uint32_t i = 0; i < s->slots; i++) {
		if (s->slot[i].at == at)
			return s->slot[i].value;
	}
	return (struct plan_value){ VALUE_UNKNOWN, 0 };
}

static bool slot_set(struct plan_state *s, int64_t at, struct plan_value value)
{
	uint32_t i = 0;

	while (i < s->slots && s->slot[i].at != at)
		i++;
	if (i == s->slots) {
		if (value.kind == VALUE_UNKNOWN)
			return true;
		if (i == FRAME_SLOTS)
			return false;
		s->slots++;
	}
	s->slot[i].at = at;
	s->slot[i].value = value;
	return true;
}

/* Merge b into a; 1 when a changed, 0 when not, -1 when there is no room. */
static int state_merge(struct plan_state *a, const struct plan_state *b)
{
	struct plan_state old = *a;

	for (int i = 0; i < REG_COUNT; i++)
		a->reg[i] = value_merge(a->reg[i], b->reg[i]);
	for (uint32_t i = 0; i < a->slots; i++)
		a->slot[i].value = value_merge(a->slot[i].value, slot_get(b, a->slot[i].at));
	for (uint32_t i = 0; i < b->slots; i++) {
		struct plan_value v = value_merge(slot_get(a, b->slot[i].at), b->slot[i].value);

		if (!slot_set(a, b->slot[i].at, v))
			return -1;
	}
	a->passed |= b->passed;
	return memcmp(&old, a, sizeof(old)) != 0;
}

static void walk_to(struct plan_walk *w, uint64_t addr, const struct plan_state *s)
{
	struct plan_node *n = w->node;
	int changed;

	while (n < w->node + w->nodes && n->addr != addr)
		n++;
	if (n == w->node + w->nodes) {
		if (w->nodes == LIMIT_PLAN_INSNS) {
			w->doubt = true;
			return;
		}
		w->nodes++;
		n->addr = addr;
		n->in = *s;
		n->queued = true;
		return;
	}
	changed = state_merge(&n->in, s);
	if (changed < 0)
		w->doubt = true;
	n->queued |= changed > 0;
}

static bool match_addr(const struct elf_symbol *symbol, void *arg)
{
	struct name *search = arg;

	if (symbol->addr != search->addr || !*symbol->name)
		return false;
	search->name = symbol->name;
	return true;
}

/* The symbol that a PLT entry at addr jumps to, "" when it is no PLT entry. */
static const char *plt_symbol(struct plan_walk *w, uint64_t addr)
{
	struct elf_piece code = elf_at(w->e, addr);
	struct plan_value page = { 0 };
	uint64_t slot = 0;
	struct insn i;

	for (int n = 0; n < 5 && code.data; n++) {
		if (!disasm_insn(w->d, code.data, code.size, code.addr, &i))
			return "";
		if (i.flow == FLOW_JUMP && !i.direct)
			return elf_slot_symbol(w->e, i.target ? i.target : slot);
		if (i.flow != FLOW_NEXT)
			return "";
		if (i.effects && i.effect[0].kind == EFFECT_CONST)
			page = (struct plan_value){ VALUE_CONST, i.effect[0].disp };
		if (i.effects && i.effect[0].kind == EFFECT_LOAD && page.kind == VALUE_CONST)
			slot = page.n + i.effect[0].disp;
		code = elf_at(w->e, i.addr + i.size);
	}
	return "";
}

static const char *function_name(struct plan_walk *w, uint64_t addr)
{
	struct name *kept = &w->names[(addr >> 4) % NAMES_KEPT];

	if (kept->name && kept->addr == addr)
		return kept->name;
	*kept = (struct name){ .addr = addr, .name = plt_symbol(w, addr) };
	if (*kept->name || w->doubt)
		return kept->name;
	if (++w->lookups > LIMIT_PLAN_NAMES)
		w->doubt = true;
	else
		elf_symbols(w->e, match_addr, kept);
	return kept->name;
}

/* Name of what a branch leads to, and its address: of a sibling even when through the PLT. */
static const char *callee(struct plan_walk *w, const struct insn *i, const struct plan_state *s,
			  uint64_t *ret_addr, int *ret_sibling)
{
	uint64_t addr = i->direct ? i->target : 0;
	const char *name = "";

	*ret_addr = addr;
	*ret_sibling = -1;
	if (i->direct)
		name = function_name(w, addr);
	else if (i->target)
		name = elf_slot_symbol(w->e, i->target);
	else if (i->branch_reg != REG_NONE && s->reg[i->branch_reg].kind == VALUE_SLOT)
		name = elf_slot_symbol(w->e, s->reg[i->branch_reg].n);
	for (int n = 0; n < w->count; n++) {
		if (!w->all[n].addr || (strcmp(w->all[n].name, name) && w->all[n].addr != addr))
			continue;
		*ret_sibling = n;
		*ret_addr = w->all[n].addr;
	}
	return name;
}

/* Error reporting takes no buffer, whatever is left in the registers when it is called. */
static bool ignores_buffer(const char *name)
{
	return !strncmp(name, "ERR_", 4) || !strcmp(name, "__stack_chk_fail");
}

/* Which argument of a call takes the address of the count; 0 none or not clear. */
static uint8_t count_argument(const struct plan_walk *w, const struct plan_state *s)
{
	bool third, fourth;

	switch (w->all[w->self].shape) {
	case PLAN_INT:
		third = s->reg[3].kind == VALUE_FRAME;
		fourth = s->reg[4].kind == VALUE_FRAME;
		break;
	case PLAN_EX:
		third = is_arg(s->reg[3], 3);
		fourth = is_arg(s->reg[4], 3);
		break;
	default:
		third = false;
		fourth = is_arg(s->reg[4], 4) && is_arg(s->reg[3], 3);
	}
	if (third == fourth)
		return 0;
	return third ? 3 : 4;
}

/* Does this call hand on the buffer, as it should? Fills in the route. */
static bool hands_on(const struct plan_walk *w, const struct plan_state *s, uint64_t addr,
		     int sibling, struct plan_route *ret)
{
	*ret = (struct plan_route){ .target = addr, .sibling = sibling };
	if (!is_arg(s->reg[0], 0) || !is_arg(s->reg[1], BUF_ARG) || !addr)
		return false;
	if (sibling >= 0)
		return sibling != w->self;
	ret->count_arg = count_argument(w, s);
	return is_arg(s->reg[2], 2) && ret->count_arg && elf_executable(w->e, addr);
}

static void take_route(struct plan_walk *w, const struct plan_state *s,
		       const struct plan_route *found)
{
	if (s->passed != PASSED_NOT)
		w->doubt = true;
	if (w->route.target &&
	    (w->route.target != found->target || w->route.count_arg != found->count_arg))
		w->doubt = true;
	w->route.target = found->target;
	w->route.sibling = found->sibling;
	w->route.count_arg = found->count_arg;
	if (found->sibling < 0 && w->all[w->self].shape == PLAN_INT)
		w->count_at = s->reg[found->count_arg].n;
	else
		w->counted = true;
}

/* A call, or a jump out of the function. True when it may return. */
static bool walk_call(struct plan_walk *w, const struct insn *i, struct plan_state *s)
{
	struct plan_route found;
	uint64_t addr;
	int sibling;
	const char *name = callee(w, i, s, &addr, &sibling);

	if (!strcmp(name, "__stack_chk_fail"))
		return false;
	if (hands_on(w, s, addr, sibling, &found) && !ignores_buffer(name)) {
		take_route(w, s, &found);
		s->passed = PASSED_YES;
	} else if (!ignores_buffer(name)) {
		for (int n = 0; n < REG_ARGS; n++)
			w->doubt |= holds_buffer(s->reg[n]);
		w->doubt |= sibling >= 0;
	}
	/* what the psABIs let a callee change */
	for (int n = 0; n < REG_COUNT; n++) {
		if (n < (w->e->machine == EM_X86_64 ? 9 : 19) || n == 30)
			s->reg[n] = (struct plan_value){ VALUE_UNKNOWN, 0 };
	}
	return true;
}

static void apply_copy(struct plan_state *s, const struct effect *f)
{
	struct plan_value v = f->other == REG_NONE ? (struct plan_value){ 0 } : s->reg[f->other];

	/* of the low half only num is meant, which is an int in SSL_read() */
	if (f->narrow && !is_arg(v, 2))
		v = (struct plan_value){ holds_buffer(v) ? VALUE_TAINTED : VALUE_UNKNOWN, 0 };
	s->reg[f->reg] = v;
}

static struct plan_value based(const struct plan_state *s, const struct effect *f)
{
	struct plan_value v = f->other == REG_NONE ? (struct plan_value){ 0 } : s->reg[f->other];

	if (v.kind == VALUE_FRAME || v.kind == VALUE_CONST)
		v.n = (int64_t)((uint64_t)v.n + (uint64_t)f->disp);
	else if (f->disp || v.kind == VALUE_SLOT)
		v = (struct plan_value){ holds_buffer(v) ? VALUE_TAINTED : VALUE_UNKNOWN, 0 };
	return v;
}

static void apply_load(struct plan_walk *w, struct plan_state *s, const struct effect *f)
{
	struct plan_value at = based(s, f);
	struct plan_value v = { VALUE_UNKNOWN, 0 };

	if (at.kind == VALUE_FRAME)
		v = slot_get(s, at.n);
	else if (at.kind == VALUE_CONST)
		v = (struct plan_value){ VALUE_SLOT, at.n };
	if (at.kind == VALUE_FRAME && s->passed == PASSED_YES && at.n == w->count_at)
		w->counted = true;
	s->reg[f->reg] = v;
}

static void apply(struct plan_walk *w, struct plan_state *s, const struct effect *f)
{
	struct plan_value at;

	switch (f->kind) {
	case EFFECT_COPY:
		apply_copy(s, f);
		break;
	case EFFECT_LEA:
		s->reg[f->reg] = based(s, f);
		break;
	case EFFECT_CONST:
		s->reg[f->reg] = (struct plan_value){ VALUE_CONST, f->disp };
		break;
	case EFFECT_LOAD:
		apply_load(w, s, f);
		break;
	case EFFECT_STORE:
		at = based(s, f);
		if (at.kind == VALUE_FRAME)
			w->doubt |= !slot_set(s, at.n, s->reg[f->reg]);
		else
			w->doubt |= holds_buffer(s->reg[f->reg]);
		break;
	default:
		s->reg[f->reg] = (struct plan_value){ VALUE_UNKNOWN, 0 };
	}
}

static bool models(const struct insn *i, uint8_t reg)
{
	for (uint32_t n = 0; n < i->effects; n++) {
		const struct effect *f = &i->effect[n];

		if (f->kind == EFFECT_STORE && f->reg == reg)
			return true;
		if ((f->kind == EFFECT_COPY || f->kind == EFFECT_LEA) && f->other == reg)
			return true;
	}
	return false;
}

/* The buffer is read or written here, or its address goes where it cannot be followed. */
static bool uses_buffer(const struct insn *i, const struct plan_state *s)
{
	for (uint8_t reg = 0; reg < REG_COUNT; reg++) {
		if (!holds_buffer(s->reg[reg]))
			continue;
		if (i->bases & (1u << reg))
			return true;
		if ((i->reads & (1u << reg)) && i->writes && !models(i, reg))
			return true;
	}
	return false;
}

static bool inside(const struct plan_walk *w, uint64_t addr)
{
	const struct plan_export *self = &w->all[w->self];

	return addr >= self->addr && addr - self->addr < self->size;
}

static void walk_step(struct plan_walk *w, struct plan_node *n)
{
	struct elf_piece code = elf_at(w->e, n->addr);
	struct plan_state s = n->in;
	struct insn i;

	n->queued = false;
	if (!elf_executable(w->e, n->addr) ||
	    !disasm_insn(w->d, code.data, code.size, n->addr, &i)) {
		w->doubt = true;
		return;
	}
	if (i.flow == FLOW_NEXT)
		w->doubt |= uses_buffer(&i, &s);
	if (i.flow == FLOW_CALL || (i.flow == FLOW_JUMP && !(i.direct && inside(w, i.target)))) {
		if (!walk_call(w, &i, &s) || i.flow == FLOW_JUMP)
			return;
	}
	for (uint32_t k = 0; i.flow == FLOW_NEXT && k < i.effects; k++)
		apply(w, &s, &i.effect[k]);
	if ((i.flow == FLOW_JUMP || i.flow == FLOW_COND) && i.direct)
		walk_to(w, i.target, &s);
	else if (i.flow == FLOW_COND)
		w->doubt = true;
	if (i.flow == FLOW_NEXT || i.flow == FLOW_CALL || i.flow == FLOW_COND)
		walk_to(w, i.addr + i.size, &s);
}

static struct plan_node *queued(struct plan_walk *w)
{
	for (uint32_t i = 0; i < w->nodes; i++) {
		if (w->node[i].queued)
			return &w->node[i];
	}
	return NULL;
}

/* Siblings that the code branches to, on whatever path. */
static uint32_t mentioned(struct plan_walk *w)
{
	const struct plan_export *self = &w->all[w->self];
	struct plan_state nothing = { 0 };
	uint32_t mask = 0;
	struct insn i;

	for (uint64_t at = self->addr; inside(w, at); at += i.size) {
		struct elf_piece code = elf_at(w->e, at);
		uint64_t addr;
		int sibling;

		if (!code.data || !disasm_insn(w->d, code.data, code.size, at, &i) ||
		    at - self->addr > LIMIT_PLAN_INSNS * 16)
			break;
		if (i.flow != FLOW_CALL && i.flow != FLOW_JUMP)
			continue;
		if (i.direct && inside(w, i.target))
			continue;
		callee(w, &i, &nothing, &addr, &sibling);
		if (sibling >= 0 && sibling != w->self)
			mask |= 1u << sibling;
	}
	return mask;
}

int plan_route(const struct elf_file *e, struct disasm *d, const struct plan_export *all, int count,
	       int self, struct plan_route *ret)
{
	struct plan_walk w = { .e = e, .d = d, .all = all, .count = count, .self = self };
	struct plan_state start = { .passed = PASSED_NOT };
	struct plan_node *n;

	w.node = calloc(LIMIT_PLAN_INSNS, sizeof(*w.node));
	if (!w.node)
		return -ENOMEM;
	w.route.sibling = -1;
	for (int i = 0; i < REG_ARGS; i++)
		start.reg[i] = (struct plan_value){ VALUE_ARG, i };
	start.reg[REG_SP] = (struct plan_value){ VALUE_FRAME, 0 };
	walk_to(&w, all[self].addr, &start);
	while (!w.doubt && (n = queued(&w))) {
		w.doubt |= ++w.steps > LIMIT_PLAN_STEPS;
		walk_step(&w, n);
	}
	w.route.certain = !w.doubt && w.counted && w.route.target && all[self].size;
	w.doubt = true; /* the siblings' addresses do for what follows, and names from the PLT */
	w.route.mentions = mentioned(&w);
	*ret = w.route;
	free(w.node);
	return 0;
}
