/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every cmocka test includes, in the order that cmocka wants. */
#ifndef CLEARTAP_UNIT_H
#define CLEARTAP_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
