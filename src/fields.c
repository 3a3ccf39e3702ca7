// SPDX-License-Identifier: GPL-2.0-or-later
/* Two tables of the rows of entry.def, in the same order: what they are, and what KFL knows of
 * them. */
#include "fields.h"

#include <string.h>

#include "entry.h"
#include "kfl/vocabulary.h"

/* clang-format off */
#define PLACE_TOP(name)	 .member = name
#define PLACE_SET(name)	 .member = name, .optional = true
#define PLACE_NONE(name) .member = NULL
#define NAME_OF(traits, name, ...) .kfl = name

const struct field field_rows[] = {
#define FIELD(kind_, place, member_, column_, of_kfl, ...)				\
	{ .kind = FIELD_IS_##kind_, .column = column_,					\
	  .offset = offsetof(struct entry, member_), PLACE_##place(column_),		\
	  NAME_OF of_kfl, __VA_ARGS__ },
#define END(kind_, member_, of_kfl, ...)						\
	{ .kind = FIELD_IS_##kind_, .column = SIDE_NAME "_" #member_,			\
	  .offset = offsetof(struct entry, SIDE.member_), .end = SIDE_NAME,		\
	  .member = #member_, NAME_OF of_kfl, __VA_ARGS__ },
#define DERIVED(type, of_kfl, ...) { NAME_OF of_kfl, __VA_ARGS__ },
#define LATER(type, of_kfl, ...) { NAME_OF of_kfl, __VA_ARGS__ },
#define LATER_END(type, member_, of_kfl, ...)						\
	{ .end = SIDE_NAME, .member = #member_, NAME_OF of_kfl, __VA_ARGS__ },
#include "entry.def"
	{ .kfl = NULL },
};

#define KNOWN(type_, traits_, name_, help_, example_, ...)				\
	.name = name_, .type = type_, .traits = traits_, .help = help_,			\
	.example = example_, .aliases = { __VA_ARGS__ }
/* What KFL takes a column for, and what is derived. */
#define COLUMN_ID(traits, ...)	    KNOWN(TYPE_NUMBER, traits, __VA_ARGS__)
#define COLUMN_TEXT(traits, ...)    KNOWN(TYPE_TEXT, (traits) | FIELD_COLUMN, __VA_ARGS__)
#define COLUMN_WORD(traits, ...)    KNOWN(TYPE_TEXT, (traits) | FIELD_COLUMN, __VA_ARGS__)
#define COLUMN_PAIRS(traits, ...)   KNOWN(TYPE_MAP, (traits) | FIELD_AS_TEXT, __VA_ARGS__)
#define COLUMN_I64(traits, ...)	    KNOWN(TYPE_NUMBER, traits, __VA_ARGS__)
#define COLUMN_I32(traits, ...)	    KNOWN(TYPE_NUMBER, traits, __VA_ARGS__)
#define COLUMN_U16(traits, ...)	    KNOWN(TYPE_NUMBER, traits, __VA_ARGS__)
#define COLUMN_ELAPSED(traits, ...) KNOWN(TYPE_NUMBER, (traits) | FIELD_MICROS, __VA_ARGS__)
#define COLUMN_TIME(traits, ...)    KNOWN(TYPE_TIME, traits, __VA_ARGS__)
#define COLUMN_BOOL(traits, ...)    KNOWN(TYPE_BOOL, (traits) | FIELD_FLAG, __VA_ARGS__)
#define COLUMN_LOCK(traits, ...)						\
	KNOWN(TYPE_TEXT, (traits) | FIELD_LOCK | FIELD_FIXED, __VA_ARGS__)
#define OTHER_FLAG(traits, ...)	  KNOWN(TYPE_BOOL, (traits) | FIELD_FLAG, __VA_ARGS__)
#define OTHER_TEXT(traits, ...)	  KNOWN(TYPE_TEXT, traits, __VA_ARGS__)
#define OTHER_NUMBER(traits, ...) KNOWN(TYPE_NUMBER, traits, __VA_ARGS__)
#define OTHER_LIST(traits, ...)	  KNOWN(TYPE_LIST, traits, __VA_ARGS__)
#define OTHER_MAP(traits, ...)	  KNOWN(TYPE_MAP, traits, __VA_ARGS__)
#define OTHER_GROUP(traits, ...)  KNOWN(TYPE_GROUP, traits, __VA_ARGS__)

const struct kfl_field field_table[] = {
#define FIELD(kind, place, member, column, of_kfl, ...) { COLUMN_##kind of_kfl },
#define END(kind, member, of_kfl, ...) { COLUMN_##kind of_kfl },
#define DERIVED(type, of_kfl, ...) { OTHER_##type of_kfl },
#define LATER(type, of_kfl, ...) { OTHER_##type of_kfl, .later = true },
#define LATER_END(type, member, of_kfl, ...) { OTHER_##type of_kfl, .later = true },
#include "entry.def"
	{ .name = NULL },
};
/* clang-format on */

const struct field *field_row(const char *kfl)
{
	for (const struct field *f = field_rows; f->kfl; f++)
		if (!strcmp(f->kfl, kfl))
			return f;
	return NULL;
}

const struct field *field_of_column(const char *column)
{
	for (const struct field *f = field_rows; f->kfl; f++)
		if (f->column && !strcmp(f->column, column))
			return f;
	return NULL;
}

unsigned field_newest(void)
{
	unsigned newest = 0;

	for (const struct field *f = field_rows; f->kfl; f++)
		if (f->since > newest)
			newest = f->since;
	return newest;
}
