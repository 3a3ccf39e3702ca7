// SPDX-License-Identifier: GPL-2.0-or-later
/* cleartap show: one exchange, lines of the request after ">", of the answer after "<". */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/utf8.h"
#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/line.h"

static void put_pairs(char mark, const json_t *pairs)
{
	const json_t *pair;
	size_t i;

	json_array_foreach(pairs, i, pair)
	{
		printf("%c ", mark);
		line_text(stdout, json_string_value(json_array_get(pair, 0)));
		fputs(": ", stdout);
		line_text(stdout, json_string_value(json_array_get(pair, 1)));
		putchar('\n');
	}
}

static void put_start(char mark, const json_t *message)
{
	const char *version = line_string(message, NULL, "http_version");

	printf("%c ", mark);
	if (mark == '>') {
		line_text(stdout, line_string(message, NULL, "method"));
		putchar(' ');
		line_text(stdout, line_string(message, NULL, "target"));
	} else {
		printf("HTTP/%s %" JSON_INTEGER_FORMAT " ", version,
		       line_number(message, NULL, "status"));
		line_text(stdout, line_string(message, NULL, "reason"));
	}
	printf(mark == '>' ? " HTTP/%s\n" : "\n", version);
}

/* Members that other protocols than HTTP have: names and texts or numbers. */
static void put_members(char mark, json_t *message)
{
	static const char *const known[] = { "body",	    "body_url",	   "body_size",
					     "body_stored", "method",	   "target",
					     "status",	    "reason",	   "head_size",
					     "body_digest", "http_version" };
	const char *name;
	json_t *v;

	json_object_foreach(message, name, v)
	{
		bool skip = json_is_array(v) || json_is_object(v);
		for (size_t i = 0; !skip && i < sizeof(known) / sizeof(*known); i++)
			skip = !strcmp(name, known[i]);
		if (skip)
			continue;
		printf("%c %s: ", mark, name);
		if (json_is_string(v))
			line_text(stdout, json_string_value(v));
		else
			json_dumpf(v, stdout, JSON_ENCODE_ANY);
		putchar('\n');
	}
}

static void put_notes(const json_t *notes)
{
	const json_t *note;
	size_t i;

	json_array_foreach(notes, i, note)
	{
		fputs("* ", stdout);
		line_text(stdout, json_string_value(note));
		putchar('\n');
	}
}

/* All bytes of a body, "" where it has none; 0 or CLI_FAILED. */
static int take_body(const struct cli *c, const json_t *message, struct buf *ret)
{
	const char *url = line_string(message, NULL, "body_url");
	FILE *in = *url ? ask_open(c, url) : NULL;
	int r = *url && !in ? CLI_FAILED : 0;

	while (in && !r && !feof(in) && !ferror(in)) {
		r = buf_reserve(ret, 1 << 16) ? CLI_FAILED : 0;
		if (!r)
			ret->len += fread(ret->data + ret->len, 1, 1 << 16, in);
	}
	if (in)
		fclose(in);
	return r;
}

static int put_body(const struct cli *c, char mark, const json_t *entry, const json_t *message)
{
	json_int_t size = line_number(message, NULL, "body_size");
	json_int_t stored = line_number(message, NULL, "body_stored");
	struct buf body = { 0 };

	if (!size)
		return 0;
	printf("%c\n", mark);
	int r = take_body(c, message, &body);
	if (!r && body.len && utf8_is_text(body.data, body.len))
		line_block(stdout, body.data, body.len);
	else if (!r && body.len)
		printf("* %zu bytes that are no text: cleartap show %" JSON_INTEGER_FORMAT
		       " --body%s > FILE\n",
		       body.len, line_number(entry, NULL, "id"), mark == '>' ? " --request" : "");
	else if (!r && !*line_string(message, NULL, "why"))
		printf("* %" JSON_INTEGER_FORMAT " bytes, of which %" JSON_INTEGER_FORMAT
		       " are stored\n",
		       size, stored);
	buf_free(&body);
	return r;
}

static int put_message(const struct cli *c, char mark, const json_t *entry, json_t *message)
{
	if (!message)
		return 0;
	line_color(stdout, c->color, LINE_STRONG);
	if (*line_string(message, NULL, "http_version"))
		put_start(mark, message);
	line_color(stdout, c->color, LINE_PLAIN);
	put_pairs(mark, json_object_get(message, "headers"));
	if (!*line_string(message, NULL, "http_version"))
		put_members(mark, message);
	put_notes(json_object_get(message, "notes"));
	int r = put_body(c, mark, entry, message);
	put_pairs(mark, json_object_get(message, "trailers"));
	return r;
}

