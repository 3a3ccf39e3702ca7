/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the Prometheus text format 0.0.4. */
#ifndef CLEARTAP_API_PROMETHEUS_H
#define CLEARTAP_API_PROMETHEUS_H

#include <stdint.h>

struct writer;

/* What is known of all values of a name ("cleartap_" is put before it). */
void prometheus_family(struct writer *w, const char *name, const char *type, const char *help);
/* One of them. labels: name, value, name, value, ..., NULL; or NULL. */
void prometheus_value(struct writer *w, const char *name, const char *const *labels,
		      uint64_t value);
void prometheus_real(struct writer *w, const char *name, double value);

#endif
