/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Protocols that are recognised by their first bytes, but not taken apart. */
#ifndef CLEARTAP_KNOWN_H
#define CLEARTAP_KNOWN_H

#include <stddef.h>
#include <stdint.h>

/* The name of the protocol that these first bytes of a direction are of; NULL: nobody's. */
const char *known_protocol(const uint8_t *data, size_t len);

#endif
