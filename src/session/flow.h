/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a source (src/source/) tells sessions of its flows: that one begins, bytes at a place of its
 * stream, what is known of the socket below it, that it ended. A flow is one end of a connection.
 * Times are µs since 1970 as the source has them: those in the file, where it is a file.
 */
#ifndef CLEARTAP_FLOW_H
#define CLEARTAP_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissect/dissect.h"
#include "entry.h"

struct sessions;

#define FLOW_COMM_LEN 16
#define FLOW_OWNERS   1024

/*
 * Which flow: `id` tells it apart within its process, and a later `gen` is another flow of that
 * id. tgid is 0 for a flow of no process that is known (the wire, a file).
 */
struct flow {
	uint32_t tgid;
	uint64_t id, gen;
	uint32_t owner; /* whose program it is: a number below FLOW_OWNERS, 0 unknown */
};

/* What is known when a flow is first seen. The texts are constants, but for comm. */
struct flow_open {
	const char *comm;    /* of the process, up to FLOW_COMM_LEN bytes; "" unknown */
	const char *library; /* that the bytes were read in, "" none */
	enum lock lock;	     /* LOCK_CLOSED: its bytes stay encrypted, none will come */
	bool tls;
	bool midway; /* it was in use before: its first bytes may be the middle of something */
	bool writes_early; /* what is written is seen before it is sent, and before flow_socket */
	uint32_t netns;
	int64_t begun_us; /* before its first bytes were sent or asked for, as seen; 0 unknown */
};

/*
 * Bytes at a place of the stream: `len` are here, the rest of `span` is missing by `why`. Offsets
 * count from where the flow was first seen, whether bytes are there or not, so that a jump is a
 * gap (GAP_LOST). A source that always knows how far the other direction had come by then says so:
 * a gap of that is then told in its place, and not with the next bytes that follow it.
 */
struct flow_data {
	enum dir dir;
	enum gap_why why;
	uint64_t offset, span;
	bool in_order;	  /* it does: */
	uint64_t reached; /* the offset of the other direction's next byte */
	const uint8_t *bytes;
	size_t len;
	uint64_t goroutine; /* 0 unknown */
	int64_t begun_us;   /* when the program called, for a write; 0: now */
	bool paused;	    /* GAP_TRUNCATED because capture was */
	bool more;	    /* more of the same call follows */
};

enum flow_opener { OPENER_UNKNOWN, OPENER_LOCAL, OPENER_REMOTE };

/* Evidence about the socket below a flow; several pieces are weighed (session/bind.c). */
struct flow_socket {
	uint64_t cookie;		     /* the kernel's, 0 unknown */
	uint8_t family;			     /* 4 or 6 */
	uint8_t local_ip[16], remote_ip[16]; /* IPv4 in the first 4 bytes */
	uint16_t local_port, remote_port;
	uint32_t netns;
	enum flow_opener opener;
	const char *how; /* a constant, as in `bind` of an entry */
	bool strong;	 /* else it may be another socket of the process */
};

/* None of these keeps a pointer into what it is given. Times of one flow do not go back. */
void flow_open(struct sessions *s, const struct flow *f, int64_t now_us, const struct flow_open *o);
void flow_data(struct sessions *s, const struct flow *f, int64_t now_us, const struct flow_data *d);
void flow_socket(struct sessions *s, const struct flow *f, int64_t now_us,
		 const struct flow_socket *b);
/* `end` are the final offsets by enum dir. */
void flow_close(struct sessions *s, const struct flow *f, int64_t now_us, const uint64_t end[2]);
/* The process ended, and with it all flows that it had. */
void flow_exit(struct sessions *s, uint32_t tgid, int64_t now_us);

#endif
