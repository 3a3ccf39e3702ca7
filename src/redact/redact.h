/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Masks secrets in an entry before it is stored. Rules name header fields, query parameters,
 * members of bodies (JSON, forms, multipart forms, XML elements) and cookies; names compare without
 * regard to case, "-" and "_". Opaque entries (protocol "tls") are left as they are.
 */
#ifndef CLEARTAP_REDACT_H
#define CLEARTAP_REDACT_H

#include <stdbool.h>
#include <stddef.h>

struct entry;
struct redact;

/*
 * `rules` are "header:NAME", "query:NAME", "body:NAME", "cookie:NAME", and "off", which leaves out
 * the built-in rules as `defaults` false does. 0, -ENOMEM, or -EINVAL with a sentence in error.
 */
int redact_new(const char *const *rules, size_t n, bool defaults, struct redact **ret, char *error,
	       size_t error_size);
void redact_free(struct redact *r);
/*
 * Mask what the rules name in the texts, the messages and the bodies, and write the detail. What
 * was masked is listed in its "redacted". An encoded body in which something is masked is stored
 * decoded: then "content_encoding" becomes "decoded". 0, or -ENOMEM: detail and bodies are then
 * empty, for nothing may be stored that was not looked at.
 */
int redact_entry(const struct redact *r, struct entry *e);

#endif
