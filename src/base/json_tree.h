/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON text as a tree of jansson's. Its own reader does not look whether memory was there for the
 * next byte of a string, and reads past what it has when it was not.
 */
#ifndef CLEARTAP_JSON_TREE_H
#define CLEARTAP_JSON_TREE_H

#include <jansson.h>

#include "base/text.h"

/* NULL, and in errno: EINVAL, it is no JSON, or nested deeper than LIMIT_JSON_TREE_DEPTH; ENOMEM.
 */
json_t *json_tree(struct text in);

#endif
