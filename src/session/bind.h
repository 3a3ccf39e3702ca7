/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLEARTAP_BIND_H
#define CLEARTAP_BIND_H

#include "session/connection.h"

/* Evidence about the socket of a connection came. */
void session_bind(struct session *s, const struct flow_socket *b);

#endif
