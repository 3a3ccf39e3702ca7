/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why bytes of a TLS connection were not read in clear, and what would help: a closed list. */
#ifndef CLEARTAP_REASON_H
#define CLEARTAP_REASON_H

enum reason {
#define REASON(id, name, sentence, remedy) REASON_##id,
#include "wire/reason.def"
	REASON_COUNT
};

/* Of enum reason; all are constants. */
struct reason_text {
	const char *name, *sentence, *remedy;
};
extern const struct reason_text reasons[REASON_COUNT];

#endif
