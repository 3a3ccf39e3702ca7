/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Masks secrets in an entry before it is stored. Rules name header fields, query parameters,
 * members of bodies (JSON, forms, multipart forms, XML elements) and cookies; names compare without
 * regard to case, "-" and "_". The built-in rules mask what has a name with a word of a secret in
 * it, and what looks like one, too. Of what is not understood the length and a digest are kept.
 */
#ifndef CLEARTAP_REDACT_H
#define CLEARTAP_REDACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entry;
struct proto_set;
struct redact;

/*
 * `rules` are "header:NAME", "query:NAME", "body:NAME", "cookie:NAME", and "off", which leaves out
 * the built-in rules as `defaults` false does. 0, -ENOMEM, or -EINVAL with a sentence in error.
 */
int redact_new(const char *const *rules, size_t n, bool defaults, struct redact **ret, char *error,
	       size_t error_size);
void redact_free(struct redact *r);
/* Keep bytes of what is not understood as they are. */
void redact_keep_opaque(struct redact *r);
/* Names of fields of protobuf; borrowed, and must outlive `r`. */
void redact_name_fields(struct redact *r, const struct proto_set *set);

/* Bodies of which nothing was kept, by cause, and what else was refused. Any thread may ask. */
struct redact_stats {
	uint64_t over_budget; /* would have taken too long to look through */
	uint64_t not_decoded; /* their content coding could not be undone */
	uint64_t opaque;      /* not understood */
	uint64_t no_memory;   /* and the whole content */
	uint64_t schemas;     /* files of servers that told their schema, not taken */
};
struct redact_stats redact_stats(const struct redact *r);
/*
 * Mask what the rules name in the texts, the messages and the bodies, and write the detail. What
 * was masked is listed in its "redacted". An encoded body in which something is masked is stored
 * decoded: then "content_encoding" becomes "decoded". 0, or -ENOMEM: detail and bodies are then
 * empty, for nothing may be stored that was not looked at. One thread at a time may call it.
 */
int redact_entry(const struct redact *r, struct entry *e);

#endif
