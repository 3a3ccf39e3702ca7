/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of which scripts know what to expect: the last digit of the number tells the kind. */
#ifndef CLEARTAP_KINDS_H
#define CLEARTAP_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entry;

/*
 * Of 10: 4 is a 404 whose body is cut, 5 a 500, 8 has no answer, 9 is opaque, 0 has a large body, 2
 * an image in chunks, 3 a compressed page. 13 is a bomb, 46 has a value in every field, 53 says
 * gzip and is none, 56 is deep JSON. small: without the large ones. huge: bytes of the answers 4,
 * 14, ..., 0: as they are.
 */
struct entry *kind_entry(uint64_t n, int64_t timestamp_us, bool small, size_t huge);

#endif
