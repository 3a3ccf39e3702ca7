// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/openssl.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "trace/plan.h"

enum export {
	READ,
	READ_EX,
	WRITE,
	WRITE_EX,
	WRITE_EX2,
	CALLS,
	FREE = CALLS,
	CLEAR,
	PEEK,
	PEEK_EX,
	CUSTOM,
	EXPORTS,
};

struct library {
	const struct elf_file *e;
	struct disasm *d;
	struct inspection *out;
	struct plan_export export[EXPORTS];
	struct plan_route route[CALLS];
	bool covered[CALLS]; /* a probe elsewhere sees its calls */
};

/* Exports that share what a probe on one common inner function would see. */
struct group {
	enum export first, last;
	enum probe_kind kind; /* of the first export; the others follow in order */
};

static const struct plan_export exports[EXPORTS] = {
	[READ] = { "SSL_read", PLAN_INT },
	[READ_EX] = { "SSL_read_ex", PLAN_EX },
	[WRITE] = { "SSL_write", PLAN_INT },
	[WRITE_EX] = { "SSL_write_ex", PLAN_EX },
	[WRITE_EX2] = { "SSL_write_ex2", PLAN_EX2 },
	[FREE] = { "SSL_free" },
	[CLEAR] = { "SSL_clear" },
	[PEEK] = { "SSL_peek" },
	[PEEK_EX] = { "SSL_peek_ex" },
	[CUSTOM] = { "SSL_CTX_set_custom_verify" }, /* BoringSSL's alone */
};

static bool take_symbol(const struct elf_symbol *symbol, void *arg)
{
	struct library *lib = arg;

	if (strncmp(symbol->name, "SSL_", 4))
		return false;
	for (int i = 0; i < EXPORTS; i++) {
		struct plan_export *x = &lib->export[i];

		if (x->addr || strcmp(symbol->name, x->name))
			continue;
		if (!elf_executable(lib->e, symbol->addr))
			continue;
		x->addr = symbol->addr;
		x->size = symbol->size;
	}
	return false;
}

__attribute__((format(printf, 2, 3))) static void tell(struct library *lib, const char *fmt, ...)
{
	char *plan = lib->out->plan;
	size_t room = sizeof(lib->out->plan), len = strlen(plan);
	va_list ap;

	if (len)
		snprintf(plan + len, room - len, "; ");
	len = strlen(plan);
	va_start(ap, fmt);
	vsnprintf(plan + len, room - len, fmt, ap);
	va_end(ap);
}

static void add_point(struct library *lib, enum probe_kind kind, const struct plan_place *place)
{
	struct inspection *out = lib->out;
	uint64_t offset;

	if (!elf_offset(lib->e, place->addr, &offset) || out->points == LIMIT_PROBE_POINTS)
		return;
	out->point[out->points++] =
		(struct probe_point){ .offset = offset, .kind = kind, .cheap = place->cheap };
}

static void probe_export(struct library *lib, enum export which, enum probe_kind kind)
{
	const struct plan_export *x = &lib->export[which];
	struct plan_place place;

	plan_place(lib->e, lib->d, x->addr, x->size, &place);
	add_point(lib, kind, &place);
	tell(lib, "%s+%u %s", x->name, (unsigned int)(place.addr - x->addr), place.text);
}

/* Does `target` serve a function that must not be counted? */
static bool peeked(const struct library *lib, uint64_t target)
{
	for (int i = PEEK; i <= PEEK_EX; i++) {
		const struct plan_export *x = &lib->export[i];

		if (x->addr && plan_branches_to(lib->e, lib->d, x->addr, x->size, target))
			return true;
	}
	return false;
}

/* The internal function that all exports of the group that are left call, or 0. */
static uint64_t shared_target(const struct library *lib, const struct group *g, uint8_t *ret_count)
{
	uint64_t target = 0;
	int users = 0;

	for (int i = g->first; i <= (int)g->last; i++) {
		const struct plan_route *r = &lib->route[i];

		if (!lib->export[i].addr || lib->covered[i])
			continue;
		if (!r->certain || r->sibling >= 0 || (target && r->target != target) ||
		    (target && r->count_arg != *ret_count))
			return 0;
		target = r->target;
		*ret_count = r->count_arg;
		users++;
	}
	/* one export alone does not show that the function is what it seems to be */
	return users > 1 && !peeked(lib, target) ? target : 0;
}

static bool probe_shared(struct library *lib, const struct group *g)
{
	uint8_t count = 0;
	uint64_t target = shared_target(lib, g, &count);
	struct plan_place place;
	char names[64] = "";

	if (!target || (g->first == READ && count != 3))
		return false;
	plan_place(lib->e, lib->d, target, 0, &place);
	add_point(lib, count == 3 ? g->kind + 1 : g->kind + 2, &place);
	for (int i = g->first; i <= (int)g->last; i++) {
		size_t len = strlen(names);

		if (lib->export[i].addr)
			snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "",
				 lib->export[i].name);
	}
	tell(lib, "internal 0x%llx %s (%s)", (unsigned long long)place.addr, place.text, names);
	return true;
}

/*
 * An export that hands every call on to another one needs no probe of its own. Where this is not
 * proven, and yet one mentions another, probing both may count twice: then the one that fewer
 * programs call is left out.
 */
