// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/line.h"

#include <string.h>
#include <time.h>

#include "base/utf8.h"

void line_color(FILE *out, bool color, enum line_color which)
{
	static const char *const codes[] = {
		[LINE_PLAIN] = "0", [LINE_DIM] = "2",  [LINE_GOOD] = "32",
		[LINE_WARN] = "33", [LINE_BAD] = "31", [LINE_STRONG] = "1",
	};

	if (color)
		fprintf(out, "\033[%sm", codes[which]);
}

/* `also`: characters that are fine here beside what a line may hold. */
static void put_escaped(FILE *out, const char *text, size_t len, const char *also)
{
	for (size_t n; len; text += n, len -= n) {
		n = utf8_printable((const unsigned char *)text, len);
		if (n || (*text && strchr(also, *text))) {
			n = n ? n : 1;
			fwrite(text, 1, n, out);
			continue;
		}
		n = 1;
		fprintf(out, *text == '\n' ? "\\n" : "\\x%02x", (unsigned char)*text);
	}
}

void line_text(FILE *out, const char *text)
{
	put_escaped(out, text, strlen(text), "");
}

void line_block(FILE *out, const char *text, size_t len)
{
	put_escaped(out, text, len, "\n\t");
	if (len && text[len - 1] != '\n')
		fputc('\n', out);
}

static const json_t *member(const json_t *v, const char *object, const char *name)
{
	return json_object_get(object ? json_object_get(v, object) : v, name);
}

const char *line_string(const json_t *v, const char *object, const char *name)
{
	const char *text = json_string_value(member(v, object, name));

	return text ? text : "";
}

json_int_t line_number(const json_t *v, const char *object, const char *name)
{
	return json_integer_value(member(v, object, name));
}

/* The time of day here, of "2026-11-28T01:43:22.302955Z". */
static void put_time(FILE *out, const char *timestamp)
{
	struct tm utc = { 0 }, here;
	const char *fraction = strptime(timestamp, "%Y-%m-%dT%H:%M:%S", &utc);
	time_t t = timegm(&utc);
	char text[16];

	if (!fraction || !localtime_r(&t, &here) || !strftime(text, sizeof(text), "%T", &here))
		strcpy(text, "--:--:--");
	fprintf(out, "%s%.4s ", text, fraction && *fraction == '.' ? fraction : ".000");
}

void line_elapsed(FILE *out, json_int_t us)
{
	double t = (double)us;

	if (t < 1e3)
		fprintf(out, " %4.0f us", t);
	else if (t < 1e6)
		fprintf(out, " %4.*f ms", t < 1e5, t / 1e3);
	else
		fprintf(out, " %5.1f s", t / 1e6);
}

static void put_elapsed(FILE *out, const json_t *entry)
{
	const json_t *us = json_object_get(entry, "elapsed_us");

	if (json_is_true(json_object_get(entry, "open")))
		fputs("     ...", out);
	else if (json_is_integer(us))
		line_elapsed(out, json_integer_value(us));
	else
		fputs("       -", out);
}

void line_size(FILE *out, json_int_t n)
{
	static const char units[] = "BKMGT";
	double size = (double)n;
	size_t unit = 0;

	for (; size >= 1000 && unit + 2 < sizeof(units); unit++)
		size /= 1024;
	fprintf(out, " %5.*f%c", unit && size < 10, size, units[unit]);
}

/* The first of these that is known. */
static void put_end(FILE *out, const json_t *entry, const char *end, const char *const names[4])
{
	const char *text = "";

	for (size_t i = 0; !*text && i < 4; i++)
		text = line_string(entry, end, names[i]);
	line_text(out, *text ? text : "?");
}

static void put_status(FILE *out, const json_t *entry)
{
	const char *lock = line_string(entry, NULL, "lock");
	char status[8];

	snprintf(status, sizeof(status), "%s",
		 *lock == 'c' ? "closed" : line_string(entry, NULL, "status"));
	line_text(out, status);
	fprintf(out, "%*s", 7 - (int)strlen(status), "");
}

static enum line_color color_of(const json_t *entry)
{
	const char *outcome = line_string(entry, NULL, "outcome");

	if (!strcmp(outcome, "server_error"))
		return LINE_BAD;
	return strcmp(outcome, "ok") ? LINE_WARN : LINE_GOOD;
}

void line_entry(FILE *out, bool color, const json_t *entry)
{
	static const char *const who[] = { "pod", "process", "name", "ip" };
	static const char *const whom[] = { "service", "name", "process", "ip" };
	const char *reason = line_string(entry, NULL, "reason");

	line_color(out, color, LINE_DIM);
	put_time(out, line_string(entry, NULL, "timestamp"));
	fprintf(out, "%6lld ", (long long)line_number(entry, NULL, "id"));
	line_color(out, color, LINE_PLAIN);
	line_color(out, color, color_of(entry));
	put_status(out, entry);
	line_color(out, color, LINE_PLAIN);
	put_elapsed(out, entry);
	line_size(out, line_number(entry, NULL, "request_size") +
			       line_number(entry, NULL, "response_size"));
	fputs("  ", out);
	put_end(out, entry, "src", who);
	fputs(" > ", out);
	put_end(out, entry, "dst", whom);
	fputs("  ", out);
	line_color(out, color, LINE_STRONG);
	line_text(out, line_string(entry, NULL, "method"));
	line_color(out, color, LINE_PLAIN);
	fputs(*line_string(entry, NULL, "method") ? " " : "", out);
	if (strcmp(line_string(entry, NULL, "host"), line_string(entry, "dst", "name")) != 0)
		line_text(out, line_string(entry, NULL, "host"));
	line_text(out, line_string(entry, NULL, "summary"));
	if (*reason) {
		line_color(out, color, LINE_WARN);
		fputs("  (", out);
		line_text(out, reason);
		fputc(')', out);
		line_color(out, color, LINE_PLAIN);
	}
	fputc('\n', out);
}

void line_json(FILE *out, const json_t *v)
{
	json_dumpf(v, out, JSON_COMPACT | JSON_ENSURE_ASCII);
	fputc('\n', out);
}
