/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs do not wait for their probes: how late these were, and who had ended before. */
#ifndef CLEARTAP_LATE_H
#define CLEARTAP_LATE_H

#include <stddef.h>
#include <stdint.h>

struct target_user;

/*
 * Just now the probes are in a file that these had mapped. How many of the wanted ones started
 * while cleartap ran and have ended already; ret_delay_us: since the first mapping, 0: it was there
 * before.
 */
uint32_t late_count(const struct target_user *u, size_t count, uint64_t *ret_delay_us);

#endif
