// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire/reason.h"

const struct reason_text reasons[REASON_COUNT] = {
#define REASON(id, name, sentence, remedy) { name, sentence, remedy },
#include "wire/reason.def"
};
