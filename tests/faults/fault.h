/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of one kind that fail: the nth since fault_begin(), or all from there on. Linked with
 * --wrap for the program's own calls; SQLite and jansson get theirs from fault_install().
 */
#ifndef CLEARTAP_FAULT_H
#define CLEARTAP_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
	FAULT_MEMORY,
	FAULT_WRITE, /* ENOSPC */
	FAULT_SYNC,
	FAULT_TRUNCATE,
	FAULT_OPEN,
	FAULT_MAP,
	FAULT_READ,
	FAULT_KINDS
};

extern const char *const fault_names[FAULT_KINDS];

/* Before SQLite is used. */
void fault_install(void);
/* Count from 1 and fail the call `nth` (0: none), or that and all after it. */
void fault_begin(enum fault_kind kind, long nth, bool lasting);
/* Nothing fails any more. How many calls of each kind there were since fault_begin(). */
void fault_end(long count[static FAULT_KINDS]);
/*
 * From now on, note in `seen` where each call comes from: the first FAULT_CALLS_MAX of each kind,
 * by a hash of its callers, up to FAULT_FRAMES of them. NULL: no more.
 */
#define FAULT_CALLS_MAX 32768
#define FAULT_FRAMES	10
struct fault_calls {
	uint64_t from[FAULT_KINDS][FAULT_CALLS_MAX];
};
void fault_note_calls(struct fault_calls *seen);
/* Has one failed since fault_begin()? */
bool fault_happened(void);

#endif
