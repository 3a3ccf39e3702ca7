/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes JSON (RFC 8259) into a buf: the one place that knows of commas and quotes. The writer
 * remembers its first error and writes nothing after it, so only jw_done() is to be looked at.
 *
 *	struct jw j = jw_begin(out);
 *	jw_object(&j, NULL);
 *	jw_int(&j, "id", 17);
 *	jw_array(&j, "headers");
 *	jw_end_array(&j);
 *	jw_end_object(&j);
 *	return jw_done(&j);
 *
 * `name` is that of the member, NULL for an element of an array and for the outermost value. Names
 * are constants of ours and written as they are; values may be anything.
 */
#ifndef CLEARTAP_JSON_WRITE_H
#define CLEARTAP_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

struct jw {
	struct buf *out; /* borrowed, appended to */
	int error;	 /* 0 or -ENOMEM */
	bool comma;	 /* before the next value */
};

struct jw jw_begin(struct buf *out);
/* Go on in an object or array that was begun by other means; `comma`: something is in it. */
struct jw jw_continue(struct buf *out, bool comma);
/* The first error, 0 for none. */
int jw_done(const struct jw *j);
/* What was to be written could not be had: -errno, or 0 for nothing. */
void jw_fail(struct jw *j, int error);

void jw_object(struct jw *j, const char *name);
void jw_end_object(struct jw *j);
void jw_array(struct jw *j, const char *name);
void jw_end_array(struct jw *j);

/* Bytes that are not UTF-8 become U+FFFD. */
void jw_text(struct jw *j, const char *name, const void *text, size_t len);
void jw_string(struct jw *j, const char *name, const char *text);
/* Bytes as a string of hexadecimal digits. */
void jw_hex(struct jw *j, const char *name, const void *data, size_t len);
void jw_int(struct jw *j, const char *name, int64_t value);
void jw_uint(struct jw *j, const char *name, uint64_t value);
/* A finite number with so many decimals; any other becomes null. */
void jw_real(struct jw *j, const char *name, double value, unsigned decimals);
void jw_bool(struct jw *j, const char *name, bool value);
void jw_null(struct jw *j, const char *name);
/* A whole value that is JSON already. */
void jw_raw(struct jw *j, const char *name, const void *json, size_t len);
/* ["name","value"] as an element. */
void jw_pair(struct jw *j, const void *name, size_t name_len, const void *value, size_t value_len);

#endif
