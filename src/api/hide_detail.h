/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one path of redact() hides in the detail of an entry and in its bodies. */
#ifndef CLEARTAP_API_HIDE_DETAIL_H
#define CLEARTAP_API_HIDE_DETAIL_H

#include <jansson.h>
#include <stdbool.h>

#include "entry.h"

struct field;
struct kfl_redaction;

/* Texts become "[redacted]", numbers 0. */
#define HIDDEN_TEXT "[redacted]"

/* An entry with its payload. The entry's texts, and the bodies that are not hidden, are borrowed.
 */
struct hidden {
	struct entry e;
	bool asked; /* the filter has a redact() */
	/* detail_load(); a message whose body is hidden has "body_redacted". */
	json_t *detail;
	struct buf made[2]; /* bodies that hide a part */
};

/* Does the path name the field? "src", "src.*" and "src..name" name all of that side. */
bool hide_asks(const struct kfl_redaction *path, const struct field *f);
/* Hide what one path hides in the detail and in the bodies. 0 or -ENOMEM. */
int hide_detail(struct hidden *m, const struct kfl_redaction *path);

#endif
