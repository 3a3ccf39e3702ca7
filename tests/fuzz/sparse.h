/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A large file of which few bytes matter: its size, then pieces (offset, length, bytes), all
 * numbers little-endian as in memory. thin.c makes them of real binaries.
 */
#ifndef CLEARTAP_SPARSE_H
#define CLEARTAP_SPARSE_H

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#define SPARSE_FILE (16U << 20)

struct sparse_piece {
	uint32_t offset;
	uint16_t len;
} __attribute__((packed));

/* A memfd, in place of `fd` unless that is -1; ret_size is that of the file. */
static inline int sparse_file(int fd, const uint8_t *data, size_t size, uint32_t *ret_size)
{
	struct sparse_piece piece;
	uint32_t whole = 0;

	if (fd >= 0)
		close(fd);
	fd = memfd_create("sparse", MFD_CLOEXEC);
	require(fd >= 0);
	if (size >= sizeof(whole))
		memcpy(&whole, data, sizeof(whole));
	whole %= SPARSE_FILE + 1;
	require(ftruncate(fd, whole) == 0);
	for (size_t at = sizeof(whole); at + sizeof(piece) < size; at += piece.len) {
		memcpy(&piece, data + at, sizeof(piece));
		at += sizeof(piece);
		size_t len = piece.len < size - at ? piece.len : size - at;
		if (piece.offset < whole && len > whole - piece.offset)
			len = whole - piece.offset;
		if (piece.offset < whole)
			require(pwrite(fd, data + at, len, piece.offset) == (ssize_t)len);
	}
	*ret_size = whole;
	return fd;
}

#endif
