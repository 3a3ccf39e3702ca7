/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One TCP connection of a file: what its bytes are (in clear, or TLS), told to the sessions and to
 * the wire. The state that file_conn.c and file_conns.c share.
 */
#ifndef CLEARTAP_FILE_CONN_H
#define CLEARTAP_FILE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/share.h"
#include "base/siphash.h"
#include "session/flow.h"
#include "source/early.h"
#include "source/file_conns.h"
#include "source/file_wire.h"
#include "source/layers.h"
#include "tls/record.h"

#define FILE_OWNERS 256

#define CLIENT_NO -1

enum mode { MODE_UNDECIDED, MODE_PLAIN, MODE_TLS };

struct file_side {
	struct reassemble in;
	uint64_t told; /* to the session: offset of the next byte */
	uint32_t syn_seq, fin_seq;
	bool syn, fin;
	uint8_t have; /* bytes of `first` */
	uint8_t first[TLS_BEGIN_BYTES];
};

struct file_conn {
	struct file_conn *next; /* with the same hash */
	TAILQ_ENTRY(file_conn) of_age;
	struct datagram_ends ends; /* as side 0 sends */
	struct file_side sides[2];
	struct flow flow; /* its gen is the number that sessions and the wire share */
	struct tls_stream *tls;
	struct share *share;
	struct early early;
	struct file_wire wire;
	int64_t now_us;
	uint8_t family, mode;
	int8_t opener;	     /* a side; CLIENT_NO: not known */
	bool opened, closed; /* the flow: was told; its lock is closed */
	uint32_t netns;	     /* 0: not known */
	bool spoke;	     /* in clear, before it was TLS */
	bool reset;
	bool is_end; /* of a socket of this machine, which is side 0: sessions are told nothing */
	bool joined, done; /* its first packet was not seen; it ended, only its packets come */
};

struct file_conns {
	struct sessions *sessions; /* NULL: all are ends of sockets, in this namespace: */
	uint32_t netns;
	struct decrypt_tools *tools;
	struct wire *wire; /* NULL: nobody wants to know */
	struct file_conn **buckets;
	TAILQ_HEAD(file_ages, file_conn) ages;
	size_t count;
	uint64_t gen;
	struct siphash_key key;
	struct common memory;
	struct share shares[FILE_OWNERS];
	struct file_conns_counts counts;
};

/* Whom a part tells. */
struct file_way {
	struct file_conns *all;
	struct file_conn *conn;
	int side;
};

/* Where the bytes of a side go, in order; `w` is borrowed for as long as that is used. */
struct reassemble_to file_conn_to(struct file_way *w);
/* Tells what still waits, and its end; its packets that still come are nobody's. */
void file_conn_end(struct file_conns *t, struct file_conn *c);

#endif
