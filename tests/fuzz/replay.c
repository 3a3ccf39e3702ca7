// SPDX-License-Identifier: GPL-2.0-or-later
/* Gives a fuzz target each file below the paths that are named, once, in place of libFuzzer. */
#include <ftw.h>
#include <malloc.h>

#include "fuzz.h"

uint64_t fuzz_dearest, fuzz_too_many;

static int give(const char *path, const struct stat *st, int type)
{
	FILE *in = type == FTW_F ? fopen(path, "rb") : NULL;

	if (!in)
		return 0;
	size_t size = (size_t)st->st_size;
	uint8_t *data = malloc(size + 1);
	require(data != NULL);
	size = fread(data, 1, size, in);
	fclose(in);
	uint64_t before = fuzz_too_many;
	LLVMFuzzerTestOneInput(data, size);
	if (fuzz_too_many > before)
		fprintf(stderr, "too dear: %s\n", path);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	/* as the server does: else the kernel's work on large blocks is weighed, not ours */
	mallopt(M_MMAP_THRESHOLD, 64 << 20);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	for (int i = 1; i < argc; i++)
		ftw(argv[i], give, 8);
	if (fuzz_dearest)
		printf("dearest %llu\n", (unsigned long long)fuzz_dearest);
	return fuzz_too_many > 0;
}
