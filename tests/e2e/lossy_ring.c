// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cleartap that loses records, for tests/e2e/loss.sh: the program as it ships but for ring_open(),
 * which the linker puts this one before. What it passes over is missing as what found no room in
 * the ring is: the next offset jumps. LOSSY_EVERY=N: each Nth record; without it, none.
 */
#include <errno.h>
#include <stdlib.h>

#include "source/ring.h"

struct lossy {
	ring_record_fn *fn;
	void *ctx;
	unsigned long every, seen;
};

int __real_ring_open(const struct ring_maps *maps, ring_record_fn *fn, void *ctx,
		     struct ring **ret);
int __wrap_ring_open(const struct ring_maps *maps, ring_record_fn *fn, void *ctx,
		     struct ring **ret);

static void on_record(void *ctx, const struct ev_hdr *record)
{
	struct lossy *l = ctx;

	/* What ends something is sent in any case (bpf/record.bpf.h). */
	bool ends = record->type == EV_CLOSE || record->type == EV_EXIT;
	if (ends || !l->every || ++l->seen % l->every)
		l->fn(l->ctx, record);
}

/* Lives as long as the program, like its one ring. */
int __wrap_ring_open(const struct ring_maps *maps, ring_record_fn *fn, void *ctx, struct ring **ret)
{
	static struct lossy lossy;
	const char *every = getenv("LOSSY_EVERY");

	lossy = (struct lossy){ fn, ctx, every ? strtoul(every, NULL, 10) : 0, 0 };
	return __real_ring_open(maps, on_record, &lossy, ret);
}
