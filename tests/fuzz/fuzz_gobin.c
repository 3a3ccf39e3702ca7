// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A file as sparse.h has it: Go's tables one by one, as if it were a program of Go's, then all of
 * the analysis. Whatever is told of the file lies in it.
 */
#include <gelf.h>

#include "sparse.h"
#include "trace/disasm.h"
#include "trace/gobin.h"
#include "trace/goplan.h"
#include "trace/inspect.h"

/* Of a file whose tables are as large as it says, the analysis looks at each byte a few times. */
#define MOST_NS (40000000ULL * (FUZZ_BYTE_NS / 50))

static void look_at_tables(struct elf_file *e)
{
	struct gobin_func func[GOBIN_NAMES] = { 0 };
	struct gobin_info info;
	struct gopcln table;
	char version[64];

	if (gobin_info(e, &info))
		require(memchr(info.version, 0, sizeof(info.version)) &&
			memchr(info.module, 0, sizeof(info.module)));
	gobin_old_version(e, version, sizeof(version));
	require(memchr(version, 0, sizeof(version)));
	if (!gopcln_find(e, &table))
		return;
	gopcln_lookup(&table, e, func);
	for (int i = 0; i < GOBIN_NAMES; i++) {
		require(!func[i].addr || elf_executable(e, func[i].addr));
		require(strlen(gopcln_name_at(&table, e, func[i].addr)) < e->size);
	}
	uint64_t itab = goitab_find(e, &table);
	require(!itab || elf_at(e, itab).data);
}

static void inspect(void *ctx, const uint8_t *data, size_t size)
{
	static struct inspection in;

	(void)data;
	(void)size;
	require(!inspect_fd(*(int *)ctx, &in));
}

static void look_at_file(int fd, uint32_t size)
{
	static struct inspection in;

	/* the glance may find too much, but never too little */
	bool may = inspect_may_find(fd);
	require(!inspect_fd(fd, &in) && (in.points || *in.reason));
	require(in.points <= LIMIT_PROBE_POINTS && (may || !in.points));
	for (uint32_t i = 0; i < in.points; i++)
		require(in.point[i].offset < size && in.point[i].kind < PROBE_KIND_COUNT);
	require(memchr(in.version, 0, sizeof(in.version)) &&
		memchr(in.module, 0, sizeof(in.module)));
	require(memchr(in.plan, 0, sizeof(in.plan)) && memchr(in.reason, 0, sizeof(in.reason)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct elf_file e;
	const char *why;
	uint32_t whole;

	fd = sparse_file(fd, data, size, &whole);
	int r = elf_open(fd, &e, &why);
	if (!r) {
		elf_relocate(&e);
		look_at_tables(&e);
	}
	elf_close(&e);
	look_at_file(fd, whole);
	if (fuzz_weighed(data, size))
		fuzz_weigh_once(inspect, &fd, data, whole, MOST_NS);
	return 0;
}
