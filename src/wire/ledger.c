// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ledger: of the application data that went over the wire, how much was read, and why not the
 * rest. What is on the wire is known from record lengths, less what the cipher suite adds to each.
 * In TLS 1.3 the end of the handshake, tickets and alerts look like application data: they are
 * taken off where the lengths of the first and the last record tell them.
 */
#include "wire/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json_write.h"
#include "tls/overhead.h"
#include "wire/wire_conn.h"

#define SEAL_13	     17 /* the tag, and the type of what is inside */
#define ALERT_13     (2 + SEAL_13)
#define FINISHED_MIN 36 /* with SHA-256, */
#define FINISHED_MAX 52 /* with SHA-384 */
#define END_OF_EARLY 4	/* a message without content */
#define TICKETS	     4	/* alike and at once, as servers send them */
#define TICKET_MIN   64
#define PENDING_US   2000000

enum reason wire_reason(const struct wire *w, const struct wire_conn *c)
{
	if (c->filtered)
		return REASON_FILTERED;
	if (c->mine.read)
		return REASON_READ;
	if (c->quic)
		return REASON_QUIC;
	if (w->options.file)
		return c->midway ? REASON_NOT_IN_FILE : REASON_NO_SECRETS;
	if (!c->known)
		return w->options.filtered ? REASON_FILTERED : REASON_NO_PROCESS;
	if (c->ktls)
		return REASON_KTLS;
	if (!c->sure && !c->ended && w->now_us - c->first_us < PENDING_US)
		return REASON_PENDING;
	enum reason why = c->sure ? c->judged : REASON_UNSUPPORTED;
	return why == REASON_UNKNOWN && c->midway ? REASON_STARTED_BEFORE : why;
}

void wire_judge(struct wire *w, struct wire_conn *c)
{
	struct wire_verdict *v = &w->verdict[c->mine.tgid % WIRE_VERDICTS];

	if (!c->known || c->mine.read || w->options.file || !w->options.why ||
	    (c->sure && w->now_us - c->first_us > LIMIT_WIRE_JUDGE_MS * 1000))
		return;
	if (v->tgid != c->mine.tgid || w->now_us - v->at_us >= LIMIT_WIRE_LOOK_MS * 1000) {
		if (w->asked++ >= LIMIT_WIRE_JUDGED)
			return;
		*v = (struct wire_verdict){ .tgid = c->mine.tgid, .at_us = w->now_us };
		v->sure = w->options.why(w->options.ctx, v->tgid, &v->why);
	}
	if (v->sure)
		c->judged = v->why;
	c->sure |= v->sure;
}

/* Whose first record of application data answered nothing: the server, in TLS 1.3. */
static bool is_server_way(const struct wire_conn *c, int dir)
{
	return wire_is_client(c) ? dir == DIR_READ : dir == DIR_WRITE;
}

/* In TLS 1.3 the hello is all that a client sends as a handshake. */
static bool is_tls13(const struct wire_conn *c)
{
	const struct wire_way *client = &c->counts.way[wire_is_client(c) ? DIR_WRITE : DIR_READ];

	return c->sealing.version ? c->sealing.version >= 0x0304 : client->handshakes <= 1;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Of the first records, `count` as far as their lengths are known. */
static uint64_t first_plain(const struct wire_way *y, unsigned count)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < count && i < y->firsts; i++)
		sum += less(y->first[i], SEAL_13);
	return sum;
}

static bool is_finished(uint64_t plain)
{
	return plain == FINISHED_MIN || plain == FINISHED_MAX;
}

/* How many of the first records are no application data, by their lengths alone. */
static unsigned guess_handshakes(const struct wire_way *y, bool server)
{
	uint64_t first = first_plain(y, 1);
	unsigned n = 1;

	if (!y->firsts)
		return 0;
	if (!server) {
		n = y->early_records && first == END_OF_EARLY;
		return n < y->firsts && is_finished(less(y->first[n], SEAL_13)) ? n + 1 : 0;
	}
	while (n < y->firsts && n < TICKETS && y->first[n] == y->first[0])
		n++;
	return n > 1 && first >= TICKET_MIN ? n : 0;
}

/*
 * May the first n records be of the handshake? A client's end with its Finished, whatever comes
 * before it, a server's are tickets, alike; else one that was not read would pass for them.
 */
