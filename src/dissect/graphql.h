/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a GraphQL request over HTTP asks for: the type and name of its operation. */
#ifndef CLEARTAP_GRAPHQL_H
#define CLEARTAP_GRAPHQL_H

#include "base/text.h"

struct buf;
struct entry;

/*
 * Set e->graphql_operation when the request is one. Looks into bodies that may be, and decodes
 * those of which path or type say so: not for the thread that reads the ring, and before the body
 * is masked.
 */
void graphql_entry(struct entry *e);
/* "query Name" of a document: of the operation with that name, else of its first. 0 or -ENOMEM;
 * what is no document gives nothing. */
int graphql_operation(struct text document, struct text name, struct buf *out);

#endif