static void leave_out(struct library *lib, const struct group *g)
{
	for (int i = g->first; i <= (int)g->last; i++) {
		const struct plan_route *r = &lib->route[i];

		if (!lib->export[i].addr)
			continue;
		if (r->certain && r->sibling >= 0 && !lib->covered[r->sibling]) {
			lib->covered[i] = true;
			tell(lib, "%s by %s", lib->export[i].name, lib->export[r->sibling].name);
			continue;
		}
		for (int k = g->first; k <= (int)g->last; k++) {
			int rare = i > k ? i : k;

			if (!(r->mentions & (1u << k)) || lib->covered[i] || lib->covered[k])
				continue;
			lib->covered[rare] = true;
			tell(lib, "%s left out, it may be counted twice", lib->export[rare].name);
		}
	}
	for (int i = g->first; i <= (int)g->last; i++) {
		for (int k = g->first; k < i; k++) {
			if (lib->export[i].addr == lib->export[k].addr)
				lib->covered[i] = true;
		}
	}
}

static int plan_group(struct library *lib, const struct group *g)
{
	for (int i = g->first; i <= (int)g->last; i++) {
		int r = 0;

		if (lib->export[i].addr)
			r = plan_route(lib->e, lib->d, lib->export, CALLS, i, &lib->route[i]);
		if (r)
			return r;
	}
	leave_out(lib, g);
	if (probe_shared(lib, g))
		return 0;
	for (int i = g->first; i <= (int)g->last; i++) {
		if (lib->export[i].addr && !lib->covered[i])
			probe_export(lib, i, g->kind + (i - g->first));
	}
	return 0;
}

/* The text of OPENSSL_VERSION_TEXT or the like, copied up to the date. */
static bool version_text(const struct elf_file *e, char *ret, size_t room)
{
	static const char mark[] = "OpenSSL ";
	struct elf_piece ro = elf_section(e, ".rodata");
	const uint8_t *at = ro.data, *end;

	if (!at)
		return false;
	end = at + ro.size;
	while ((at = memmem(at, end - at, mark, sizeof(mark) - 1))) {
		const uint8_t *digit = at + sizeof(mark) - 1, *stop = digit;

		while (stop < end && (isalnum(*stop) || *stop == '.' || *stop == '-'))
			stop++;
		if (stop > digit + 4 && isdigit(*digit) && digit[1] == '.' &&
		    (size_t)(stop - at) < room) {
			memcpy(ret, at, stop - at);
			ret[stop - at] = 0;
			return true;
		}
		at = digit;
	}
	return false;
}

/* The newest symbol version named, for instance OPENSSL_3.5.0: the library is not older. */
static unsigned int newest_version(const struct elf_file *e)
{
	static const char mark[] = "OPENSSL_";
	struct elf_piece names = elf_section(e, ".dynstr");
	const uint8_t *at = names.data, *end;
	unsigned int best = 0;

	if (!at)
		return 0;
	end = at + names.size;
	while ((at = memmem(at, end - at, mark, sizeof(mark) - 1))) {
		const char *text = elf_string(names, at - names.data);
		unsigned int a, b, c;
		char dot, dot2;

		at += sizeof(mark) - 1;
		if (sscanf(text, "OPENSSL_%2u%c%2u%c%2u", &a, &dot, &b, &dot2, &c) != 5 ||
		    dot != dot2 || (dot != '.' && dot != '_'))
			continue;
		if ((a << 16 | b << 8 | c) > best)
			best = a << 16 | b << 8 | c;
	}
	return best;
}

static void identify(struct library *lib)
{
	struct inspection *out = lib->out;
	struct elf_piece ro = elf_section(lib->e, ".rodata");
	const char *soname = elf_soname(lib->e);
	unsigned int v = newest_version(lib->e);

	out->family = INSPECT_OPENSSL;
	if (lib->export[CUSTOM].addr || (ro.data && memmem(ro.data, ro.size, "BoringSSL", 9))) {
		out->family = INSPECT_BORINGSSL;
		snprintf(out->version, sizeof(out->version), "BoringSSL");
	} else if (version_text(lib->e, out->version, sizeof(out->version))) {
		return;
	} else if (v) {
		snprintf(out->version, sizeof(out->version), "OpenSSL %u.%u.%u or later", v >> 16,
			 v >> 8 & 255, v & 255);
	} else if (!strncmp(soname, "libssl.so.", 10)) {
		snprintf(out->version, sizeof(out->version), "OpenSSL %.40s", soname + 10);
	}
}

int openssl_inspect(const struct elf_file *e, struct disasm *d, struct inspection *ret)
{
	static const struct group groups[] = { { READ, READ_EX, PROBE_SSL_READ },
					       { WRITE, WRITE_EX2, PROBE_SSL_WRITE } };
	struct library lib = { .e = e, .d = d, .out = ret };
	bool any = false;
	int r = 0;

	memcpy(lib.export, exports, sizeof(exports));
	elf_symbols(e, take_symbol, &lib);
	for (int i = 0; i < CALLS; i++)
		any |= lib.export[i].addr != 0;
	if (!any)
		return 0;
	identify(&lib);
	for (size_t i = 0; !r && i < sizeof(groups) / sizeof(groups[0]); i++)
		r = plan_group(&lib, &groups[i]);
	if (!r && lib.export[FREE].addr)
		probe_export(&lib, FREE, PROBE_SSL_FREE);
	if (!r && lib.export[CLEAR].addr)
		probe_export(&lib, CLEAR, PROBE_SSL_CLEAR);
	return r;
}
