/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLEARTAP_TOLD_WIRE_H
#define CLEARTAP_TOLD_WIRE_H

#include "dissect/dissect.h"

struct session;

/* Of its socket, 0 unknown, or the wire is not watched. */
uint64_t told_wire_cookie(struct session *s);
/* Tell the wire what was read of this connection, when it is more than was told before. */
void told_wire(struct session *s);
/* Bytes of it were not copied. */
void told_wire_missing(struct session *s, enum dir dir, uint64_t len, enum gap_why why);

#endif
