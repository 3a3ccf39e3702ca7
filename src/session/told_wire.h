/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLEARTAP_TOLD_WIRE_H
#define CLEARTAP_TOLD_WIRE_H

struct session;

/* Tell the wire what was read of this connection, when it is more than was told before. */
void told_wire(struct session *s);

#endif
