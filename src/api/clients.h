/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The open connections of one listener: which of them take too long to send a request (the event
 * loop's own time limit starts anew with each byte), and who has to give way. One that has not
 * shown yet that it may ask is a stranger. Strangers get LIMIT_SOURCE_STRANGERS connections per
 * address and LIMIT_HTTP_STRANGERS together; with more the oldest of them is cut off. So whoever
 * holds connections open without asking takes room from nobody but himself.
 */
#ifndef CLEARTAP_API_CLIENTS_H
#define CLEARTAP_API_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

struct client;
struct clients;
struct sockaddr;

struct clients_numbers {
	unsigned open;
	uint64_t displaced; /* cut off to make room */
	uint64_t late;	    /* cut off because the request did not come in time */
};

struct clients *clients_new(void);
void clients_free(struct clients *p);
/* A connection is there and waits for a request; from: NULL unknown. NULL when out of memory. */
struct client *clients_add(struct clients *p, int fd, const struct sockaddr *from);
/* A client may be NULL in what follows. */
void clients_remove(struct client *client);
/* The first line of a request, its head, all of it, and the end of its answer. */
void clients_begin(struct client *client);
void clients_head(struct client *client);
void clients_complete(struct client *client);
void clients_idle(struct client *client);
/* It may ask, as the token or the file's mode says. */
void clients_know(struct client *client);
/* Is there no room for this one, as the known ones take all of it? */
bool clients_full(struct client *client);
/* Cut off those that are late. Call about once a second. */
void clients_expire(struct clients *p);
struct clients_numbers clients_numbers(struct clients *p);

#endif
