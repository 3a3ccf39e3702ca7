/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An exchange whose answer switched to another protocol, and that goes on in it as one entry. */
#ifndef CLEARTAP_UPGRADED_H
#define CLEARTAP_UPGRADED_H

#include "dissect/dissect.h"
#include "dissect/live.h"
#include "entry.h"
#include "message.h"

struct upgraded {
	struct message *message[2]; /* request, NULL where it was not seen, and response */
	struct entry_part part[2];
	const char *missing; /* why the request is not there; NULL */
	struct live live;    /* it may have been told already */
	enum dir request_dir;
};

#endif
