// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes a seed of fuzz_gobin of a real binary: what can be set to zero without another outcome of
 * the analysis is left out. Usage: thin BINARY SEED
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "sparse.h"
#include "trace/inspect.h"

enum { LARGEST = 1 << 20, SMALLEST = 16 };

static struct inspection wanted;

static bool same(int fd)
{
	static struct inspection in;

	return !inspect_fd(fd, &in) && !memcmp(&in, &wanted, sizeof(in));
}

/* Leave out what can be left out of these bytes. */
static void thin(int fd, uint8_t *image, size_t at, size_t len)
{
	static const uint8_t zeros[LARGEST];
	static uint8_t kept[LARGEST];

	if (!memcmp(image + at, zeros, len))
		return;
	memcpy(kept, image + at, len);
	require(pwrite(fd, zeros, len, (off_t)at) == (ssize_t)len);
	if (same(fd)) {
		memset(image + at, 0, len);
		return;
	}
	require(pwrite(fd, kept, len, (off_t)at) == (ssize_t)len);
	if (len <= SMALLEST)
		return;
	thin(fd, image, at, len / 2);
	thin(fd, image, at + len / 2, len - len / 2);
}

static void put_pieces(FILE *out, const uint8_t *image, uint32_t size)
{
	static const uint8_t zeros[SMALLEST];

	fwrite(&size, sizeof(size), 1, out);
	for (uint32_t at = 0; at < size;) {
		uint32_t end = at;

		while (end < size && end - at < UINT16_MAX - SMALLEST &&
		       memcmp(image + end, zeros, size - end < SMALLEST ? size - end : SMALLEST))
			end += size - end < SMALLEST ? size - end : SMALLEST;
		struct sparse_piece piece = { at, (uint16_t)(end - at) };
		if (piece.len) {
			fwrite(&piece, sizeof(piece), 1, out);
			fwrite(image + at, 1, piece.len, out);
		}
		at = end > at ? end : at + SMALLEST;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return !data || !size;
}

int main(int argc, char **argv)
{
	struct stat st;
	int in = argc == 3 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	if (in < 0 || fstat(in, &st) || st.st_size > SPARSE_FILE)
		return 1;
	uint8_t *image = malloc((size_t)st.st_size);
	require(image && read(in, image, (size_t)st.st_size) == st.st_size);
	int fd = memfd_create("thin", MFD_CLOEXEC);
	require(write(fd, image, (size_t)st.st_size) == st.st_size && !inspect_fd(fd, &wanted));
	for (size_t at = 0, size = (size_t)st.st_size; at < size; at += LARGEST)
		thin(fd, image, at, size - at < LARGEST ? size - at : LARGEST);
	FILE *out = fopen(argv[2], "wb");
	require(out != NULL);
	put_pieces(out, image, (uint32_t)st.st_size);
	fclose(out);
	printf("%s: %u points, %s %s %s\n", argv[2], wanted.points, wanted.version, wanted.plan,
	       wanted.reason);
	return 0;
}
