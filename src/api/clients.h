/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The open connections: how many there are, and which of them takes too long to send its request
 * (the event loop's own time limit starts anew with each byte).
 */
#ifndef CLEARTAP_API_CLIENTS_H
#define CLEARTAP_API_CLIENTS_H

#include <stdint.h>

struct client;
struct clients;

struct clients *clients_new(void);
void clients_free(struct clients *p);
/* A connection is there and waits for a request; NULL when out of memory. */
struct client *clients_add(struct clients *p, int fd);
void clients_remove(struct clients *p, struct client *client);
/* The first line of a request, all of it, and the end of its answer. */
void clients_begin(struct clients *p, struct client *client);
void clients_complete(struct clients *p, struct client *client);
void clients_idle(struct clients *p, struct client *client);
/* Cut off those that are late. Call about once a second. */
void clients_expire(struct clients *p);
unsigned clients_count(struct clients *p);

#endif