static bool may_be_handshakes(const struct wire_way *y, unsigned n, bool server)
{
	if (n && !server)
		return is_finished(less(y->first[n - 1], SEAL_13));
	for (unsigned i = 0; i < n; i++)
		if (n > TICKETS || y->first[i] != y->first[0] || first_plain(y, 1) < TICKET_MIN)
			return false;
	return true;
}

/*
 * Were the lengths of the first records noted? Not where packets came out of order, or the hello to
 * a listener that waits for it (TCP_DEFER_ACCEPT, as Apache does).
 */
static bool has_firsts(const struct wire_way *y)
{
	return y->firsts == WIRE_FIRST || y->firsts >= y->app_records - y->early_records;
}

/*
 * Plaintext of application data in TLS 1.3; what was read tells how many records are none. Of what
 * came early, the server's is its handshake, and the client's is data (0-RTT), which a server may
 * have thrown away.
 */
static uint64_t plain13(const struct wire_way *y, bool server, uint64_t read)
{
	uint64_t all = less(y->app_bytes, SEAL_13 * y->app_records);
	uint64_t early = less(y->early_bytes, SEAL_13 * y->early_records);
	uint64_t data = server ? less(all, early) : all;
	uint64_t alert = y->latest == ALERT_13 ? 2 : 0;

	for (unsigned n = 0; read && n <= y->firsts; n++) {
		uint64_t first = first_plain(y, n), kept = less(data, first);
		uint64_t rest = less(all, early + first);
		if (may_be_handshakes(y, n, server) && (kept == read || less(kept, alert) == read ||
							rest == read || less(rest, alert) == read))
			return read;
	}
	if (read && !server && !has_firsts(y) &&
	    (is_finished(less(data, read)) || is_finished(less(data, read + alert))))
		return read;
	return less(data, first_plain(y, guess_handshakes(y, server)) + alert);
}

/* Up to TLS 1.2. Of a suite that is not known: AES-GCM, or ChaCha20-Poly1305 where that fits. */
static uint64_t plain12(const struct wire_conn *c, const struct wire_way *y, uint64_t read)
{
	uint64_t least, most;

	if (c->sealing.version &&
	    tls_plain_bounds(&c->sealing, y->app_records, y->app_bytes, &least, &most))
		return read >= least && read <= most ? read : most;
	uint64_t gcm = less(y->app_bytes, 24 * y->app_records);
	uint64_t chacha = less(y->app_bytes, 16 * y->app_records);

	return chacha == read ? chacha : gcm;
}

uint64_t ledger_plain(const struct wire_conn *c, int dir)
{
	const struct wire_way *y = &c->counts.way[dir];
	uint64_t read = c->plain[dir];

	if (c->quic) /* headers and tags are among them: how long they are is encrypted */
		return y->app_bytes;
	uint64_t plain =
		is_tls13(c) ? plain13(y, is_server_way(c, dir), read) : plain12(c, y, read);

	/* What was not followed may be what was read. */
	if (read > plain && read <= plain + y->not_followed)
		return read;
	return plain + (c->mine.read || !y->app_records ? 0 : y->not_followed);
}

/* Why the rest of a connection that is read was not. With kTLS, what is sent from files. */
static enum reason why_rest(const struct wire *w, const struct wire_conn *c)
{
	if (c->ktls && !c->read_midway)
		return REASON_KTLS;
	if (w->options.file)
		return c->read_midway || c->midway ? REASON_NOT_IN_FILE : REASON_NO_SECRETS;
	if (c->read_midway || c->midway)
		return REASON_STARTED_BEFORE;
	return !c->ended && w->now_us - c->last_us < PENDING_US ? REASON_PENDING : REASON_UNKNOWN;
}

static void add_way(const struct wire *w, const struct wire_conn *c, int dir,
		    uint64_t ret[REASON_COUNT])
{
	uint64_t plain = ledger_plain(c, dir);
	enum reason why = wire_visible(w, c) ? wire_reason(w, c) : REASON_FILTERED;

	if (why != REASON_READ) {
		ret[why] += plain;
		return;
	}
	uint64_t missing = 0;
	for (int i = 0; i < WIRE_MISSING; i++) {
		ret[w->options.file ? REASON_NOT_IN_FILE : REASON_PAUSED + i] += c->missing[dir][i];
		missing += c->missing[dir][i];
	}
	ret[REASON_READ] += less(c->plain[dir], missing);
	if (plain > c->plain[dir])
		ret[why_rest(w, c)] += plain - c->plain[dir];
}

