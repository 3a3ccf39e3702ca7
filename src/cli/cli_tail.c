// SPDX-License-Identifier: GPL-2.0-or-later
/* cleartap tail: the stream of the API (server-sent events), a line for each entry. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/line.h"

#define LINES	  10
#define LINES_MAX 1000 /* entries of one page of the API */

/* The newest that there are already; *ret_last is the id of the newest. */
static int put_known(const struct cli *c, const char *filter, int64_t *ret_last)
{
	struct buf target = { 0 };
	uint64_t n;

	if (ask_lines(c, c->option[CLI_SINCE] ? LINES_MAX : LINES, LINES_MAX, &n))
		return CLI_USAGE;
	buf_printf(&target, "/api/entries?limit=%" PRIu64 "&q=%s", n ? n : 1, filter);
	json_t *page = ask_json(c, buf_cstr(&target));
	buf_free(&target);
	if (!page)
		return CLI_FAILED;
	json_t *entries = json_object_get(page, "entries");
	*ret_last = line_number(json_array_get(entries, 0), NULL, "id");
	for (size_t i = n ? json_array_size(entries) : 0; i--;)
		ask_put_entry(c, json_array_get(entries, i));
	json_decref(page);
	return 0;
}

/* An entry that goes on is told when it begins and when it has ended, and not in between. */
static void take_event(const struct cli *c, const char *event, const char *data)
{
	json_t *v = json_loads(data, JSON_ALLOW_NUL, NULL);

	if (!strcmp(event, "entry") ||
	    (!strcmp(event, "update") && json_object_get(v, "timestamp") &&
	     json_is_false(json_object_get(v, "open"))))
		ask_put_entry(c, v);
	else if (!strcmp(event, "skipped"))
		log_warn("%" JSON_INTEGER_FORMAT " entries came faster than they could be shown",
			 line_number(v, NULL, "count"));
	else if (!strcmp(event, "failed"))
		log_error("%s", line_string(v, NULL, "detail"));
	json_decref(v);
}

static const char *value_of(char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(line, name, n))
		return NULL;
	line[strcspn(line, "\r\n")] = '\0';
	return line + n + (line[n] == ' ');
}

static int follow(const struct cli *c, FILE *in)
{
	char *line = NULL, event[16] = "";
	size_t room = 0;
	bool ended = false;

	while (!ended && !ferror(stdout) && getline(&line, &room, in) > 0) {
		const char *value = value_of(line, "event:");
		if (value)
			snprintf(event, sizeof(event), "%s", value);
		else if ((value = value_of(line, "data:")))
			take_event(c, event, value);
		ended = !strcmp(event, "end");
		fflush(stdout);
	}
	free(line);
	if (ended || ferror(stdout))
		return CLI_FOUND;
	log_error("cleartap ended, or was too far ahead of this reader");
	return CLI_FAILED;
}

int cli_tail(const struct cli *c)
{
	struct buf filter = { 0 }, target = { 0 };
	FILE *in = NULL;
	int64_t last = 0;
	int r = ask_filter(c, &filter);

	r = r ? r : put_known(c, buf_cstr(&filter), &last);
	if (!r) {
		buf_printf(&target, "/api/stream?after=%" PRId64 "&q=%s", last, buf_cstr(&filter));
		in = ask_open(c, buf_cstr(&target));
		r = in ? follow(c, in) : CLI_FAILED;
	}
	if (in)
		fclose(in);
	buf_free(&target);
	buf_free(&filter);
	return r;
}
