/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connections that live: found, made, ended. */
#ifndef CLEARTAP_TABLE_H
#define CLEARTAP_TABLE_H

#include "session/connection.h"

int table_init(struct sessions *all);
struct session *session_find(const struct sessions *all, const struct flow *f);
/* NULL when there is no room. */
struct session *session_new(struct sessions *all, const struct flow *f);
/* Its last exchanges are told, then it is gone. */
void session_end(struct session *s, int64_t now_us);
/* End all, and free the table. */
void table_free(struct sessions *all);
/* It is in the list of the busy, in the order of their last record, or not. */
void session_touch(struct session *s, int64_t now_us);
void session_leave_busy(struct session *s);
/* It is in the list of the living, or not, as its dissection says. */
void session_mark_alive(struct session *s);

#endif
