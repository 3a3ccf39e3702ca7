// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire/reason.h"

const struct reason_text reasons[REASON_COUNT] = {
#define REASON(id, name, sentence, remedy) { name, sentence, remedy },
#include "wire/reason.def"
};

_Static_assert(REASON_LOST == REASON_PAUSED + 1 && REASON_BUDGET == REASON_PAUSED + 2,
	       "wire_missing() counts by them");
