/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fields of KFL in SQL, over `e` (an entry_N) and `p` (its payload_N). */
#ifndef CLEARTAP_STORE_FIELD_SQL_H
#define CLEARTAP_STORE_FIELD_SQL_H

struct kfl_field;

/* An element of field_table[]. Never NULL in SQL, but for TYPE_JSON and TYPE_TEXTS. */
const char *field_sql(const struct kfl_field *f);
/* The text that a map with FIELD_AS_TEXT is as well. */
const char *field_text_sql(const struct kfl_field *f);

#endif
