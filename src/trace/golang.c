// SPDX-License-Identifier: GPL-2.0-or-later
/* Go's crypto/tls, in programs and in libraries that Go built. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "trace/dwarf.h"
#include "trace/gobin.h"
#include "trace/gocopy.h"
#include "trace/goplan.h"
#include "trace/library.h"

/*
 * Go 1.N whose structures and code were looked at. Of later ones debug information must tell, and
 * functions are probed at their entries and returns.
 */
#define GOLANG_OLDEST 9 /* brought internal/poll */
#define GOLANG_NEWEST 27

struct golang {
	struct elf_file *e;
	struct disasm *d;
	struct inspection *out;
	struct gopcln table;
	struct gobin_func func[GOBIN_NAMES];
	int minor; /* of Go 1.minor, -1 unknown */
};

static int minor_of(const char *version)
{
	const char *at = strstr(version, "go1.");
	int minor;

	if (!at || sscanf(at, "go1.%4d", &minor) != 1 || minor < 0)
		return -1;
	return minor;
}

static bool take_symbol(const struct elf_symbol *symbol, void *arg)
{
	struct golang *g = arg;

	if (!strncmp(symbol->name, "go", 2) &&
	    (!strcmp(symbol->name, "go:itab.*net.TCPConn,net.Conn") ||
	     !strcmp(symbol->name, "go.itab.*net.TCPConn,net.Conn")))
		g->out->go.itab_tcp_conn = symbol->addr;
	if (strncmp(symbol->name, "crypto/tls.(*Conn).", 19) &&
	    strcmp(symbol->name, "runtime.memmove"))
		return false;
	for (int i = 0; i < GOBIN_NAMES; i++) {
		if (strcmp(symbol->name, gobin_name(i)) || !symbol->size ||
		    !elf_executable(g->e, symbol->addr))
			continue;
		g->func[i] = (struct gobin_func){ symbol->addr, symbol->size };
	}
	return false;
}

/* What runtime.g.goid is at in Go 1.minor: runtime/runtime2.go. */
static int32_t goid_of(int minor)
{
	if (minor < 5 || minor > GOLANG_NEWEST)
		return -1;
	/* 1.23 added g.syscallbp, 1.25 dropped gobuf.ret */
	return minor == 23 || minor == 24 ? 160 : 152;
}

/* The same where debug information does not tell. "go1.25-20250209..." is from before 1.25. */
static int32_t goid_offset(const char *version, int minor)
{
	const char *at = strstr(version, "go1.");
	bool snapshot = at && at[4 + strspn(at + 4, "0123456789")] == '-';

	return snapshot && goid_of(minor - 1) != goid_of(minor) ? -1 : goid_of(minor);
}

static bool looked_at(const struct golang *g)
{
	return g->minor >= GOLANG_OLDEST && g->minor <= GOLANG_NEWEST;
}

/* By the version alone. */
static void known_layout(struct golang *g)
{
	struct go_layout *go = &g->out->go;

	go->goid = goid_offset(g->out->version, g->minor);
	if (!looked_at(g))
		return;
	go->conn_conn = 0;
	go->conn_fd = 0;
	go->fd_sysfd = 16;
}

/* What debug information says goes before what the version lets expect. */
static void read_layout(struct golang *g)
{
	struct dwarf_member members[] = {
		{ "runtime.g", "goid", -1 },
		{ "crypto/tls.Conn", "conn", -1 },
		{ "net.conn", "fd", -1 },
		{ "net.netFD", "pfd", -1 },
		{ "internal/poll.FD", "Sysfd", -1 },
	};
	struct go_layout *go = &g->out->go;

	dwarf_members(g->e, members, sizeof(members) / sizeof(members[0]));
	if (members[0].offset >= 0)
		go->goid = members[0].offset;
	if (members[1].offset >= 0)
		go->conn_conn = members[1].offset;
	if (members[2].offset >= 0)
		go->conn_fd = members[2].offset;
	if (members[3].offset >= 0 && members[4].offset >= 0)
		go->fd_sysfd = members[3].offset + members[4].offset;
}

