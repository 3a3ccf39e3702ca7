// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/gocopy.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/*
 * A function with ABIInternal finds room for its register arguments above the return address (on
 * arm64 above the word for one), as if they had been passed there; with ABI0 they are there.
 */
enum { ARGS_AT = 8, ARGS = 3, ALL = (1 << ARGS) - 1 };

struct state {
	uint64_t addr;
	int64_t sp;   /* less that at the entry */
	uint8_t live; /* a bit per argument: it is in its register still */
	uint8_t kept; /* and in memory */
	bool seen, queued;
};

struct copy_walk {
	const struct elf_file *e;
	struct disasm *d;
	const struct gopcln *t;
	struct gobin_func f;
	uint64_t copy, at; /* the function called, and where */
	int64_t frame;
	struct state *state; /* by byte of the function */
	uint32_t steps;
	bool doubt;
};

static int argument_of(const struct copy_walk *w, uint8_t reg)
{
	static const uint8_t x86[ARGS] = { REG_RESULT_X86, 9, 3 }; /* rax, rbx, rcx */

	for (int n = 0; n < ARGS; n++) {
		if (reg == (w->e->machine == EM_X86_64 ? x86[n] : n))
			return n;
	}
	return -1;
}

static bool overlaps(int64_t at, int64_t bytes)
{
	return at < ARGS_AT + ARGS * 8 && at + bytes > ARGS_AT;
}

static void go_to(struct copy_walk *w, uint64_t addr, const struct state *s)
{
	struct state *to;

	if (addr == w->f.addr && w->steps) /* it starts again, with its arguments as they were */
		return;
	if (addr < w->f.addr || addr - w->f.addr >= w->f.size) {
		w->doubt = true;
		return;
	}
	to = &w->state[addr - w->f.addr];
	if (!to->seen) {
		*to = *s;
		to->addr = addr;
		to->seen = to->queued = true;
		return;
	}
	w->doubt |= to->sp != s->sp;
	if ((to->live & ~s->live) || (to->kept & ~s->kept)) {
		to->live &= s->live;
		to->kept &= s->kept;
		to->queued = true;
	}
}

static void store(struct copy_walk *w, struct state *s, const struct effect *f)
{
	int64_t at = s->sp + f->disp;
	int n = argument_of(w, f->reg);

	if (f->other != REG_SP || !overlaps(at, 8))
		return;
	if (n >= 0 && (s->live & 1 << n) && at == ARGS_AT + 8 * n)
		s->kept |= 1 << n;
	else
		w->doubt = true;
}

static void apply(struct copy_walk *w, struct state *s, const struct insn *i)
{
	int frame_pointer = w->e->machine == EM_X86_64 ? 10 : 29;

	w->doubt |= i->touches < 0 || (i->touches && overlaps(s->sp + i->touched, i->touches));
	for (uint32_t n = 0; n < i->effects; n++) {
		const struct effect *f = &i->effect[n];

		if (f->kind == EFFECT_STORE)
			store(w, s, f);
		/* nothing is stored by way of the frame pointer in Go's code */
		w->doubt |= f->kind == EFFECT_STORE && f->other == frame_pointer;
		if (f->kind == EFFECT_STORE || f->reg != REG_SP)
			continue;
		w->doubt |= f->kind != EFFECT_LEA || f->other != REG_SP;
		s->sp += f->disp;
	}
	for (uint8_t reg = 0; reg < REG_COUNT; reg++) {
		int n = argument_of(w, reg);

		if (n >= 0 && (i->writes & 1u << reg))
			s->live &= ~(1 << n);
	}
}

/* runtime.panicIndex and its kin, with code of some other path after the call. */
static bool returns(const struct copy_walk *w, const struct insn *call)
{
	const char *name = call->direct ? gopcln_name_at(w->t, w->e, call->target) : "";

	return strncmp(name, "runtime.panic", 13) && strcmp(name, "runtime.gopanic");
}

static void step(struct copy_walk *w, struct state *at)
{
	struct elf_piece code = elf_at(w->e, at->addr);
	struct state s = *at;
	struct insn i;

	at->queued = false;
	if (++w->steps > LIMIT_PLAN_STEPS || !code.data ||
	    !disasm_insn(w->d, code.data, code.size, at->addr, &i)) {
		w->doubt = true;
		return;
	}
	if (i.flow == FLOW_CALL && i.direct && i.target == w->copy) {
		w->doubt |= (w->at && w->at != i.addr) || s.kept != ALL || s.sp >= 0;
		w->at = i.addr;
		w->frame = -s.sp;
	}
	if (i.flow == FLOW_CALL)
		s.live = 0;
	else if (i.flow == FLOW_NEXT)
		apply(w, &s, &i);
	if ((i.flow == FLOW_JUMP || i.flow == FLOW_COND) && i.direct)
		go_to(w, i.target, &s);
	w->doubt |= (i.flow == FLOW_JUMP || i.flow == FLOW_COND) && !i.direct;
	if (i.flow == FLOW_NEXT || i.flow == FLOW_COND || (i.flow == FLOW_CALL && returns(w, &i)))
		go_to(w, i.addr + i.size, &s);
}

static void walk_all(struct copy_walk *w, bool registers)
{
	struct state start = { .live = registers ? ALL : 0, .kept = registers ? 0 : ALL };
	bool again = true;

	go_to(w, w->f.addr, &start);
	while (again && !w->doubt) {
		again = false;
		for (uint64_t n = 0; n < w->f.size && !w->doubt; n++) {
			if (!w->state[n].queued)
				continue;
			step(w, &w->state[n]);
			again = true;
		}
	}
}

uint64_t gocopy_read(const struct elf_file *e, struct disasm *d, const struct gopcln *t,
		     const struct gobin_func func[GOBIN_NAMES], bool registers, uint32_t *ret_frame)
{
	struct copy_walk w = {
		.e = e, .d = d, .t = t, .f = func[GOBIN_READ], .copy = func[GOBIN_MEMMOVE].addr
	};

	if (!w.f.addr || !w.copy || w.f.size > LIMIT_GO_WALKED)
		return 0;
	w.state = calloc(w.f.size, sizeof(*w.state));
	if (!w.state)
		return 0;
	walk_all(&w, registers);
	free(w.state);
	if (w.doubt || !w.at)
		return 0;
	*ret_frame = (uint32_t)w.frame;
	return w.at;
}

size_t gocopy_write(const struct elf_file *e, struct disasm *d,
		    const struct gobin_func func[GOBIN_NAMES], uint64_t ret[GOCOPY_WRITES])
{
	struct gobin_func f = func[GOBIN_WRITE];
	uint64_t record = func[GOBIN_WRITE_RECORD].addr;
	size_t count = 0;
	struct insn i;

	if (!f.addr || !record || f.size > LIMIT_GO_WALKED)
		return 0;
	for (uint64_t at = f.addr; at - f.addr < f.size; at += i.size) {
		struct elf_piece code = elf_at(e, at);

		if (!code.data || !disasm_insn(d, code.data, code.size, at, &i))
			return 0;
		if (i.flow != FLOW_CALL || !i.direct || i.target != record)
			continue;
		if (count == GOCOPY_WRITES || (count && !((ret[0] ^ at) & 0xfff)))
			return 0;
		ret[count++] = at;
	}
	return count;
}
