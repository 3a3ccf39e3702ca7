// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/unread.h"

#include <fnmatch.h>
#include <string.h>

#include "trace/elf.h"

/* A row goes when libraries.def gets one for the library. */
static const struct {
	const char *name, *file; /* pattern; libssl3.so is wanted by OpenSSL's */
	const char *function;	 /* that it defines, */
	const char *text;	 /* or what its constant data hold before a digit */
} rows[] = {
	{ "NSS", "libssl3.so", "SSL_ImportFD", NULL },
	{ "wolfSSL", "libwolfssl.so*", "wolfSSL_read", NULL },
	{ "Mbed TLS", "libmbedtls.so*", "mbedtls_ssl_read", NULL },
	{ "s2n-tls", "libs2n.so*", "s2n_recv", NULL },
	{ "BearSSL", "libbearssl.so*", "br_sslio_read", NULL },
	{ "Java's own TLS (JSSE)", "libjvm.so", "JNI_CreateJavaVM", NULL },
	/* Rust programs have it inside, without names; where they panic says the file. */
	{ "rustls", "librustls.so*", "rustls_connection_read", "/rustls-0." },
};

#define ROWS (sizeof(rows) / sizeof(*rows))

bool unread_wants(const char *basename)
{
	for (size_t i = 0; i < ROWS; i++)
		if (!fnmatch(rows[i].file, basename, 0))
			return true;
	return false;
}

static bool note_function(const struct elf_symbol *symbol, void *ret)
{
	size_t *row = ret;

	for (*row = 0; *row < ROWS; ++*row)
		if (!strcmp(symbol->name, rows[*row].function))
			return true;
	return false;
}

/* A digit follows, else it is only spoken of, as here. */
static bool has_text(struct elf_piece p, const char *text)
{
	size_t len = strlen(text);
	const uint8_t *at = p.data, *end = at ? at + p.size : NULL;

	while (at && (at = memmem(at, (size_t)(end - at), text, len))) {
		at += len;
		if (at < end && *at >= '0' && *at <= '9')
			return true;
	}
	return false;
}

const char *unread_find(const struct elf_file *e)
{
	struct elf_piece constants = elf_section(e, ".rodata");
	size_t row = ROWS;

	elf_symbols(e, note_function, &row);
	for (size_t i = 0; row == ROWS && i < ROWS; i++)
		if (rows[i].text && has_text(constants, rows[i].text))
			row = i;
	return row < ROWS ? rows[row].name : NULL;
}