/* ABIInternal: amd64 since 1.17, arm64 since 1.18. */
static bool register_abi(const struct golang *g, struct gobin_func f)
{
	if (g->e->machine != EM_X86_64)
		return g->minor >= 0 ? g->minor >= 18 : g->table.version >= GOPCLN_1_18;
	return g->minor >= 0 ? g->minor >= 17 : goplan_register_abi(g->e, g->d, f);
}

static void add_point(struct golang *g, uint64_t addr, enum probe_kind kind, bool cheap)
{
	struct inspection *out = g->out;
	uint64_t offset;

	if (out->points == LIMIT_PROBE_POINTS || !elf_offset(g->e, addr, &offset))
		return;
	out->go.text_delta = addr - offset;
	out->point[out->points++] =
		(struct probe_point){ .offset = offset, .kind = kind, .cheap = cheap };
}

__attribute__((format(printf, 3, 4))) static void tell(struct golang *g, enum gobin_name which,
						       const char *fmt, ...)
{
	char *plan = g->out->plan;
	size_t len = strlen(plan), room = sizeof(g->out->plan) - len;
	va_list ap;

	snprintf(plan + len, room, "%s%s", len ? "; " : "",
		 gobin_name(which) + strlen("crypto/tls."));
	len = strlen(plan);
	va_start(ap, fmt);
	vsnprintf(plan + len, sizeof(g->out->plan) - len, fmt, ap);
	va_end(ap);
}

/* The calls that move the plaintext, where both are proven. */
static bool plan_calls(struct golang *g)
{
	struct go_layout *go = &g->out->go;
	uint64_t read, write[GOCOPY_WRITES];
	size_t writes;

	if (!looked_at(g))
		return false;
	writes = gocopy_write(g->e, g->d, g->func, write);
	read = gocopy_read(g->e, g->d, &g->table, g->func, go->register_abi, &go->copy_frame);
	if (!writes || !read)
		return false;
	add_point(g, read, PROBE_GO_READ_COPY, true);
	for (size_t i = 0; i < writes; i++)
		add_point(g, write[i], PROBE_GO_WRITE_RECORD, true);
	tell(g, GOBIN_READ, ", its copy to the caller");
	tell(g, GOBIN_WRITE, ", %zu calls of writeRecordLocked", writes);
	return true;
}

static void plan_read(struct golang *g)
{
	uint64_t returns[LIMIT_PROBE_POINTS / 4];
	struct gobin_func f = g->func[GOBIN_READ];
	struct plan_place place;
	struct insn insn;
	size_t count;

	if (!f.addr)
		return;
	if (!goplan_entry(g->e, g->d, f, g->out->go.register_abi, false, &place)) {
		tell(g, GOBIN_READ, " left out: its code is not understood");
		return;
	}
	count = goplan_returns(g->e, g->d, f, returns, LIMIT_PROBE_POINTS / 4);
	if (!count || count == LIMIT_PROBE_POINTS / 4) {
		tell(g, GOBIN_READ, " left out: its returns are not understood");
		return;
	}
	add_point(g, place.addr, PROBE_GO_READ, place.cheap);
	for (size_t i = 0; i < count; i++) {
		struct elf_piece code = elf_at(g->e, returns[i]);

		disasm_insn(g->d, code.data, code.size, code.addr, &insn);
		add_point(g, returns[i], PROBE_GO_READ_RET, insn.emulated);
	}
	tell(g, GOBIN_READ, "+%u %s, %zu returns", (unsigned int)(place.addr - f.addr), place.text,
	     count);
}