static void add_conn(const struct wire *w, struct ledger *l, const struct wire_conn *c)
{
	add_way(w, c, DIR_WRITE, l->sent);
	add_way(w, c, DIR_READ, l->received);
	l->connections++;
	l->read += c->mine.read;
	for (int dir = 0; dir < 2; dir++) {
		l->misfits += c->mine.read && c->ended && c->plain[dir] > ledger_plain(c, dir);
		l->wire_bytes += c->counts.way[dir].bytes;
	}
	if (c->mine.read)
		l->library = c->mine.library;
}

static void add_ledger(struct ledger *to, const struct ledger *l)
{
	for (int i = 0; i < REASON_COUNT; i++) {
		to->sent[i] += l->sent[i];
		to->received[i] += l->received[i];
	}
	to->connections += l->connections;
	to->read += l->read;
	to->misfits += l->misfits;
	to->wire_bytes += l->wire_bytes;
	if (l->library)
		to->library = l->library;
}

/* Programs name themselves: nobody takes all the rows. */
static bool has_room(const struct programs *p, uint32_t owner)
{
	return p->count < LIMIT_WIRE_PROGRAMS &&
	       (p->count < LIMIT_WIRE_PROGRAMS / 2 ||
		p->owned[owner] < LIMIT_WIRE_PROGRAMS / LIMIT_SHARE);
}

/* The row of a program; the last one is of all that found no room, and of those left out. */
static struct program *row_of(const struct wire *w, struct programs *p, const struct wire_conn *c)
{
	bool shown = wire_visible(w, c) && c->known;

	if (!shown)
		return &p->others;
	uint64_t hash = hash_words(hash_bytes(c->mine.comm, strlen(c->mine.comm)),
				   hash_bytes(c->mine.container, strlen(c->mine.container)));
	for (size_t i = 0; i < p->count; i++)
		if (p->hash[i] == hash && !strcmp(p->row[i].process, c->mine.comm) &&
		    !strcmp(p->row[i].container, c->mine.container))
			return &p->row[i];
	if (!has_room(p, c->owner))
		return &p->others;
	p->owned[c->owner]++;
	p->hash[p->count] = hash;
	struct program *row = &p->row[p->count++];
	memcpy(row->process, c->mine.comm, sizeof(row->process));
	memcpy(row->container, c->mine.container, sizeof(row->container));
	return row;
}

void wire_ledger_keep(struct wire *w, const struct wire_conn *c)
{
	add_conn(w, &row_of(w, w->programs, c)->sum, c);
}

/* Those that ended, and those that live. NULL when out of memory. */
static struct programs *take_all(const struct wire *w)
{
	struct programs *p = malloc(sizeof(*p));
	const struct wire_conn *c;

	if (!p)
		return NULL;
	*p = *w->programs;
	for (int ended = 0; ended < 2; ended++)
		TAILQ_FOREACH(c, ended ? &w->ended : &w->open, of_list)
		{
			struct program *row = row_of(w, p, c);
			add_conn(w, &row->sum, c);
			row->open += !c->ended;
		}
	return p;
}

static struct ledger sum_all(const struct programs *p)
{
	struct ledger all = p->others.sum;

	for (size_t i = 0; i < p->count; i++)
		add_ledger(&all, &p->row[i].sum);
	return all;
}

void ledger_stats(const struct wire *w, struct wire_stats *ret)
{
	struct programs *p = take_all(w);

	if (!p)
		return;
	const struct ledger all = sum_all(p);
	for (int i = 0; i < REASON_COUNT; i++)
		ret->tls_bytes[i] = all.sent[i] + all.received[i];
	ret->misfits = all.misfits;
	free(p);
}

static void put_sums(struct jw *j, const struct ledger *l)
{
	jw_uint(j, "connections", l->connections);
	jw_uint(j, "connections_read", l->read);
	jw_uint(j, "misfits", l->misfits);
	jw_uint(j, "wire_bytes", l->wire_bytes);
	jw_array(j, "bytes");
	for (int i = 0; i < REASON_COUNT; i++) {
		if (!l->sent[i] && !l->received[i])
			continue;
		jw_object(j, NULL);
		jw_string(j, "reason", reasons[i].name);
		jw_uint(j, "sent", l->sent[i]);
		jw_uint(j, "received", l->received[i]);
		jw_end_object(j);
	}
	jw_end_array(j);
}

