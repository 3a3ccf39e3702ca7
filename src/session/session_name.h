/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLEARTAP_SESSION_NAME_H
#define CLEARTAP_SESSION_NAME_H

#include <inttypes.h>

#include "entry.h"
#include "session/connection.h"

static inline struct session_name session_name(const struct session *s)
{
	return (struct session_name){ s->id, s->process->tgid, s->number };
}

/* As entries have it, in the memory of one. */
static inline const char *session_name_text(struct entry *e, const struct session_name *n)
{
	return entry_printf(e, "%" PRIu32 "-%" PRIx64 "-%" PRIu32, n->tgid, n->id, n->number);
}

#endif
