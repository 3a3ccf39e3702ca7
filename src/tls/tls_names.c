// SPDX-License-Identifier: GPL-2.0-or-later
#include "tls/tls_names.h"

#include <stddef.h>
#include <string.h>

static const struct tls_name_row {
	uint8_t kind;
	uint16_t code;
	const char *name;
} rows[] = {
#define NAME(kind, code, name) { TLS_##kind, code, name },
#include "tls/tls_names.def"
#undef NAME
};

const char *tls_name(enum tls_name_of kind, uint16_t code)
{
	size_t from = 0, to = sizeof(rows) / sizeof(*rows);

	while (from < to) {
		size_t i = from + (to - from) / 2;
		const struct tls_name_row *r = &rows[i];
		if (r->kind == kind && r->code == code)
			return r->name;
		if (r->kind < kind || (r->kind == kind && r->code < code))
			from = i + 1;
		else
			to = i;
	}
	return NULL;
}

bool tls_group_post_quantum(uint16_t group)
{
	const char *name = tls_name(TLS_GROUPS, group);

	return name && (strstr(name, "MLKEM") || strstr(name, "Kyber") || strstr(name, "CECPQ"));
}
