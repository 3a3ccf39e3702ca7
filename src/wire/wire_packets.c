// SPDX-License-Identifier: GPL-2.0-or-later
/* The last packets of connections, found by the name that entries have of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/wire_conn.h"

static uint64_t hash_of(const struct wire *w, const char *name)
{
	return siphash(&w->hash_key, name, strlen(name));
}

static struct wire_conn **place_of(const struct wire *w, const char *name)
{
	return &w->by_name[hash_of(w, name) & (w->size - 1)];
}

void wire_set_name(struct wire *w, struct wire_conn *c, const char *name)
{
	struct wire_side *s = &c->mine;

	if (name && !strcmp(s->name, name))
		return;
	if (*s->name) {
		struct wire_conn **at = place_of(w, s->name);
		while (*at != c)
			at = &(*at)->same_name;
		*at = c->same_name;
	}
	if (!name)
		return;
	snprintf(s->name, sizeof(s->name), "%s", name);
	struct wire_conn **at = place_of(w, s->name);
	c->same_name = *at;
	*at = c;
}

/* One that no session has told of goes by its socket. */
static struct wire_conn *find_named(const struct wire *w, const char *name)
{
	char room[WIRE_NAME];
	struct wire_conn *c;

	if (!strncmp(name, "wire-", 5)) {
		c = wire_find_socket(w, strtoull(name + 5, NULL, 16));
		return c && !strcmp(wire_name(c, room), name) ? c : NULL;
	}
	for (c = *place_of(w, name); c && strcmp(c->mine.name, name) != 0;)
		c = c->same_name;
	return c;
}

static unsigned take_packets(const struct wire_conn *c, struct wire_packet ret[WIRE_PACKETS])
{
	memcpy(ret, c->packets, c->packet_count * sizeof(*ret));
	for (unsigned i = 0; i < c->packet_count; i++)
		ret[i].from_client = (ret[i].dir == DIR_WRITE) == wire_is_client(c);
	return c->packet_count;
}

void wire_packets_keep(struct wire *w, const struct wire_conn *c)
{
	size_t i = w->kept_count % LIMIT_WIRE_KEPT;
	struct wire_kept *k = &w->kept[i];
	char room[WIRE_NAME];

	if (!c->packet_count || !wire_visible(w, c))
		return;
	snprintf(k->name, sizeof(k->name), "%s", wire_name(c, room));
	k->count = take_packets(c, k->packets);
	w->kept_hash[i] = hash_of(w, k->name);
	w->kept_count++;
}

/* Newest first: the hashes of all lie in a few pages. */
static const struct wire_kept *find_kept(const struct wire *w, const char *name)
{
	uint64_t hash = hash_of(w, name);

	for (uint64_t n = 0; n < w->kept_count && n < LIMIT_WIRE_KEPT; n++) {
		size_t i = (w->kept_count - 1 - n) % LIMIT_WIRE_KEPT;
		if (w->kept_hash[i] == hash && !strcmp(w->kept[i].name, name))
			return &w->kept[i];
	}
	return NULL;
}

int wire_packets(struct wire *w, const char *connection, struct wire_packet ret[WIRE_PACKETS])
{
	int n = -ENOENT;

	pthread_mutex_lock(&w->lock);
	const struct wire_conn *c = find_named(w, connection);
	const struct wire_kept *k = c ? NULL : find_kept(w, connection);
	if (c && wire_visible(w, c)) {
		n = (int)take_packets(c, ret);
	} else if (k) {
		n = (int)k->count;
		memcpy(ret, k->packets, k->count * sizeof(*ret));
	}
	pthread_mutex_unlock(&w->lock);
	return n;
}
