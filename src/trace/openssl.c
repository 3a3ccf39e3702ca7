// SPDX-License-Identifier: GPL-2.0-or-later
/* OpenSSL, BoringSSL and their kin: a shared library, or linked into a program with its symbols. */
#include <stdio.h>
#include <string.h>

#include "trace/elf.h"
#include "trace/exports.h"
#include "trace/library.h"

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

static void tell_version(const struct elf_file *e, char *ret, size_t room)
{
	const char *soname = elf_soname(e);
	unsigned int v = newest_version(e);

	if (exports_version(e, "OpenSSL ", ret, room))
		return;
	if (v)
		snprintf(ret, room, "OpenSSL %u.%u.%u or later", v >> 16, v >> 8 & 255, v & 255);
	else if (!strncmp(soname, "libssl.so.", 10))
		snprintf(ret, room, "OpenSSL %.40s", soname + 10);
}

static bool is_custom_verify(const struct elf_symbol *symbol, void *ret)
{
	*(bool *)ret |= !strcmp(symbol->name, "SSL_CTX_set_custom_verify");
	return *(bool *)ret;
}

/* A function that BoringSSL alone has, or its name in a message. */
static bool is_boringssl(const struct elf_file *e)
{
	struct elf_piece ro = elf_section(e, ".rodata");
	bool found = ro.data && memmem(ro.data, ro.size, "BoringSSL", 9);

	if (!found)
		elf_symbols(e, is_custom_verify, &found);
	return found;
}

int boringssl_inspect(const struct library *l, const struct library_file *f, struct inspection *ret)
{
	int r = exports_inspect(l, f, is_boringssl, ret);

	if (ret->family == l->number)
		snprintf(ret->version, sizeof(ret->version), "BoringSSL");
	return r;
}

int openssl_inspect(const struct library *l, const struct library_file *f, struct inspection *ret)
{
	int r = exports_inspect(l, f, NULL, ret);

	if (ret->family == l->number)
		tell_version(f->elf, ret->version, sizeof(ret->version));
	return r;
}
