/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLEARTAP_COMPLETE_H
#define CLEARTAP_COMPLETE_H

#include "session/connection.h"

/* Complete an entry with what its connection knows, and send it on. An entry_sink's emit. */
void session_emit(void *session, struct entry *e);
/* Send on what waits for the socket of its connection. */
void session_release(struct session *s);

#endif
