// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/source.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "source/packet_socket.h"
#include "source/pcap.h"
#include "source/uprobe.h"

/* Several sources are looked at this often: one may be read before its descriptor says so. */
#define LOOK_MS 5

static const struct source *const table[] = { &source_packets, &source_uprobe, &source_pcap };

#define TABLE_SIZE  (sizeof(table) / sizeof(*table))
#define SOURCES_MAX 4
_Static_assert(TABLE_SIZE <= SOURCES_MAX, "sources");

struct sources {
	struct {
		const struct source *source;
		void *state;
		int64_t now_us; /* as it said last */
	} open[SOURCES_MAX];
	size_t count;
};

int sources_open(const struct source_options *o, struct sources **ret, char *error, size_t size)
{
	struct sources *s = calloc(1, sizeof(*s));

	if (!s) {
		snprintf(error, size, "out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < TABLE_SIZE; i++) {
		void *state = NULL;
		int r = table[i]->open(o, &state, error, size);
		if (r) {
			sources_close(s);
			return r;
		}
		if (!state)
			continue;
		s->open[s->count].source = table[i];
		s->open[s->count++].state = state;
	}
	*ret = s;
	return 0;
}

static int poll_all(struct sources *s, int timeout_ms)
{
	int sum = 0;

	for (size_t i = 0; i < s->count; i++) {
		int n = s->open[i].source->poll(s->open[i].state, timeout_ms, &s->open[i].now_us);
		if (n < 0)
			return n;
		sum += n;
	}
	return sum;
}

/* One source waits by its own rules. */
static int wait_for_any(struct sources *s, int timeout_ms)
{
	struct pollfd fds[SOURCES_MAX];

	for (size_t i = 0; i < s->count; i++)
		fds[i] = (struct pollfd){ .fd = s->open[i].source->fd(s->open[i].state),
					  .events = POLLIN };
	poll(fds, s->count, timeout_ms < LOOK_MS ? timeout_ms : LOOK_MS);
	return poll_all(s, 0);
}

int sources_poll(struct sources *s, int timeout_ms, int64_t *ret_now_us)
{
	int n = poll_all(s, s->count == 1 ? timeout_ms : 0);

	if (!n && s->count > 1)
		n = wait_for_any(s, timeout_ms);
	if (n < 0)
		return n;
	int64_t earliest = 0;
	for (size_t i = 0; i < s->count; i++)
		if (!i || s->open[i].now_us < earliest)
			earliest = s->open[i].now_us;
	if (earliest)
		*ret_now_us = earliest;
	return n;
}

void sources_tick(struct sources *s, int64_t now_us)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->open[i].source->tick)
			s->open[i].source->tick(s->open[i].state, now_us);
}

void sources_close(struct sources *s)
{
	if (!s)
		return;
	while (s->count--)
		s->open[s->count].source->close(s->open[s->count].state);
	free(s);
}

const struct ring *sources_ring(const struct sources *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->open[i].source == &source_uprobe)
			return uprobe_ring(s->open[i].state);
	return NULL;
}

void sources_file(const struct sources *s, struct pcap_stats *ret)
{
	*ret = (struct pcap_stats){ 0 };
	for (size_t i = 0; i < s->count; i++)
		if (s->open[i].source == &source_pcap)
			pcap_stats_take(s->open[i].state, ret);
}

uint64_t sources_packets_lost(const struct sources *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->open[i].source == &source_packets)
			return packet_socket_lost(s->open[i].state);
	return 0;
}
