// SPDX-License-Identifier: GPL-2.0-or-later
/* cleartap endpoints: the table of the page. */
#include <string.h>

#include "base/buf.h"
#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/line.h"

static void put_time(const json_t *row, const char *name)
{
	const json_t *us = json_object_get(row, name);

	if (json_is_integer(us))
		line_elapsed(stdout, json_integer_value(us));
	else
		fputs("       -", stdout);
}

static void put_row(const struct cli *c, const json_t *row)
{
	json_int_t bad = line_number(row, NULL, "server_errors");

	printf("%8" JSON_INTEGER_FORMAT " %9.1f %6" JSON_INTEGER_FORMAT,
	       line_number(row, NULL, "calls"), json_number_value(json_object_get(row, "rate")),
	       line_number(row, NULL, "client_errors"));
	line_color(stdout, c->color && bad, LINE_BAD);
	printf(" %6" JSON_INTEGER_FORMAT, bad);
	line_color(stdout, c->color && bad, LINE_PLAIN);
	printf(" %6" JSON_INTEGER_FORMAT, line_number(row, NULL, "incomplete"));
	put_time(row, "p50_us");
	put_time(row, "p95_us");
	put_time(row, "max_us");
	line_size(stdout, line_number(row, NULL, "bytes"));
	fputs("  ", stdout);
	line_text(stdout, line_string(row, NULL, "protocol"));
	putchar(' ');
	line_color(stdout, c->color, LINE_STRONG);
	line_text(stdout, line_string(row, NULL, "method"));
	line_color(stdout, c->color, LINE_PLAIN);
	putchar(' ');
	line_text(stdout, line_string(row, NULL, "host"));
	line_text(stdout, line_string(row, NULL, "template"));
	putchar('\n');
}

int cli_endpoints(const struct cli *c)
{
	struct buf filter = { 0 }, target = { 0 };
	json_t *answer = NULL, *row;
	int r = ask_filter(c, &filter);
	size_t i;

	if (!r) {
		buf_printf(&target, "/api/endpoints?q=%s", buf_cstr(&filter));
		answer = ask_json(c, buf_cstr(&target));
		r = answer ? 0 : CLI_FAILED;
	}
	json_t *rows = json_object_get(answer, "endpoints");
	if (!r && !c->option[CLI_JSON] && json_array_size(rows))
		puts("   calls    rate/s    4xx    5xx  incpl     p50     p95     max  bytes");
	json_array_foreach(rows, i, row)
	{
		if (c->option[CLI_JSON])
			line_json(stdout, row);
		else
			put_row(c, row);
	}
	if (!r && !json_array_size(rows))
		r = CLI_NOTHING;
	json_decref(answer);
	buf_free(&target);
	buf_free(&filter);
	return r;
}
