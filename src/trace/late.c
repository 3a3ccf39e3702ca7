// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/late.h"

#include "base/clock.h"
#include "trace/procfs.h"
#include "trace/target.h"

uint32_t late_count(const struct target_user *u, size_t count, uint64_t *ret_delay_us)
{
	int64_t now = clock_us(CLOCK_MONOTONIC);
	uint32_t ended = 0;
	char exe[8];

	*ret_delay_us = count && u->at_us ? (uint64_t)(now - u->at_us) : 0;
	for (size_t i = 0; i < count; i++) {
		procfs_exe(u[i].tgid, exe, sizeof(exe));
		ended += u[i].wanted && u[i].at_us && !*exe;
	}
	return ended;
}
