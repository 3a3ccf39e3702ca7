/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where bytes come from. A source is one file with one const table of operations; source.c holds
 * the list of them. It translates what it reads into the calls of session/flow.h, for which it
 * knows neither protocols nor entries.
 */
#ifndef CLEARTAP_SOURCE_H
#define CLEARTAP_SOURCE_H

#include <stddef.h>
#include <stdint.h>

struct ring;
struct pcap_stats;
struct ring_maps;
struct sessions;
struct wire;

struct source_options {
	struct sessions *sessions;    /* who is told */
	struct wire *wire;	      /* and of the wire; NULL: nobody */
	int64_t clock_offset_us;      /* makes µs since 1970 of CLOCK_MONOTONIC */
	const struct ring_maps *maps; /* of the kernel side; NULL: no uprobes */
	const char *file;	      /* of packets, by its path; NULL: none */
	const char *key_log;	      /* with secrets for it; NULL: none */
	int packet_fd; /* of packet_socket_open(), where the kernel side does not tell; 0: none */
};

struct source {
	const char *name;
	/*
	 * Takes everything that needs a privilege or a path. *ret_state stays NULL when the options
	 * do not ask for this source. 0, or -errno with a sentence in `error`.
	 */
	int (*open)(const struct source_options *o, void **ret_state, char *error, size_t size);
	/* A descriptor that is readable when there is something to poll for, -1: always. */
	int (*fd)(const void *state);
	/*
	 * Tell some of what there is, waiting at most timeout_ms for it: how much, or -errno. All
	 * that happened until *ret_now_us has been told: now, or when the source is behind, as a
	 * file always is, the time of what was told last. Untouched when nothing says a time.
	 */
	int (*poll)(void *state, int timeout_ms, int64_t *ret_now_us);
	/* What is to be done each 250 ms; NULL: nothing. */
	void (*tick)(void *state, int64_t now_us);
	/* Takes NULL. */
	void (*close)(void *state);
};

extern const struct source source_uprobe, source_pcap, source_packets;

/* Every source of the table that the options ask for. */
struct sources;
int sources_open(const struct source_options *o, struct sources **ret, char *error, size_t size);
/* The same as poll() of one; *ret_now_us is the earliest of theirs. */
int sources_poll(struct sources *s, int timeout_ms, int64_t *ret_now_us);
void sources_tick(struct sources *s, int64_t now_us);
void sources_close(struct sources *s);
/* The ring of the uprobes, for its numbers; NULL without one. */
const struct ring *sources_ring(const struct sources *s);
/* What the file has told; its name is NULL without one. */
void sources_file(const struct sources *s, struct pcap_stats *ret);
/* Packets that the socket had no room for. */
uint64_t sources_packets_lost(const struct sources *s);

#endif
