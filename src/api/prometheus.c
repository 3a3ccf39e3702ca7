// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/prometheus.h"

#include <inttypes.h>

#include "base/buf.h"

static void put(struct prometheus *p, const char *text)
{
	p->error = p->error ? p->error : buf_puts(p->out, text);
}

void prometheus_family(struct prometheus *p, const char *name, const char *type, const char *help)
{
	if (!p->error)
		p->error = buf_printf(p->out, "# HELP cleartap_%s %s\n# TYPE cleartap_%s %s\n",
				      name, help, name, type);
}

static void put_label(struct prometheus *p, const char *name, const char *value)
{
	put(p, name);
	put(p, "=\"");
	for (; !p->error && *value; value++) {
		if (*value == '\n')
			put(p, "\\n");
		else if (*value == '"' || *value == '\\')
			p->error = buf_printf(p->out, "\\%c", *value);
		else
			p->error = buf_putc(p->out, *value);
	}
	put(p, "\"");
}

static void put_name(struct prometheus *p, const char *name, const char *const *labels)
{
	put(p, "cleartap_");
	put(p, name);
	for (size_t i = 0; labels && labels[i]; i += 2) {
		put(p, i ? "," : "{");
		put_label(p, labels[i], labels[i + 1]);
	}
	put(p, labels && labels[0] ? "} " : " ");
}

void prometheus_value(struct prometheus *p, const char *name, const char *const *labels,
		      uint64_t value)
{
	put_name(p, name, labels);
	if (!p->error)
		p->error = buf_printf(p->out, "%" PRIu64 "\n", value);
}

void prometheus_real(struct prometheus *p, const char *name, double value)
{
	put_name(p, name, NULL);
	if (!p->error)
		p->error = buf_printf(p->out, "%.6f\n", value);
}