/* Messages of a long exchange: who, when, what. */
static void put_items(const json_t *entry)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(entry, "messages"), i, item)
	{
		const char *text = line_string(item, NULL, "text");
		printf("%c %s %" JSON_INTEGER_FORMAT " bytes: ",
		       strcmp(line_string(item, NULL, "from"), "client") != 0 ? '<' : '>',
		       line_string(item, NULL, "kind"), line_number(item, NULL, "size"));
		line_text(stdout, line_string(item, NULL, "name"));
		line_text(stdout, *text ? text : line_string(item, NULL, "hex"));
		putchar('\n');
	}
	if (line_number(entry, NULL, "messages_omitted"))
		printf("* %" JSON_INTEGER_FORMAT " older messages are not kept\n",
		       line_number(entry, NULL, "messages_omitted"));
}

static void put_end(const json_t *entry, const char *end)
{
	json_int_t pid = line_number(entry, end, "pid");
	const char *ip = line_string(entry, end, "ip");

	line_text(stdout, line_string(entry, end, "process"));
	if (pid)
		printf(" (%" JSON_INTEGER_FORMAT ") ", pid);
	line_text(stdout, *ip ? ip : "address unknown");
	if (*ip)
		printf(":%" JSON_INTEGER_FORMAT, line_number(entry, end, "port"));
}

static void put_connection(const json_t *entry)
{
	static const char *const members[] = { "version", "cipher", "sni", "alpn" };

	fputs("* ", stdout);
	put_end(entry, "src");
	fputs(" > ", stdout);
	put_end(entry, "dst");
	printf("\n* read in ");
	line_text(stdout, line_string(entry, NULL, "library"));
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		fputs(*line_string(entry, "tls_info", members[i]) ? ", " : "", stdout);
		line_text(stdout, line_string(entry, "tls_info", members[i]));
	}
	printf(", connection ");
	line_text(stdout, line_string(entry, NULL, "connection"));
	putchar('\n');
}

/* What is missing, in the words of the list. */
static void put_outcome(const json_t *entry)
{
	const char *reason = line_string(entry, NULL, "reason");
	json_int_t lost = line_number(entry, NULL, "lost_bytes");
	json_int_t cut = line_number(entry, NULL, "truncated_bytes");

	fputs("* ", stdout);
	fputs(json_is_true(json_object_get(entry, "open"))	 ? "goes on"
	      : json_is_true(json_object_get(entry, "complete")) ? "complete"
								 : "not complete",
	      stdout);
	if (lost)
		printf(", %" JSON_INTEGER_FORMAT " bytes lost", lost);
	if (cut)
		printf(", %" JSON_INTEGER_FORMAT " bytes not copied", cut);
	if (*reason)
		fputs(": ", stdout);
	line_text(stdout, reason);
	putchar('\n');
}

static int put_bytes(const struct cli *c, const json_t *entry)
{
	const char *side = c->option[CLI_REQUEST] ? "request" : "response";
	struct buf body = { 0 };
	int r = take_body(c, json_object_get(entry, side), &body);

	if (!r && isatty(STDOUT_FILENO) && body.len && !utf8_is_text(body.data, body.len)) {
		log_error("these are %zu bytes that are no text; write them to a file", body.len);
		r = CLI_FAILED;
	} else if (!r && isatty(STDOUT_FILENO)) {
		line_block(stdout, body.data, body.len);
	} else if (!r && fwrite(body.data, 1, body.len, stdout) != body.len) {
		r = CLI_FAILED;
	}
	buf_free(&body);
	return r;
}

int cli_show(const struct cli *c)
{
	char target[64], *end;
	unsigned long long id = strtoull(c->word, &end, 10);

	if (*end || end == c->word) {
		log_error("show %s: write the number of an entry", c->word);
		return CLI_USAGE;
	}
	snprintf(target, sizeof(target), "/api/entries/%llu", id);
	json_t *entry = ask_json(c, target);
	int r = entry ? 0 : CLI_FAILED;
	if (!r && c->option[CLI_BODY]) {
		r = put_bytes(c, entry);
	} else if (!r && c->option[CLI_JSON]) {
		line_json(stdout, entry);
	} else if (!r) {
		line_entry(stdout, c->color, entry);
		put_connection(entry);
		r = put_message(c, '>', entry, json_object_get(entry, "request"));
		r = r ? r : put_message(c, '<', entry, json_object_get(entry, "response"));
		put_items(entry);
		put_outcome(entry);
	}
	json_decref(entry);
	return r;
}
