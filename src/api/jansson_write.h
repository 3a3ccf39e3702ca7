/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From jansson's trees, which the stored detail is read into, to the one JSON writer. */
#ifndef CLEARTAP_API_JANSSON_WRITE_H
#define CLEARTAP_API_JANSSON_WRITE_H

#include <jansson.h>

struct jw;

/* A value of the tree, as the member `name` or an element (NULL). */
void jansson_put(struct jw *j, const char *name, const json_t *value);
/* The same with a name that may be anything: the writer takes only constants of ours. */
void jansson_put_member(struct jw *j, const char *name, const json_t *value);
/* The members of an object, in one that was begun. */
void jansson_put_members(struct jw *j, const json_t *object);

#endif
