// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <math.h>

#include "base/limits.h"
#include "dissect/sql.h"

static size_t skip_digits(const uint8_t *data, size_t len, size_t at)
{
	while (at < len && isdigit(data[at]))
		at++;
	return at;
}

/* RFC 8259, section 6. */
bool sql_is_number(const uint8_t *data, size_t len)
{
	size_t first = len && data[0] == '-', at = skip_digits(data, len, first), from = at + 1;

	if (at == first || len >= 80 || (data[first] == '0' && at > first + 1))
		return false;
	if (at < len && data[at] == '.' && (at = skip_digits(data, len, from)) == from)
		return false;
	if (at == len || (data[at] | 0x20) != 'e')
		return at == len;
	from = at + 1 + (at + 1 < len && (data[at + 1] == '+' || data[at + 1] == '-'));
	at = skip_digits(data, len, from);
	return at > from && at == len;
}

void sql_put_hex(struct buf *out, const char *before, const uint8_t *data, size_t len)
{
	buf_printf(out, "\"%s", before);
	for (size_t i = 0; i < len && i < LIMIT_SUMMARY; i++)
		buf_printf(out, "%02x", data[i]);
	buf_puts(out, len > LIMIT_SUMMARY ? "...\"" : "\"");
}

void sql_put_float(struct buf *out, double v)
{
	if (isfinite(v))
		buf_printf(out, "%.15g", v);
	else
		buf_puts(out, isnan(v) ? "\"NaN\"" : v > 0 ? "\"Infinity\"" : "\"-Infinity\"");
}
