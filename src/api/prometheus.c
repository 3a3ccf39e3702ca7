// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/prometheus.h"

#include <inttypes.h>

#include "base/writer.h"

void prometheus_family(struct writer *w, const char *name, const char *type, const char *help)
{
	writer_printf(w, "# HELP cleartap_%s %s\n# TYPE cleartap_%s %s\n", name, help, name, type);
}

static void put_label(struct writer *w, const char *name, const char *value)
{
	writer_printf(w, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			writer_puts(w, "\\n");
		else if (*value == '"' || *value == '\\')
			writer_printf(w, "\\%c", *value);
		else
			writer_putc(w, *value);
	}
	writer_putc(w, '"');
}

static void put_name(struct writer *w, const char *name, const char *const *labels)
{
	writer_printf(w, "cleartap_%s", name);
	for (size_t i = 0; labels && labels[i]; i += 2) {
		writer_putc(w, i ? ',' : '{');
		put_label(w, labels[i], labels[i + 1]);
	}
	writer_puts(w, labels && labels[0] ? "} " : " ");
}

void prometheus_value(struct writer *w, const char *name, const char *const *labels, uint64_t value)
{
	put_name(w, name, labels);
	writer_printf(w, "%" PRIu64 "\n", value);
}

void prometheus_real(struct writer *w, const char *name, double value)
{
	put_name(w, name, NULL);
	writer_printf(w, "%.6f\n", value);
}
