/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one maker of entries for all tests and benchmarks. An entry is made from its number alone,
 * the same one at each run, or from a description in JSON, or from both: the second changes the
 * first.
 */
#ifndef CLEARTAP_SYNTHETIC_H
#define CLEARTAP_SYNTHETIC_H

#include <stddef.h>
#include <stdint.h>

struct entry;
struct json_t;

/*
 * Entry number i, at timestamp_us, with a response body of so many bytes; NULL when out of memory.
 * Of 100: 85 status 200, 5 each 201, 304 and 404, one in 1,000 is 503; 20 hosts, 8 processes, a
 * connection for every 10.
 */
struct entry *synthetic_entry(uint64_t i, int64_t timestamp_us, size_t body);

/*
 * Set the fields that a JSON object names, as tests/data/kfl/entries.json does: by the names of the
 * store's columns. "detail" is an object, a body a text or {"hex": "1f8b..."}; "live" and "open"
 * make it a version. 0, or -EINVAL and the name of what is not a field or not of its type.
 */
int synthetic_set(struct entry *e, const struct json_t *fields, const char **ret_name);

#endif
