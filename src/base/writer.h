/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes text or bytes into a buf, remembering the first error: what follows one is left out, so
 * only the end of it has to be looked at. base/json_write.h does the same for JSON.
 */
#ifndef CLEARTAP_WRITER_H
#define CLEARTAP_WRITER_H

#include <stddef.h>

#include "base/buf.h"

struct writer {
	struct buf *out; /* borrowed, appended to */
	int error;	 /* 0 or -ENOMEM */
};

static inline void writer_put(struct writer *w, const void *data, size_t len)
{
	w->error = w->error ? w->error : buf_put(w->out, data, len);
}

static inline void writer_puts(struct writer *w, const char *text)
{
	writer_put(w, text, strlen(text));
}

static inline void writer_putc(struct writer *w, char c)
{
	writer_put(w, &c, 1);
}

#define writer_printf(w, ...)                                                                      \
	((void)((w)->error = (w)->error ? (w)->error : buf_printf((w)->out, __VA_ARGS__)))

#endif
