/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QUIC's Initial packets (RFC 9000, 9001; version 2: RFC 9369), whose keys anybody can derive from
 * the client's first connection id: both hellos of the connection.
 */
#ifndef CLEARTAP_QUIC_INITIAL_H
#define CLEARTAP_QUIC_INITIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quic_initial;
struct tls_handshake;

/* By its first bytes; what is no QUIC may look like either. */
enum quic_form {
	QUIC_FORM_SHORT, /* with all keys, if it is of a connection of QUIC */
	QUIC_FORM_LONG,	 /* of a handshake, or of any version */
	QUIC_FORM_INITIAL
};
enum quic_form quic_form(const uint8_t *datagram, size_t len);
/* May this datagram begin a connection: a long header of an Initial packet of 1,200 bytes? */
bool quic_initial_begins(const uint8_t *datagram, size_t len);

/* The messages go to `h`, borrowed. What it holds counts on `account`. NULL when out of memory. */
struct quic_initial *quic_initial_new(struct tls_handshake *h, size_t *account);
/* Take NULL. */
void quic_initial_free(struct quic_initial *q);
/* Memory that it holds, without that of `h`. */
size_t quic_initial_bytes(const struct quic_initial *q);
/*
 * A datagram of direction `dir` (0: from the client), as it came: lost, repeated and reordered ones
 * are borne. 0; -EPROTO when it is no QUIC, -EBADMSG when nothing of it could be opened, -ENOTSUP
 * for a version that is not known.
 */
int quic_initial_feed(struct quic_initial *q, int dir, int64_t now_us, const uint8_t *datagram,
		      size_t len);

#endif
