/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cleartap tail, show, ...: what a running cleartap knows, in a terminal. No privilege of its own.
 */
#ifndef CLEARTAP_CLI_H
#define CLEARTAP_CLI_H

#include <stdbool.h>
#include <stdio.h>

enum { CLI_FOUND, CLI_NOTHING, CLI_USAGE, CLI_FAILED };

enum cli_option {
#define COMMAND(name, arguments, least, most, help)
#define CLI_OPTION(id, name, letter, argument, commands, help) CLI_##id,
#include "cli/cli.def"
#undef COMMAND
#undef CLI_OPTION
	CLI_OPTIONS
};

/* As given; what was not given is NULL, a flag is "". */
struct cli {
	const char *option[CLI_OPTIONS];
	const char *word; /* KFL, an id, a name: NULL none */
	bool color;
};

/* Is argv[1] one of the commands? Then it runs, and *ret_status is the exit status. */
bool cli_main(int argc, char **argv, int *ret_status);
/* The names of all commands with a line each, for --help. */
void cli_print_commands(FILE *out);

int cli_tail(const struct cli *c);
int cli_show(const struct cli *c);
int cli_query(const struct cli *c);
int cli_endpoints(const struct cli *c);
int cli_why(const struct cli *c);

#endif
