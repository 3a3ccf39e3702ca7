/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What redact("path", ...) of a query hides in its own answers. What repeats a hidden value
 * elsewhere is hidden with it (the header Cookie repeats the cookies, the target the path, ...),
 * and where a part cannot be told from the rest the whole is hidden.
 */
#ifndef CLEARTAP_API_HIDE_H
#define CLEARTAP_API_HIDE_H

#include <jansson.h>

#include "entry.h"

struct buf;
struct jw;
struct kfl;

/* Texts become "[redacted]", numbers 0. */
#define HIDDEN_TEXT "[redacted]"

/* The members of an entry as the API shows it, in an object that was begun. */
void hide_put_members(struct jw *j, const struct entry *e);
/* Append the entry as JSON. filter NULL: nothing is hidden. */
int hide_put_entry(const struct entry *e, const struct kfl *filter, struct buf *out);

/* An entry with its payload. The entry's texts, and the bodies that are not hidden, are borrowed.
 */
struct hidden {
	struct entry e;
	bool asked; /* the filter has a redact() */
	/* detail_load(); a message whose body is hidden has "body_redacted". */
	json_t *detail;
	struct buf made[2]; /* bodies that hide a part */
};

/* 0 or -ENOMEM; hide_free() in any case. */
int hide_whole(const struct entry *e, const struct kfl *filter, struct hidden *ret);
void hide_free(struct hidden *m);

struct field;
struct kfl_redaction;
/* Does the path name the field? "src", "src.*" and "src..name" name all of that side. */
bool hide_asks(const struct kfl_redaction *path, const struct field *f);
/* hide_detail.c: hide what one path hides in the detail and in the bodies. */
int hide_detail(struct hidden *m, const struct kfl_redaction *path);

#endif