static void put_program(struct jw *j, const struct program *p)
{
	jw_object(j, NULL);
	jw_string(j, "process", p->process);
	jw_string(j, "container", p->container);
	jw_string(j, "library", p->sum.library ? p->sum.library : "");
	jw_uint(j, "open", p->open);
	put_sums(j, &p->sum);
	jw_end_object(j);
}

/* What is in no container is not told apart here. */
static void put_containers(struct jw *j, const struct programs *p)
{
	jw_array(j, "containers");
	for (size_t i = 0; i < p->count; i++) {
		const char *name = p->row[i].container;
		struct ledger sum = { 0 };
		size_t first = p->count;
		for (size_t k = p->count; *name && k-- > 0;)
			if (!strcmp(p->row[k].container, name)) {
				add_ledger(&sum, &p->row[k].sum);
				first = k;
			}
		if (first != i)
			continue;
		jw_object(j, NULL);
		jw_string(j, "container", name);
		put_sums(j, &sum);
		jw_end_object(j);
	}
	jw_end_array(j);
}

static void put_reasons(struct jw *j)
{
	jw_array(j, "reasons");
	for (int i = 0; i < REASON_COUNT; i++) {
		jw_object(j, NULL);
		jw_string(j, "reason", reasons[i].name);
		jw_string(j, "sentence", reasons[i].sentence);
		jw_string(j, "remedy", reasons[i].remedy);
		jw_end_object(j);
	}
	jw_end_array(j);
}

static void put_ledger(struct jw *j, const struct wire *w, const struct programs *p)
{
	const struct ledger all = sum_all(p);

	jw_object(j, "ledger");
	jw_bool(j, "filtered", w->options.filtered);
	jw_object(j, "machine");
	put_sums(j, &all);
	jw_end_object(j);
	jw_array(j, "programs");
	for (size_t i = 0; i < p->count; i++)
		put_program(j, &p->row[i]);
	jw_end_array(j);
	put_containers(j, p);
	jw_object(j, "others");
	put_sums(j, &p->others.sum);
	jw_end_object(j);
	put_reasons(j);
	jw_end_object(j);
}

static void put_reason(struct jw *j, enum reason why)
{
	jw_string(j, "reason", reasons[why].name);
	jw_string(j, "sentence", reasons[why].sentence);
	jw_string(j, "remedy", reasons[why].remedy);
}

/* Of one direction: what the wire had, and how much application data that is. */
static void put_way(struct jw *j, const char *name, const struct wire_conn *c, int dir)
{
	const struct wire_way *y = &c->counts.way[dir];

	jw_object(j, name);
	jw_uint(j, "packets", y->packets);
	jw_uint(j, "wire_bytes", y->bytes);
	jw_uint(j, "records", y->app_records);
	jw_uint(j, "bytes", ledger_plain(c, dir));
	jw_end_object(j);
}

void ledger_put_conn(struct jw *j, const struct wire *w, const struct wire_conn *c)
{
	int src = wire_is_client(c) ? DIR_WRITE : DIR_READ;
	uint64_t sum[2][REASON_COUNT] = { 0 };

	add_way(w, c, src, sum[0]);
	add_way(w, c, !src, sum[1]);
	jw_object(j, "ledger");
	jw_string(j, "end", src == DIR_WRITE ? "client" : "server");
	put_way(j, "from_src", c, src);
	put_way(j, "from_dst", c, !src);
	put_reason(j, wire_reason(w, c));
	jw_array(j, "bytes");
	for (int i = 0; i < REASON_COUNT; i++) {
		if (!sum[0][i] && !sum[1][i])
			continue;
		jw_object(j, NULL);
		put_reason(j, (enum reason)i);
		jw_uint(j, "from_src", sum[0][i]);
		jw_uint(j, "from_dst", sum[1][i]);
		jw_end_object(j);
	}
	jw_end_array(j);
	jw_end_object(j);
}

void wire_put_coverage(struct wire *w, struct jw *j)
{
	pthread_mutex_lock(&w->lock);
	struct programs *p = take_all(w);
	pthread_mutex_unlock(&w->lock);
	if (p)
		put_ledger(j, w, p);
	free(p);
}
