// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/hash.h"
#include "tls/handshake.h"
#include "wire/wire_conn.h"

#define TABLE_SIZE 65536 /* a power of two */

static size_t key_place(const struct wire *w, uint64_t id)
{
	return hash_words(id, 0) & (w->size - 1);
}

/* Keyed: a peer chooses its addresses and ports. */
uint64_t wire_ends_hash(const struct wire *w, const struct wire_address *from,
			const struct wire_address *to)
{
	uint8_t ends[2 * (sizeof(from->ip) + sizeof(from->port))], *at = ends;

	at = mempcpy(at, from->ip, sizeof(from->ip));
	at = mempcpy(at, &from->port, sizeof(from->port));
	at = mempcpy(at, to->ip, sizeof(to->ip));
	memcpy(at, &to->port, sizeof(to->port));
	return siphash(&w->hash_key, ends, sizeof(ends));
}

static size_t ends_place(const struct wire *w, const struct wire_address *from,
			 const struct wire_address *to)
{
	return wire_ends_hash(w, from, to) & (w->size - 1);
}

static struct wire_address make_address(uint8_t family, const uint8_t ip[16], uint16_t port)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct wire_address a = { .family = family, .port = port };

	memcpy(a.ip, ip, family == 4 ? 4 : 16);
	if (family == 6 && !memcmp(ip, mapped, sizeof(mapped))) {
		a.family = 4;
		memset(a.ip, 0, sizeof(a.ip));
		memcpy(a.ip, ip + sizeof(mapped), 4);
	}
	return a;
}

struct wire *wire_new(const struct entry_sink *sink, const struct wire_options *options)
{
	struct wire *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->sink = *sink;
	w->options = *options;
	w->live = 1ULL << 62; /* beyond those of the sessions */
	w->sink.live = &w->live;
	w->sink.live_use = &w->use;
	live_use_init(&w->use, &w->use_all, &w->use_common);
	TAILQ_INIT(&w->open);
	TAILQ_INIT(&w->ended);
	pthread_mutex_init(&w->lock, NULL);
	w->size = TABLE_SIZE;
	w->by_key = calloc(w->size, sizeof(struct wire_conn *));
	w->by_ends = calloc(w->size, sizeof(struct wire_conn *));
	w->by_name = calloc(w->size, sizeof(struct wire_conn *));
	w->kept = calloc(LIMIT_WIRE_KEPT, sizeof(*w->kept)); /* pages come as they are used */
	w->kept_hash = calloc(LIMIT_WIRE_KEPT, sizeof(*w->kept_hash));
	if (options->by_address)
		w->ahead = calloc(LIMIT_WIRE_AHEAD, sizeof(*w->ahead));
	w->programs = calloc(1, sizeof(*w->programs));
	w->node = strdup(options->node);
	if (w->by_key && w->by_ends && w->by_name && w->kept && w->kept_hash && w->programs &&
	    w->node && (w->ahead || !options->by_address) &&
	    getrandom(&w->hash_key, sizeof(w->hash_key), 0) == sizeof(w->hash_key))
		return w;
	wire_free(w);
	return NULL;
}

struct wire_conn *wire_find(const struct wire *w, const struct wire_key *key)
{
	struct wire_conn *c = w->by_key[key_place(w, key->id)];

	while (c && (c->key.id != key->id || c->key.gen != key->gen))
		c = c->same_key;
	return c;
}

struct wire_conn *wire_find_socket(const struct wire *w, uint64_t id)
{
	struct wire_conn *c = w->by_key[key_place(w, id)], *newest = NULL;

	for (; c; c = c->same_key)
		if (c->key.id == id && (!newest || c->key.gen > newest->key.gen))
			newest = c;
	return newest;
}

static void unlink_conn(struct wire *w, struct wire_conn *c)
{
	struct wire_conn **at = &w->by_key[key_place(w, c->key.id)];

	while (*at != c)
		at = &(*at)->same_key;
	*at = c->same_key;
	at = &w->by_ends[ends_place(w, &c->local, &c->remote)];
	while (*at != c)
		at = &(*at)->same_ends;
	*at = c->same_ends;
}

static void forget(struct wire *w, struct wire_conn *c)
{
	wire_packets_keep(w, c);
	wire_set_name(w, c, NULL);
	unlink_conn(w, c);
	TAILQ_REMOVE(c->ended ? &w->ended : &w->open, c, of_list);
	wire_ledger_keep(w, c);
	wire_handshake_free(w, c);
	w->count--;
	free(c);
}

static void finish(struct wire *w, struct wire_conn *c)
{
	wire_tell_end(w, c);
	forget(w, c);
}

