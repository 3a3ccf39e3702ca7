/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Protection of Initial packets: RFC 9001 section 5, RFC 9369 section 3.3. */
#ifndef CLEARTAP_QUIC_KEYS_H
#define CLEARTAP_QUIC_KEYS_H

#include <stddef.h>
#include <stdint.h>

#define QUIC_V1	     0x00000001U
#define QUIC_V2	     0x6b3343cfU
#define QUIC_TAG     16
#define QUIC_CID_MAX 20

/* Of one direction. */
struct quic_keys {
	uint8_t key[16], iv[12], header[16];
};

/* From the Destination Connection ID of the client's first packet. 0, -ENOTSUP, -EIO. */
int quic_keys_derive(uint32_t version, const uint8_t *cid, size_t len, struct quic_keys ret[2]);
/* The mask of a packet's head by a sample of 16 bytes. 0 or -EIO. */
int quic_keys_mask(const struct quic_keys *k, const uint8_t sample[16], uint8_t ret[5]);
/* Open what `len` bytes with their tag hold, to `out` of len - QUIC_TAG bytes. 0 or -EBADMSG. */
int quic_keys_open(const struct quic_keys *k, uint64_t number, const uint8_t *head, size_t head_len,
		   const uint8_t *bytes, size_t len, uint8_t *out);

#endif
