/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The open connections: how many there are, and which of them takes too long to send its request
 * (the event loop's own time limit starts anew with each byte).
 */
#ifndef CLEARTAP_API_PEERS_H
#define CLEARTAP_API_PEERS_H

#include <stdint.h>

struct peer;
struct peers;

struct peers *peers_new(void);
void peers_free(struct peers *p);
/* A connection is there and waits for a request; NULL when out of memory. */
struct peer *peers_add(struct peers *p, int fd);
void peers_remove(struct peers *p, struct peer *peer);
/* The first line of a request, all of it, and the end of its answer. */
void peers_begin(struct peers *p, struct peer *peer);
void peers_complete(struct peers *p, struct peer *peer);
void peers_idle(struct peers *p, struct peer *peer);
/* Cut off those that are late. Call about once a second. */
void peers_expire(struct peers *p);
unsigned peers_count(struct peers *p);

#endif
