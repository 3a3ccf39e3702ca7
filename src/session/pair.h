/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Both ends of one connection: between complete.c and the sink. */
#ifndef CLEARTAP_PAIR_H
#define CLEARTAP_PAIR_H

#include "session/connection.h"

/* Takes an entry of the session, and sends on what is to be told by now. */
void pair_take(struct session *s, struct entry *e);
/* Its socket is known now, or better: find the other end. */
void pair_link(struct session *s);
/* They are not the ends of one connection (any more); what waits is told. */
void pair_unlink(struct session *s);
/* The session has told all that it has. */
void pair_end_session(struct session *s);
void pair_tick(struct sessions *all);

#endif
