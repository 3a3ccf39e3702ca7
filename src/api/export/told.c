// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/export/told.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "entry.h"

/* A socket's ends tell of the same exchange within this time; later it is a port used again. */
#define NEAR_US 60000000

/* Exchanges of one look on one socket: those of its client less those of its server. */
struct told_balance {
	int64_t clients_more, last_us;
};

/* Which end an entry was read from: 1 the client's, -1 the server's, 0 both, or nobody knows. */
static int end_of(const struct entry *e)
{
	const char *end = *e->ends ? e->ends : e->role;

	return !strcmp(end, "client") ? 1 : !strcmp(end, "server") ? -1 : 0;
}

static int put_key(const struct entry *e, struct buf *out)
{
	return buf_printf(out, "%s:%u %s:%u %s %s %s %s", e->src.ip, e->src.port, e->dst.ip,
			  e->dst.port, e->protocol, e->method, e->status, e->summary);
}

static struct told_balance *find(struct told_exchanges *t, const struct entry *e)
{
	const struct told_balance none = { 0, e->timestamp_us };
	struct buf key = { 0 };
	int64_t n = -ENOMEM;

	if (t->exchanges.count >= LIMIT_EXPORT_EXCHANGES)
		told_free(t);
	size_t known = t->exchanges.count;
	if (!put_key(e, &key))
		n = index_of(&t->exchanges, key.data, key.len);
	buf_free(&key);
	if (n < 0 || (t->exchanges.count > known && buf_put(&t->balances, &none, sizeof(none))))
		return NULL;
	return (struct told_balance *)t->balances.data + n;
}

int told_before(struct told_exchanges *t, const struct entry *e)
{
	int end = end_of(e);
	struct told_balance *b;

	if (!end || !*e->src.ip || !*e->dst.ip || !e->src.port || !e->dst.port)
		return 0;
	b = find(t, e);
	if (!b)
		return -ENOMEM;
	if (llabs(e->timestamp_us - b->last_us) > NEAR_US)
		b->clients_more = 0;
	b->last_us = e->timestamp_us;
	b->clients_more += end;
	/* It balances what the other end told. */
	return end > 0 ? b->clients_more <= 0 : b->clients_more >= 0;
}

void told_free(struct told_exchanges *t)
{
	index_free(&t->exchanges);
	buf_free(&t->balances);
}
