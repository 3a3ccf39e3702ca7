/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entries of tests/data/kfl/entries.json in a store of their own, as SQLite sees it. */
#ifndef CLEARTAP_KFL_FIXTURE_H
#define CLEARTAP_KFL_FIXTURE_H

#include <stddef.h>

struct buf;
struct kfl;
struct kfl_error;
struct sqlite3;
struct sqlite3_stmt;

/* cmocka's setup and teardown of a group; the state is the sqlite3. */
int fixture_open(void **state);
int fixture_close(void **state);
/* A file of the source tree; valid until the next call. */
const char *fixture_path(const char *folder, const char *name);
/* All of it, NUL-terminated; the caller frees it. */
char *fixture_read(const char *path);
/*
 * The ids that match, as the store asks for them, parameters bound. `outer` is a statement around
 * it that ends with "(", or "". What SQLite does not take fails the test.
 */
struct sqlite3_stmt *fixture_prepare(struct sqlite3 *db, const struct kfl *k, const char *outer);
/* kfl_compile(), and what SQLite's store can run of it. */
int fixture_try(const char *query, size_t len, struct kfl **ret, struct kfl_error *error);
/* What does not compile fails the test. */
struct kfl *fixture_compile(const char *query);
/* Append the text n times. */
void fixture_repeat(struct buf *out, const char *text, size_t n);

#endif
