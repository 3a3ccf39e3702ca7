/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that is held on somebody's account: a count of bytes. What takes a pointer to one keeps
 * it up to date, NULL counts nowhere.
 */
#ifndef CLEARTAP_ACCOUNT_H
#define CLEARTAP_ACCOUNT_H

#include <stddef.h>

/* What took `was` bytes takes `is` now. */
static inline void account_change(size_t *account, size_t was, size_t is)
{
	if (account)
		*account += is - was;
}

#endif
