// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static const struct cli_command {
	const char *name, *arguments;
	int least, most;
	const char *help;
	int (*run)(const struct cli *c);
} commands[] = {
#define COMMAND(name, arguments, least, most, help)                                                \
	{ #name, arguments, least, most, help, cli_##name },
#define CLI_OPTION(id, name, letter, argument, commands, help)
#include "cli/cli.def"
#undef COMMAND
#undef CLI_OPTION
};

static const struct cli_row {
	const char *name;
	char letter;
	const char *argument, *commands, *help;
} rows[CLI_OPTIONS] = {
#define COMMAND(name, arguments, least, most, help)
#define CLI_OPTION(id, name, letter, argument, commands, help)                                     \
	[CLI_##id] = { name, letter, argument, commands, help },
#include "cli/cli.def"
#undef COMMAND
#undef CLI_OPTION
};

static const struct cli_command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* Is the command's name one of the words of this row's commands? */
static bool has_option(const struct cli_row *row, const struct cli_command *command)
{
	size_t n = strlen(command->name);

	if (*row->commands == '*')
		return true;
	for (const char *p = row->commands; *p; p += strcspn(p, " "), p += *p == ' ')
		if (!strncmp(p, command->name, n) && (!p[n] || p[n] == ' '))
			return true;
	return false;
}

static void print_help(const struct cli_command *command)
{
	printf("usage: cleartap %s [OPTION]... %s\n\n%s\n\n", command->name, command->arguments,
	       command->help);
	for (size_t i = 0; i < CLI_OPTIONS; i++) {
		char left[64], letter[8] = "";
		if (!has_option(&rows[i], command))
			continue;
		if (rows[i].letter)
			snprintf(letter, sizeof(letter), "-%c, ", rows[i].letter);
		snprintf(left, sizeof(left), "  %s--%s %s", letter, rows[i].name, rows[i].argument);
		printf("%-26s%s\n", left, rows[i].help);
	}
	puts("\nExit status: 0, 1 nothing matched, 2 wrong usage, 3 no answer.");
}

void cli_print_commands(FILE *out)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		char left[64];
		snprintf(left, sizeof(left), "  cleartap %s %s", commands[i].name,
			 commands[i].arguments);
		fprintf(out, "%-26s%s\n", left, commands[i].help);
	}
}

/* The table in the form of getopt_long(); the value of an option is its row + 256. */
static void make_options(const struct cli_command *command, struct option *ret, char *ret_letters)
{
	for (size_t i = 0; i < CLI_OPTIONS; i++) {
		const struct cli_row *row = &rows[i];
		if (!has_option(row, command))
			continue;
		*ret++ = (struct option){ row->name, *row->argument != '\0', NULL, 256 + (int)i };
		if (!row->letter)
			continue;
		*ret_letters++ = row->letter;
		if (*row->argument)
			*ret_letters++ = ':';
	}
	*ret = (struct option){ 0 };
	*ret_letters = '\0';
}

static int row_of(int opt)
{
	if (opt >= 256)
		return opt - 256;
	for (int i = 0; i < CLI_OPTIONS; i++)
		if (rows[i].letter && rows[i].letter == opt)
			return i;
	return -1;
}

static int parse(const struct cli_command *command, int argc, char **argv, struct cli *c)
{
	struct option options[CLI_OPTIONS + 1];
	char letters[2 * CLI_OPTIONS + 1];
	int opt;

	make_options(command, options, letters);
	while ((opt = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		int row = row_of(opt);
		if (row < 0) {
			fprintf(stderr, "cleartap: see cleartap %s --help\n", command->name);
			return CLI_USAGE;
		}
		c->option[row] = optarg ? optarg : "";
	}
	int words = argc - optind;
	if (c->option[CLI_HELP] || (words >= command->least && words <= command->most)) {
		c->word = words ? argv[optind] : NULL;
		return 0;
	}
	log_error("%s: write cleartap %s %s%s", command->name, command->name, command->arguments,
		  words > 1 ? ", in quotes" : "");
	return CLI_USAGE;
}

bool cli_main(int argc, char **argv, int *ret_status)
{
	const struct cli_command *command = argc > 1 ? find_command(argv[1]) : NULL;
	struct cli c = { .color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") };

	if (!command)
		return false;
	*ret_status = parse(command, argc - 1, argv + 1, &c);
	if (!*ret_status && c.option[CLI_HELP])
		print_help(command);
	else if (!*ret_status)
		*ret_status = command->run(&c);
	return true;
}
