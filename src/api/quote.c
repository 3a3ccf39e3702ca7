// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/quote.h"

#include "base/writer.h"

void quote_kfl(struct writer *w, const char *text)
{
	writer_putc(w, '"');
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == '"' || *text == '\\')
			writer_printf(w, "\\u%04x", *text);
		else
			writer_putc(w, *text);
	}
	writer_putc(w, '"');
}
