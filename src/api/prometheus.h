/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the Prometheus text format 0.0.4. Remembers its first error, as base/json_write.h does. */
#ifndef CLEARTAP_API_PROMETHEUS_H
#define CLEARTAP_API_PROMETHEUS_H

#include <stdint.h>

struct buf;

struct prometheus {
	struct buf *out; /* borrowed, appended to */
	int error;	 /* 0 or -ENOMEM */
};

/* What is known of all values of a name ("cleartap_" is put before it). */
void prometheus_family(struct prometheus *p, const char *name, const char *type, const char *help);
/* One of them. labels: name, value, name, value, ..., NULL; or NULL. */
void prometheus_value(struct prometheus *p, const char *name, const char *const *labels,
		      uint64_t value);
void prometheus_real(struct prometheus *p, const char *name, double value);

#endif
