// SPDX-License-Identifier: GPL-2.0-or-later
/* cleartap why: what Targets and Coverage know of one program. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/line.h"

/* Is it the process that was asked for: by number, by name, by the last part of its path? */
static bool is_meant(const char *word, const json_t *process)
{
	const char *exe = line_string(process, NULL, "exe"), *slash = strrchr(exe, '/');
	char *end;
	unsigned long pid = strtoul(word, &end, 10);

	if (!*end && pid)
		return (json_int_t)pid == line_number(process, NULL, "pid");
	return !strcmp(word, line_string(process, NULL, "process")) || !strcmp(word, exe) ||
	       (slash && !strcmp(word, slash + 1));
}

static void put_file(const json_t *file, const json_t *process)
{
	const char *reason = line_string(file, NULL, "reason");

	line_text(stdout, line_string(process, NULL, "process"));
	printf(" (%" JSON_INTEGER_FORMAT "): ", line_number(process, NULL, "pid"));
	line_text(stdout, line_string(file, NULL, "version"));
	fputs(*line_string(file, NULL, "version") ? " in " : "", stdout);
	line_text(stdout, line_string(file, NULL, "path"));
	printf(": %s", line_string(file, NULL, "state"));
	if (line_number(file, NULL, "hits"))
		printf(", %" JSON_INTEGER_FORMAT " calls by all its processes",
		       line_number(file, NULL, "hits"));
	fputs(*reason ? "; " : "", stdout);
	line_text(stdout, reason);
	putchar('\n');
}

/* Each file that the program has, with its process: [{"target": ..., "process": ...}]. */
static json_t *pick_files(const struct cli *c, json_t *targets)
{
	json_t *found = json_array(), *file, *process;
	size_t i, k;

	json_array_foreach(json_object_get(targets, "targets"), i, file)
	{
		json_array_foreach(json_object_get(file, "processes"), k, process)
		{
			if (is_meant(c->word, process))
				json_array_append_new(found, json_pack("{sOsO}", "target", file,
								       "process", process));
		}
	}
	return found;
}

/* Its rows of the ledger, which has programs by their name. */
static json_t *pick_sums(const struct cli *c, const json_t *files, const json_t *ledger)
{
	const char *name = line_string(json_array_get(files, 0), "process", "process");
	json_t *found = json_array(), *program;
	size_t i;

	json_array_foreach(json_object_get(ledger, "programs"), i, program)
	{
		if (!strcmp(line_string(program, NULL, "process"), *name ? name : c->word))
			json_array_append(found, program);
	}
	return found;
}

static const json_t *find_reason(const json_t *ledger, const char *name)
{
	const json_t *r;
	size_t i;

	json_array_foreach(json_object_get(ledger, "reasons"), i, r)
	{
		if (!strcmp(line_string(r, NULL, "reason"), name))
			return r;
	}
	return NULL;
}

/* What became of its bytes, and what would help. */
static void put_sums(const json_t *ledger, const json_t *program)
{
	const json_t *b;
	size_t i;

	line_text(stdout, line_string(program, NULL, "process"));
	printf(": %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
	       " TLS connections read in clear\n",
	       line_number(program, NULL, "connections_read"),
	       line_number(program, NULL, "connections"));
	json_array_foreach(json_object_get(program, "bytes"), i, b)
	{
		const json_t *r = find_reason(ledger, line_string(b, NULL, "reason"));
		printf("  %12" JSON_INTEGER_FORMAT " bytes sent, %" JSON_INTEGER_FORMAT
		       " received: ",
		       line_number(b, NULL, "sent"), line_number(b, NULL, "received"));
		line_text(stdout, line_string(r, NULL, "sentence"));
		fputs(*line_string(r, NULL, "remedy") ? ". " : "", stdout);
		line_text(stdout, line_string(r, NULL, "remedy"));
		putchar('\n');
	}
}

static void put_all(const json_t *files, const json_t *sums, const json_t *ledger)
{
	const json_t *v;
	size_t i;

	json_array_foreach(files, i, v)
	{
		put_file(json_object_get(v, "target"), json_object_get(v, "process"));
	}
	json_array_foreach(sums, i, v)
	{
		put_sums(ledger, v);
	}
}

int cli_why(const struct cli *c)
{
	json_t *targets = ask_json(c, "/api/targets");
	json_t *coverage = targets ? ask_json(c, "/api/coverage") : NULL;
	const json_t *ledger = json_object_get(coverage, "ledger");
	json_t *files = pick_files(c, targets), *sums = pick_sums(c, files, ledger);
	bool found = json_array_size(files) || json_array_size(sums);

	if (coverage && c->option[CLI_JSON]) {
		json_t *both = json_pack("{sOsO}", "files", files, "ledger", sums);
		line_json(stdout, both);
		json_decref(both);
	} else if (found) {
		put_all(files, sums, ledger);
	} else if (coverage) {
		log_error("nothing is known of %s: no process of that name or number has a TLS "
			  "library that cleartap knows, and no TLS connection of it was seen",
			  c->word);
	}
	json_decref(files);
	json_decref(sums);
	json_decref(targets);
	json_decref(coverage);
	return !coverage ? CLI_FAILED : found ? CLI_FOUND : CLI_NOTHING;
}
