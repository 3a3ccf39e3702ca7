// SPDX-License-Identifier: GPL-2.0-or-later
/* Gives a fuzz target each file below the paths that are named, once, in place of libFuzzer. */
#include <ftw.h>

#include "fuzz.h"

uint64_t fuzz_dearest;

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
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		ftw(argv[i], give, 8);
	printf("dearest %llu\n", (unsigned long long)fuzz_dearest);
	return 0;
}
