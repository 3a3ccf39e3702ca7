/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread that makes children for analyses, of one mother after the other. Whoever makes one waits
 * for another process, which on a busy machine may take 0.1 s: the loop of the tracer must not.
 */
#ifndef CLEARTAP_SPARES_H
#define CLEARTAP_SPARES_H

#include <stdbool.h>
#include <sys/types.h>

struct inspect_child;
struct spares;

/* uid and gid: whom the children become. NULL when out of memory, descriptors or threads. */
struct spares *spares_new(uid_t uid, gid_t gid);
/* Waits for the one that is being made; ends all that were not taken. */
void spares_free(struct spares *s);
/* Have one more made. 0, or -errno: it will not be. */
int spares_order(struct spares *s);
/* The next one: 0; -EAGAIN: none is ready yet; or -errno: one that was ordered could not be made.
 */
int spares_take(struct spares *s, struct inspect_child *ret);
/* Readable when there is one to take. */
int spares_fd(const struct spares *s);
/* They are waited for: from now on they are made ahead of all that has no real-time priority. */
void spares_hurry(struct spares *s, bool on);

#endif
