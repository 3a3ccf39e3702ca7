/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLEARTAP_SESSION_NAME_H
#define CLEARTAP_SESSION_NAME_H

#include <stdint.h>

#include "entry.h"
#include "session/connection.h"

static inline struct session_name session_name(const struct session *s)
{
	return (struct session_name){ s->id, s->process->tgid, s->number };
}

/* As entries have it, in the memory of one. */
/* Digits in front of `end`; where they begin. */
static inline char *session_name_digits(char *end, uint64_t n, unsigned base)
{
	do
		*--end = "0123456789abcdef"[n % base];
	while (n /= base);
	return end;
}

/* Each entry has one: printf() would take a twentieth of what is done for it. */
static inline const char *session_name_text(struct entry *e, const struct session_name *n)
{
	char text[48], *end = text + sizeof(text), *p = session_name_digits(end, n->number, 10);

	*--p = '-';
	p = session_name_digits(p, n->id, 16);
	*--p = '-';
	p = session_name_digits(p, n->tgid, 10);
	return entry_text(e, p, (size_t)(end - p));
}

#endif
