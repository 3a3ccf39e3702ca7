/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Initial packets as their sender would make them. */
#ifndef TESTS_QUIC_SEAL_H
#define TESTS_QUIC_SEAL_H

#include <stddef.h>
#include <stdint.h>

#define QUIC_SEALED 1238 /* bytes of each */

/*
 * A packet of version 1 of direction `dir` (0: the client's) with the connection id
 * 0102030405060708 and these frames, padded. The size; 0 when it could not be made.
 */
size_t quic_seal(int dir, uint32_t number, const uint8_t *frames, size_t len,
		 uint8_t out[static QUIC_SEALED]);

#endif
