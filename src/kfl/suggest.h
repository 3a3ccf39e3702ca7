/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nearest known name to one that is not known, or NULL when none is near. */
#ifndef CLEARTAP_KFL_SUGGEST_H
#define CLEARTAP_KFL_SUGGEST_H

#include <stdbool.h>

#include "kfl/tree.h"

const char *suggest_keyword(struct text name);
/* Among fields, flags and their aliases. */
const char *suggest_field(struct text name);
const char *suggest_function(struct text name, bool method);

#endif