void wire_end_all(struct wire *w)
{
	struct wire_conn *c;

	pthread_mutex_lock(&w->lock);
	while ((c = TAILQ_FIRST(&w->ended)))
		finish(w, c);
	while ((c = TAILQ_FIRST(&w->open)))
		finish(w, c);
	w->stats.open = 0;
	pthread_mutex_unlock(&w->lock);
}

void wire_free(struct wire *w)
{
	struct wire_conn *c;

	if (!w)
		return;
	while ((c = TAILQ_FIRST(&w->ended)) || (c = TAILQ_FIRST(&w->open))) {
		TAILQ_REMOVE(c->ended ? &w->ended : &w->open, c, of_list);
		wire_handshake_free(w, c);
		free(c);
	}
	free(w->by_key);
	free(w->by_ends);
	free(w->ahead);
	free(w->by_name);
	free(w->kept);
	free(w->kept_hash);
	free(w->programs);
	free(w->node);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static void end_conn(struct wire *w, struct wire_conn *c, int64_t now_us, enum wire_end_why why)
{
	if (c->ended)
		return;
	TAILQ_REMOVE(&w->open, c, of_list);
	TAILQ_INSERT_TAIL(&w->ended, c, of_list);
	c->ended = true;
	c->why = why;
	c->ended_us = now_us;
	c->live.changed = true;
	w->stats.open--;
	wire_judge(w, c);
}

/* Room for another: the one that ended or began longest ago goes. */
static bool make_room(struct wire *w)
{
	struct wire_conn *c = TAILQ_FIRST(&w->ended);

	if (w->count < LIMIT_WIRE_FLOWS)
		return true;
	if (!c) {
		c = TAILQ_FIRST(&w->open);
		w->stats.gave_way++;
		end_conn(w, c, w->now_us, WIRE_GAVE_WAY);
	}
	finish(w, c);
	return true;
}

static void set_opener(struct wire_conn *c, bool known, enum dir opener)
{
	if (known && c->opener == WIRE_OPENER_UNKNOWN)
		c->opener = opener == DIR_WRITE ? WIRE_OPENER_LOCAL : WIRE_OPENER_REMOTE;
}

static struct wire_conn *add(struct wire *w, const struct wire_key *key, int64_t now_us,
			     const struct wire_open *o)
{
	struct wire_conn *c = make_room(w) ? calloc(1, sizeof(*c)) : NULL;

	if (!c)
		return NULL;
	c->key = *key;
	c->local = make_address(o->family, o->local_ip, o->local_port);
	c->remote = make_address(o->family, o->remote_ip, o->remote_port);
	c->mine.netns = o->netns;
	c->slot = o->slot;
	c->owner = o->owner % WIRE_OWNERS;
	c->midway = o->midway;
	c->upgraded = o->upgraded;
	c->quic = o->quic;
	c->known = w->options.file;
	c->first_us = c->last_us = now_us;
	c->mine.library = c->theirs.library = "";
	set_opener(c, o->opener_known, o->opener);
	struct wire_conn **at = &w->by_key[key_place(w, key->id)];
	c->same_key = *at;
	*at = c;
	at = &w->by_ends[ends_place(w, &c->local, &c->remote)];
	c->same_ends = *at;
	*at = c;
	TAILQ_INSERT_TAIL(&w->open, c, of_list);
	w->count++;
	w->stats.open++;
	w->stats.seen++;
	return c;
}

void wire_open(struct wire *w, const struct wire_key *key, int64_t now_us,
	       const struct wire_open *o)
{
	pthread_mutex_lock(&w->lock);
	w->now_us = now_us;
	struct wire_conn *c = wire_find(w, key), *older = wire_find_socket(w, key->id);
	struct wire_told told[2] = { 0 };

	if (!c && older) {
		memcpy(told, older->told, sizeof(told));
		end_conn(w, older, now_us, WIRE_GAVE_WAY);
	}
	if (!c) {
		c = add(w, key, now_us, o);
		if (c)
			memcpy(c->told, told, sizeof(told));
		if (c)
			wire_take_ahead(w, c, now_us);
	}
	if (c)
		c->live.changed = true;
	pthread_mutex_unlock(&w->lock);
}

void wire_counts(struct wire *w, const struct wire_key *key, int64_t now_us,
		 const struct wire_counts *counts)
{
	pthread_mutex_lock(&w->lock);
	struct wire_conn *c = wire_find(w, key);
	if (c) {
		uint64_t sent =
			counts->way[DIR_WRITE].app_records - c->counts.way[DIR_WRITE].app_records;
		c->counts = *counts;
		for (int i = 0; i < 2; i++)
			if (counts->way[i].last_us > c->last_us)
				c->last_us = counts->way[i].last_us;
		wire_handshake_counts(c);
		if (sent)
			wire_pulse_sent(w, c, sent);
		c->live.changed = true;
	}
	w->now_us = now_us;
	pthread_mutex_unlock(&w->lock);
}

void wire_process(struct wire *w, const struct wire_key *key, int64_t now_us,
		  const struct wire_process *p)
{
	pthread_mutex_lock(&w->lock);
	struct wire_conn *c = wire_find(w, key);
	if (c && p->ktls)
		c->ktls = c->live.changed = true;
	if (c && !c->known) {
		c->known = true;
		c->filtered = p->filtered_out;
		if (c->filtered)
			wire_handshake_free(w, c);
		else if (c->quic)
			__atomic_store_n(&w->quic_tgids[p->tgid % WIRE_QUIC_TGIDS], p->tgid,
					 __ATOMIC_RELAXED);
		c->mine.tgid = p->tgid;
		if (p->netns)
			c->mine.netns = p->netns;
		strncpy(c->mine.comm, p->comm, WIRE_COMM_LEN);
		set_opener(c, p->opener_known, p->opener);
		c->live.changed = true;
		wire_judge(w, c);
	}
	w->now_us = now_us;
	pthread_mutex_unlock(&w->lock);
}

void wire_last_packets(struct wire *w, const struct wire_key *key, const struct wire_packet *list,
		       unsigned count)
{
	pthread_mutex_lock(&w->lock);
	struct wire_conn *c = wire_find(w, key);
	if (c) {
		c->packet_count = count < WIRE_PACKETS ? count : WIRE_PACKETS;
		memcpy(c->packets, list, c->packet_count * sizeof(*list));
	}
	pthread_mutex_unlock(&w->lock);
}

void wire_end(struct wire *w, const struct wire_key *key, int64_t now_us, enum wire_end_why why)
{
	pthread_mutex_lock(&w->lock);
	struct wire_conn *c = wire_find(w, key);
	if (c)
		end_conn(w, c, now_us, why);
	w->now_us = now_us;
	pthread_mutex_unlock(&w->lock);
}

/* All that live are looked at: of a file, whose time may leap, as often as somebody may see it. */
static bool look_due(struct wire *w)
{
	int64_t now_ms = w->options.file ? clock_ms(CLOCK_MONOTONIC) : 0;

	if (w->options.file && now_ms - w->looked_ms < LIMIT_WIRE_LOOK_MS)
		return false;
	w->looked_ms = now_ms;
	return true;
}

/* The end of a connection of QUIC is encrypted, and its socket may serve others. */
static bool is_idle(const struct wire *w, const struct wire_conn *c)
{
	return c->quic && w->now_us - c->last_us > LIMIT_QUIC_IDLE_SECONDS * 1000000LL;
}

/* What a session has to say of a connection comes soon after its end. */
void wire_tick(struct wire *w, int64_t now_us)
{
	struct wire_conn *c, *next;

	pthread_mutex_lock(&w->lock);
	w->now_us = now_us;
	w->asked = 0;
	for (c = look_due(w) ? TAILQ_FIRST(&w->open) : NULL; c; c = next) {
		next = TAILQ_NEXT(c, of_list);
		wire_judge(w, c);
		wire_tell(w, c);
		if (is_idle(w, c))
			end_conn(w, c, c->last_us, WIRE_IDLE);
	}
	TAILQ_FOREACH(c, &w->ended, of_list)
	wire_judge(w, c);
	wire_pulse_tick(w);
	while ((c = TAILQ_FIRST(&w->ended)) && now_us - c->ended_us > LIMIT_WIRE_LINGER_MS * 1000)
		finish(w, c);
	pthread_mutex_unlock(&w->lock);
}

/* A socket may have one session after the other, of which the first may end last. Is it the newer
 * one? */
static bool take_plain(struct wire_conn *c, const struct wire_read *r)
{
	uint64_t name = hash_bytes(r->connection, strlen(r->connection)) | 1;
	struct wire_told *t = &c->told[name == c->told[1].name];

	if (t->name != name) {
		c->told[1] = *t;
		*t = (struct wire_told){ .name = name };
	}
	if (r->plain[0] < t->plain[0] || r->plain[1] < t->plain[1]) /* another of this name */
		memset(t->plain, 0, sizeof(t->plain));
	for (int dir = 0; dir < 2; dir++) {
		c->plain[dir] += r->plain[dir] - t->plain[dir];
		t->plain[dir] = r->plain[dir];
	}
	return t == c->told;
}

void wire_take_read(struct wire *w, struct wire_conn *c, const struct wire_read *r)
{
	uint64_t written = c->plain[DIR_WRITE];

	if (take_plain(c, r))
		wire_set_name(w, c, r->connection);
	if (c->plain[DIR_WRITE] > written)
		wire_pulse_read(w, c);
	bool any = c->plain[0] || c->plain[1];
	w->stats.read += any && !c->mine.read;
	c->mine.read |= any;
	c->mine.library = r->library;
	c->read_midway = r->midway;
	c->live.changed = true;
	if (!w->options.by_address || c->known)
		return;
	c->known = true;
	c->mine.tgid = r->tgid;
	strncpy(c->mine.comm, r->comm, WIRE_COMM_LEN);
}

void wire_read(struct wire *w, uint64_t cookie, int64_t now_us, const struct wire_read *r)
{
	pthread_mutex_lock(&w->lock);
	struct wire_conn *c = wire_find_socket(w, cookie);
	if (c)
		wire_take_read(w, c, r);
	w->now_us = now_us;
	pthread_mutex_unlock(&w->lock);
}

void wire_missing(struct wire *w, uint64_t cookie, enum dir dir, uint64_t len, enum reason why)
{
	pthread_mutex_lock(&w->lock);
	struct wire_conn *c = wire_find_socket(w, cookie);
	if (c)
		c->missing[dir][why - REASON_PAUSED] += len;
	pthread_mutex_unlock(&w->lock);
}

const struct tls_info *wire_tls(struct wire *w, uint64_t cookie)
{
	const struct wire_conn *c = wire_find_socket(w, cookie);

	return c && c->tls && tls_handshake_seen(c->tls) ? tls_handshake_info(c->tls) : NULL;
}

const char *wire_name(const struct wire_conn *c, char room[static WIRE_NAME])
{
	const struct wire_side *s = !c->mine.read && c->theirs.read ? &c->theirs : &c->mine;

	if (*s->name)
		return s->name;
	snprintf(room, WIRE_NAME, "wire-%" PRIx64, c->key.id);
	return room;
}

/* The port tells where nothing else does: servers have the lower one. */
bool wire_is_client(const struct wire_conn *c)
{
	return c->opener == WIRE_OPENER_UNKNOWN ? c->local.port > c->remote.port
						: c->opener == WIRE_OPENER_LOCAL;
}

bool wire_visible(const struct wire *w, const struct wire_conn *c)
{
	return !c->filtered && (c->known || !w->options.filtered);
}

bool wire_same_address(const struct wire_address *a, const struct wire_address *b)
{
	return a->port == b->port && a->family == b->family && !memcmp(a->ip, b->ip, sizeof(a->ip));
}

/* Two with these addresses, one of which may be in another namespace, prove nothing. */
struct wire_conn *wire_other_end(const struct wire *w, const struct wire_conn *c)
{
	struct wire_conn *o = w->by_ends[ends_place(w, &c->remote, &c->local)], *found = NULL;

	for (; o; o = o->same_ends) {
		if (o == c || o->quic != c->quic || !wire_same_address(&o->local, &c->remote) ||
		    !wire_same_address(&o->remote, &c->local) || !wire_visible(w, o) ||
		    wire_is_client(o) == wire_is_client(c))
			continue;
		if (found)
			return NULL;
		found = o;
	}
	return found;
}

uint64_t wire_cookie(struct wire *w, const struct wire_address *local,
		     const struct wire_address *remote, uint32_t netns)
{
	uint64_t found = 0;

	pthread_mutex_lock(&w->lock);
	struct wire_conn *c = w->by_ends[ends_place(w, local, remote)];
	for (; c; c = c->same_ends) {
		if (c->ended || c->quic || !wire_same_address(&c->local, local) ||
		    !wire_same_address(&c->remote, remote) ||
		    (c->mine.netns && netns && c->mine.netns != netns))
			continue;
		if (found) {
			found = 0;
			break;
		}
		found = c->key.id;
	}
	pthread_mutex_unlock(&w->lock);
	return found;
}

/* Without the lock: who asks holds that of the registry, which is asked under this one. */
bool wire_has_quic(struct wire *w, uint32_t tgid)
{
	return tgid &&
	       __atomic_load_n(&w->quic_tgids[tgid % WIRE_QUIC_TGIDS], __ATOMIC_RELAXED) == tgid;
}

void wire_stats(struct wire *w, struct wire_stats *ret)
{
	pthread_mutex_lock(&w->lock);
	*ret = w->stats;
	ret->no_memory = w->use_all.no_memory;
	ledger_stats(w, ret);
	pthread_mutex_unlock(&w->lock);
}
