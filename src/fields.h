/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of entry.def as data, for those who go by a field's name (entry.def tells the members).
 */
#ifndef CLEARTAP_FIELDS_H
#define CLEARTAP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#define FIELD_REPEATS 8

enum field_kind {
	FIELD_IS_OTHER, /* not in struct entry */
	FIELD_IS_ID,
	FIELD_IS_TEXT,
	FIELD_IS_WORD,
	FIELD_IS_PAIRS,
	FIELD_IS_I64,
	FIELD_IS_I32,
	FIELD_IS_U16,
	FIELD_IS_ELAPSED,
	FIELD_IS_TIME,
	FIELD_IS_BOOL,
	FIELD_IS_LOCK,
};

struct field {
	enum field_kind kind;
	const char *kfl;    /* its name in KFL; field_table[] of kfl/vocabulary.h has the rest */
	const char *column; /* of entry_N, NULL: not stored */
	size_t offset;	    /* of the member of struct entry, for what is stored */
	const char *end;    /* "src" or "dst": it is a field of that end */
	const char *member; /* of the entry's JSON, or of its end's; NULL: none */
	bool optional;	    /* the JSON has it only when it is not zero */
	const char *sql, *text_sql;
	const char *finds; /* of a flag: the column whose index may find it */
	const char *hides[FIELD_REPEATS], *detail[FIELD_REPEATS];
	const char *about, *values[4];
	unsigned since, rows;
};

/* One for each row, as field_table[] of kfl/vocabulary.h; ends with an element whose kfl is NULL.
 */
extern const struct field field_rows[];

/* The row of a name that KFL has (not of an alias), of a column; NULL if there is none. */
const struct field *field_row(const char *kfl);
const struct field *field_of_column(const char *column);
/* The newest .since. */
unsigned field_newest(void);

#endif
