// SPDX-License-Identifier: GPL-2.0-or-later
/* How PostgreSQL's messages look: a letter and a length, one behind the other. */
#include <errno.h>
#include <string.h>

#include "dissect/postgres_internal.h"

#define VERSION_3   0x00030000
#define VERSION_MAX 0x0003ffff
#define CANCEL	    80877102

static const char requests[] = "QPBEDCSHXFdcfp", answers[] = "RSKZTDCEN123tnsIGHWVdcAv";

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The first message has no type: its length, and the version or what is asked for instead. */
static int64_t startup_length(const uint8_t *data, size_t len)
{
	if (len < 8)
		return 0;
	uint32_t size = be32(data), code = be32(data + 4);
	bool version = code >= VERSION_3 && code <= VERSION_MAX && size >= 9 && size <= 10000;
	bool cancel = code == CANCEL && size >= 16 && size <= 300;
	return version || cancel ? (int64_t)size : -EPROTO;
}

int64_t pg_length(bool request, const uint8_t *data, size_t len)
{
	if (request && !data[0])
		return startup_length(data, len);
	if (!strchr(request ? requests : answers, data[0]) || !data[0])
		return -EPROTO;
	if (len < 5)
		return 0;
	uint32_t size = be32(data + 1);
	return size >= 4 && size <= 1U << 30 ? 1 + (int64_t)size : -EPROTO;
}

/* Messages whose contents tell whether they are what their first byte says. */
static bool is_plausible(bool request, const uint8_t *data, size_t size)
{
	switch (data[0]) {
	case 'Q':
		return request && size > 6 && !data[size - 1] && data[5] &&
		       memchr(data + 5, 0, size - 5) == data + size - 1;
	case 'S':
		return request ? size == 5 : size > 7 && !data[size - 1];
	case 'X':
	case 'H':
	case 'c':
		return !request || size == 5;
	case 'Z':
		return size == 6 && strchr("ITE", data[5]);
	case '1':
	case '2':
	case '3':
	case 'n':
	case 's':
		return size == 5;
	case 'C':
		return request || (size > 6 && !data[size - 1]);
	case 'E':
		return size > 6;
	case 'T':
	case 'D':
		return request || size >= 7;
	}
	return true;
}

/* Do messages follow each other to the end of what is there? Those with which something ends prove
 * it. */
static int score_chain(bool request, const uint8_t *data, size_t len)
{
	size_t at = 0;

	while (at < len) {
		int64_t size = pg_length(request, data + at, len - at);
		if (size < 0 || size > 1 << 24)
			return PROBE_NO;
		if (!size || at + (uint64_t)size > len)
			break;
		if (!is_plausible(request, data + at, (size_t)size))
			return PROBE_NO;
		if (data[at] && strchr(request ? "QS" : "Z", data[at]))
			return PROBE_YES;
		at += (size_t)size;
	}
	return at ? PROBE_MAYBE : PROBE_SHORT;
}

static int probe_startup(const uint8_t *data, size_t len)
{
	int64_t size = startup_length(data, len);

	if (size <= 0)
		return size ? PROBE_NO : PROBE_SHORT;
	if (be32(data + 4) == CANCEL)
		return PROBE_YES;
	size_t n = len < (size_t)size ? len : (size_t)size;
	if (memmem(data + 8, n - 8, "user", 5))
		return PROBE_YES;
	return n < (size_t)size ? PROBE_SHORT : PROBE_NO;
}

int pg_probe(enum dir dir, const uint8_t *data, size_t len)
{
	(void)dir;
	if (!len)
		return PROBE_SHORT;
	if (!data[0])
		return probe_startup(data, len);
	int request = score_chain(true, data, len), answer = score_chain(false, data, len);
	if (request == PROBE_YES || answer == PROBE_YES)
		return PROBE_YES;
	return request > answer ? answer : request;
}

int pg_resumes(bool request, const uint8_t *data, size_t len)
{
	if (request && !data[0]) {
		int score = probe_startup(data, len);
		return score < 0 ? 0 : score ? 1 : -EPROTO;
	}
	/* What more bytes follow must not change the answer, so the first message alone counts. */
	int64_t size = pg_length(request, data, len);
	if (size > 1 << 24)
		return -EPROTO;
	if (size <= 0)
		return (int)size;
	if ((uint64_t)size > len)
		return size > PG_KEEP / 2 ? 1 : 0;
	return is_plausible(request, data, (size_t)size) ? 1 : -EPROTO;
}