static void plan_write(struct golang *g)
{
	struct gobin_func f = g->func[GOBIN_WRITE];
	struct plan_place place;

	if (!f.addr)
		return;
	if (goplan_entry(g->e, g->d, f, g->out->go.register_abi, true, &place)) {
		add_point(g, place.addr, PROBE_GO_WRITE, place.cheap);
		tell(g, GOBIN_WRITE, "+%u %s", (unsigned int)(place.addr - f.addr), place.text);
	} else {
		tell(g, GOBIN_WRITE, " left out: its code is not understood");
	}
}

static void plan_close(struct golang *g)
{
	struct gobin_func f = g->func[GOBIN_CLOSE];
	struct plan_place place;

	if (!f.addr || !goplan_entry(g->e, g->d, f, g->out->go.register_abi, false, &place))
		return;
	add_point(g, place.addr, PROBE_GO_CLOSE, place.cheap);
	tell(g, GOBIN_CLOSE, "+%u %s", (unsigned int)(place.addr - f.addr), place.text);
}

static void plan(struct golang *g, bool table)
{
	const struct gobin_func *any =
		&g->func[g->func[GOBIN_READ].addr ? GOBIN_READ : GOBIN_WRITE];

	g->out->go.register_abi = register_abi(g, *any);
	g->out->go.tls_slot = goplan_tls_slot(g->e, *any);
	if (!table || !plan_calls(g)) {
		plan_read(g);
		plan_write(g);
	}
	plan_close(g);
	if (!g->out->points)
		snprintf(g->out->reason, sizeof(g->out->reason),
			 "the code of crypto/tls.(*Conn).Read and Write is not understood");
}

/* Why there are no functions to probe: "Go 1.9.2: crypto/tls not linked in". */
static void tell_reason(struct golang *g, bool table)
{
	const char *version = g->out->version;

	if (!strncmp(version, "go", 2))
		version += 2;
	snprintf(g->out->reason, sizeof(g->out->reason), "Go %s: %s",
		 *version ? version : "of an unknown version",
		 table ? "crypto/tls not linked in" : "its table of functions was not found");
}

static bool found(const struct golang *g)
{
	return g->func[GOBIN_READ].addr || g->func[GOBIN_WRITE].addr;
}

static void find_itab(struct golang *g, bool table)
{
	struct go_layout *go = &g->out->go;

	if (table)
		go->itab_tcp_conn = goitab_find(g->e, &g->table);
	if (!go->itab_tcp_conn)
		elf_symbols(g->e, take_symbol, g);
}

/*
 * It changes the mapped copy of the file (elf_relocate). Debug information is read last: what is
 * known without goes to f->first.
 */
int golang_inspect(const struct library *l, const struct library_file *f, struct inspection *ret)
{
	struct elf_file *e = f->elf;
	struct golang g = { .e = e, .d = f->disasm, .out = ret };
	struct gobin_info info;
	bool table;

	if (!gobin_is_go(e))
		return 0;
	elf_relocate(e);
	ret->family = l->number;
	gobin_info(e, &info);
	snprintf(ret->version, sizeof(ret->version), "%s", info.version);
	snprintf(ret->module, sizeof(ret->module), "%s", info.module);
	table = gopcln_find(e, &g.table);
	if (table)
		gopcln_lookup(&g.table, e, g.func);
	if (!found(&g))
		elf_symbols(e, take_symbol, &g);
	if (!*ret->version)
		gobin_old_version(e, ret->version, sizeof(ret->version));
	if (!*ret->version && table && g.table.version < GOPCLN_1_18)
		snprintf(ret->version, sizeof(ret->version), "go1.%d or older",
			 g.table.version == GOPCLN_1_2 ? 15 : 17);
	g.minor = minor_of(ret->version);
	if (!found(&g)) {
		tell_reason(&g, table);
		return 0;
	}
	find_itab(&g, table);
	known_layout(&g);
	plan(&g, table);
	if (f->first && ret->points) {
		ret->more = 1;
		f->first(ret);
	}
	read_layout(&g);
	return 0;
}
