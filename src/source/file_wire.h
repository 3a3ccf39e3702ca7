/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One TLS connection of a file as the wire (wire/wire.h) wants to be told of it. */
#ifndef CLEARTAP_FILE_WIRE_H
#define CLEARTAP_FILE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/wire.h"

struct decrypted;
struct flow_socket;

/* Zero-initialise it. Sides are those of the file's reader; what `local` sends is DIR_WRITE. */
struct file_wire {
	struct wire_key key;
	bool upgraded; /* it was something else before */
	bool open;     /* the wire knows of it; from then on: */
	int local;
	struct wire_way way[2]; /* by side */
	uint64_t stream[2];	/* bytes since it is TLS, missing ones too, by side */
	uint64_t followed[2];	/* of them, bytes of records */
	uint32_t handed[2];	/* of them, bytes that the wire got */
	bool spoke[2];		/* records of application data, whatever was in them, by side */
	int64_t told_us;	/* when it last got the counts */
	/* The last packets, a ring; `dir` is the side until they are told. */
	struct wire_packet packet[WIRE_PACKETS];
	uint64_t end[WIRE_PACKETS]; /* up to where they are of `stream` */
	unsigned packets;	    /* so far */
};

/* A packet, with so many bytes of payload. Whatever it is of: TLS may follow. */
void file_wire_packet(struct file_wire *f, int side, int64_t now_us, size_t payload);
/* It is TLS, unless that was told; `w` NULL: nobody is told of it. The number that its socket has
 * for sessions is the wire's, too. */
void file_wire_open(struct file_wire *f, struct wire *w, int64_t now_us,
		    const struct flow_socket *socket, int local, uint32_t owner, bool midway);
/* Bytes of it as TLS, whether they are here or missing. */
void file_wire_stream(struct file_wire *f, int side, uint64_t len);
/* A whole record, with its head, and what was in it. */
void file_wire_record(struct file_wire *f, struct wire *w, int side, int64_t now_us,
		      const uint8_t *record, size_t len, const struct decrypted *d);
/* From time to time, where none comes. */
void file_wire_tick(struct file_wire *f, struct wire *w, int64_t now_us);
void file_wire_end(struct file_wire *f, struct wire *w, int64_t now_us);

#endif
