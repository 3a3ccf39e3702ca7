// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire_fixture.h"

#include "unit.h"

#include "entry.h"

struct entry *told[64];
size_t count, silents;
uint32_t silent[8];
bool known = true;

static void on_entry(void *ctx, struct entry *e)
{
	(void)ctx;
	if (count < sizeof(told) / sizeof(*told))
		told[count++] = e;
	else
		entry_free(e);
}

static void on_silent(void *ctx, uint32_t tgid)
{
	(void)ctx;
	if (silents < 8)
		silent[silents++] = tgid;
}

static bool why(void *ctx, uint32_t tgid, enum reason *ret)
{
	(void)ctx;
	*ret = tgid == 7 ? REASON_UNSUPPORTED : REASON_UNKNOWN;
	return known;
}

struct wire *begin(bool filtered)
{
	const struct entry_sink sink = { .emit = on_entry };
	struct wire *w = wire_new(&sink, &(struct wire_options){ .node = "n",
								 .filtered = filtered,
								 .why = why,
								 .silent = on_silent });

	assert_non_null(w);
	return w;
}

void end(struct wire *w)
{
	wire_free(w);
	while (count)
		entry_free(told[--count]);
}

struct wire_key opened(struct wire *w, uint64_t cookie, bool client)
{
	const struct wire_key key = { cookie, 1 };
	struct wire_open o = { .family = 4,
			       .local_ip = { 10, 0, 0, client ? 1 : 2 },
			       .remote_ip = { 10, 0, 0, client ? 2 : 1 },
			       .local_port = client ? 40000 : 443,
			       .remote_port = client ? 443 : 40000,
			       .opener_known = true,
			       .opener = client ? DIR_WRITE : DIR_READ };

	wire_open(w, &key, T0, &o);
	return key;
}

void is_of(struct wire *w, const struct wire_key *key, uint32_t tgid, const char *comm)
{
	wire_process(w, key, T0, &(struct wire_process){ .tgid = tgid, .comm = comm, .netns = 5 });
}

void carried(struct wire *w, const struct wire_key *key, bool client)
{
	const struct wire_way asked = { .packets = 3,
					.bytes = 800,
					.app_records = 2,
					.app_bytes = 69 + 117,
					.handshakes = 1,
					.first = { 69, 117 },
					.firsts = 2,
					.latest = 117,
					.last_us = T0 + 1000 };
	const struct wire_way answered = { .packets = 5,
					   .bytes = 6800,
					   .app_records = 8,
					   .app_bytes = 1200 + 500 + 5017 + 19,
					   .early_records = 4,
					   .early_bytes = 1200,
					   .handshakes = 1,
					   .first = { 250, 250, 5017, 19 },
					   .firsts = 4,
					   .latest = 19,
					   .last_us = T0 + 2000 };
	struct wire_counts c = { { answered, asked } };

	if (!client)
		c = (struct wire_counts){ { asked, answered } };
	wire_counts(w, key, T0, &c);
}

struct wire_stats stats_of(struct wire *w)
{
	struct wire_stats s;

	wire_stats(w, &s);
	return s;
}
