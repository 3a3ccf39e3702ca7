// SPDX-License-Identifier: GPL-2.0-or-later
/* cleartap query: what is stored, as lines, JSON or an export. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/line.h"

#define LINES 100
#define PAGE  1000

/* Pages of the list, newest first, until `most` were written. */
static int put_all(const struct cli *c, const char *filter, uint64_t most)
{
	struct buf target = { 0 };
	uint64_t done = 0;
	json_t *page = NULL, *v;
	int64_t next = 0;
	size_t i;

	do {
		uint64_t limit = most - done < PAGE ? most - done : PAGE;
		buf_reset(&target);
		buf_printf(&target, "/api/entries?limit=%" PRIu64 "&q=%s", limit, filter);
		if (next)
			buf_printf(&target, "&before=%" PRId64, next);
		page = ask_json(c, buf_cstr(&target));
		json_array_foreach(json_object_get(page, "entries"), i, v)
		{
			ask_put_entry(c, v);
			done++;
		}
		next = line_number(page, NULL, "next");
		json_decref(page);
	} while (page && next && done < most && !ferror(stdout));
	buf_free(&target);
	return !page ? CLI_FAILED : done ? CLI_FOUND : CLI_NOTHING;
}

static int copy(FILE *in, const char *file)
{
	FILE *out = strcmp(file, "-") ? fopen(file, "we") : stdout;
	char block[1 << 16];
	int r = out ? 0 : -errno;

	for (size_t n; !r && (n = fread(block, 1, sizeof(block), in));)
		r = fwrite(block, 1, n, out) == n ? 0 : -errno;
	if (out && (out == stdout ? fflush(out) : fclose(out)) && !r)
		r = -errno;
	if (r)
		log_error("write %s: %s", file, strerror(-r));
	return r ? CLI_FAILED : 0;
}

static bool matches(const struct cli *c, const char *filter, int *ret)
{
	struct buf target = { 0 };

	buf_printf(&target, "/api/entries?limit=1&q=%s", filter);
	json_t *page = ask_json(c, buf_cstr(&target));
	bool some = json_array_size(json_object_get(page, "entries")) != 0;

	*ret = !page ? CLI_FAILED : some ? CLI_FOUND : CLI_NOTHING;
	buf_free(&target);
	json_decref(page);
	return some;
}

static int write_file(const struct cli *c, const char *filter)
{
	const char *har = c->option[CLI_HAR], *file = har ? har : c->option[CLI_PCAPNG];
	struct buf target = { 0 };
	int r;

	if (!matches(c, filter, &r))
		return r;
	buf_printf(&target, "/api/export/%s?q=%s", har ? "har" : "pcapng", filter);
	FILE *in = ask_open(c, buf_cstr(&target));
	r = in ? copy(in, file) : CLI_FAILED;
	if (in)
		fclose(in);
	buf_free(&target);
	return r;
}

int cli_query(const struct cli *c)
{
	struct buf filter = { 0 };
	uint64_t most;
	int r = ask_lines(c, LINES, INT64_MAX, &most);

	r = r ? r : ask_filter(c, &filter);
	if (!r && (c->option[CLI_HAR] || c->option[CLI_PCAPNG]))
		r = write_file(c, buf_cstr(&filter));
	else if (!r)
		r = put_all(c, buf_cstr(&filter), most ? most : UINT64_MAX);
	buf_free(&filter);
	return r;
}
