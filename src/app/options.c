// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/options.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/cli.h"

#define CONFIG_DEFAULT	"/etc/cleartap/cleartap.conf"
#define CONFIG_LINE_MAX 4096
#define HELP_COLUMN	28
#define HELP_WIDTH	92

enum kind { KIND_FLAG, KIND_TEXT, KIND_PATH, KIND_SIZE, KIND_TIME, KIND_LIST };

static const struct option {
	const char *name, *argument;
	enum kind kind;
	size_t offset;
	const char *value, *help;
} table[] = {
#define OPTION(name, argument, kind, field, value, help)                                           \
	{ name, argument, KIND_##kind, offsetof(struct options, field), value, help },
#include "app/options.def"
#undef OPTION
};

#define TABLE_SIZE (sizeof(table) / sizeof(*table))

static int parse_scaled(const char *text, const char *units, const uint64_t *scales, uint64_t *ret)
{
	char *end;

	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	if (errno || end == text || !isdigit((unsigned char)*text))
		return -EINVAL;
	uint64_t scale = 1;
	if (*end) {
		const char *unit = strchr(units, *end);
		if (!unit || end[1])
			return -EINVAL;
		scale = scales[unit - units];
	}
	if (n > UINT64_MAX / 2 / scale)
		return -EINVAL;
	*ret = n * scale;
	return 0;
}

static int parse_size(const char *text, uint64_t *ret)
{
	static const uint64_t scales[] = { 1 << 10, 1 << 10, 1 << 20, 1 << 20, 1 << 30, 1 << 30 };

	return parse_scaled(text, "kKmMgG", scales, ret);
}

static int parse_time(const char *text, uint64_t *ret)
{
	static const uint64_t scales[] = { 1, 60, 3600, 86400 };

	return parse_scaled(text, "smhd", scales, ret);
}

static int append(char ***list, const char *value)
{
	size_t n = 0;

	while (*list && (*list)[n])
		n++;
	char **longer = realloc(*list, (n + 2) * sizeof(char *));
	if (!longer)
		return -ENOMEM;
	*list = longer;
	longer[n + 1] = NULL;
	longer[n] = strdup(value);
	return longer[n] ? 0 : -ENOMEM;
}

static int set(struct options *o, const struct option *opt, const char *value)
{
	void *field = (char *)o + opt->offset;

	switch (opt->kind) {
	case KIND_FLAG:
		*(bool *)field = !*value || !strcmp(value, "yes");
		return *(bool *)field || !strcmp(value, "no") ? 0 : -EINVAL;
	case KIND_SIZE:
		return parse_size(value, field);
	case KIND_TIME:
		return parse_time(value, field);
	case KIND_LIST:
		return *value ? append(field, value) : 0;
	default:
		free(*(char **)field);
		*(char **)field = opt->kind == KIND_PATH && !*value ? NULL : strdup(value);
		return *(char **)field || opt->kind == KIND_PATH ? 0 : -ENOMEM;
	}
}

static const struct option *find(const char *name, size_t len)
{
	for (size_t i = 0; i < TABLE_SIZE; i++)
		if (strlen(table[i].name) == len && !strncmp(table[i].name, name, len))
			return &table[i];
	return NULL;
}

static int set_checked(struct options *o, const struct option *opt, const char *value, char *error,
		       size_t size)
{
	static const char *const wants[] = { "yes or no",
					     "a text",
					     "a path",
					     "a size such as 64K, 16M or 2G",
					     "a time such as 30s, 10m, 12h or 7d",
					     "a text" };
	int r = set(o, opt, value);

	if (r)
		snprintf(error, size, "option %s: '%s' is not %s", opt->name, value,
			 wants[opt->kind]);
	return r;
}

static char *trim(char *s)
{
	s += strspn(s, " \t");
	for (size_t n = strlen(s); n && isspace((unsigned char)s[n - 1]);)
		s[--n] = '\0';
	return s;
}

static int read_line(struct options *o, char *line, char *error, size_t size)
{
	char *text = trim(line), *equals = strchr(text, '=');

	if (!*text || *text == '#')
		return 0;
	if (equals)
		*equals = '\0';
	char *name = trim(text);
	const struct option *opt = find(name, strlen(name));
	if (!opt) {
		snprintf(error, size, "unknown option '%s'", name);
		return -EINVAL;
	}
	return set_checked(o, opt, equals ? trim(equals + 1) : "", error, size);
}

static int read_config(struct options *o, const char *path, bool must_exist, char *error,
		       size_t size)
{
	char line[CONFIG_LINE_MAX], what[CONFIG_LINE_MAX + 128];
	FILE *f = fopen(path, "re");
	int r = 0;

	if (!f) {
		if (errno == ENOENT && !must_exist)
			return 0;
		r = -errno;
		snprintf(error, size, "read %s: %s", path, strerror(errno));
		return r;
	}
	for (unsigned n = 1; !r && fgets(line, sizeof(line), f); n++) {
		r = read_line(o, line, what, sizeof(what));
		if (r)
			snprintf(error, size, "%s line %u: %s", path, n, what);
	}
	fclose(f);
	return r;
}

/* One argument, or two: "--name", "--name=value", "--name value". *at moves past them. */
static int read_argument(struct options *o, int argc, const char *const *argv, int *at, char *error,
			 size_t size)
{
	const char *arg = argv[*at];

	if (!strcmp(arg, "-h"))
		arg = "--help";
	else if (!strcmp(arg, "-V"))
		arg = "--version";
	else if (!strcmp(arg, "-v"))
		arg = "--verbose";
	size_t len = strcspn(arg, "=");
	const struct option *opt =
		len > 2 && !strncmp(arg, "--", 2) ? find(arg + 2, len - 2) : NULL;
	if (!opt) {
		snprintf(error, size, "unknown option '%s'; see cleartap --help", arg);
		return -EINVAL;
	}
	++*at;
	if (arg[len] == '=')
		return set_checked(o, opt, arg + len + 1, error, size);
	if (opt->kind == KIND_FLAG)
		return set_checked(o, opt, "", error, size);
	if (*at >= argc) {
		snprintf(error, size, "option --%s wants %s", opt->name, opt->argument);
		return -EINVAL;
	}
	return set_checked(o, opt, argv[(*at)++], error, size);
}

static const char *config_of(int argc, const char *const *argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "--config=", 9))
			return argv[i] + 9;
		if (!strcmp(argv[i], "--config") && i + 1 < argc)
			return argv[i + 1];
	}
	return NULL;
}

static bool all_pids(char **list)
{
	for (; list && *list; list++)
		if (strspn(*list, "0123456789") != strlen(*list) || strtoul(*list, NULL, 10) == 0)
			return false;
	return true;
}

static bool all_container_ids(char **list)
{
	for (; list && *list; list++)
		if (strspn(*list, "0123456789abcdef") != strlen(*list) || strlen(*list) < 12)
			return false;
	return true;
}

/* A bracket that is not closed, or a last backslash, would match nothing. */
static bool is_glob(const char *p)
{
	if (!*p)
		return false;
	for (; *p; p++) {
		if (*p == '\\') {
			if (!*++p)
				return false;
			continue;
		}
		if (*p != '[')
			continue;
		const char *from = p + 1 + (p[1] == '!' || p[1] == '^');
		p = *from ? strchr(from + 1, ']') : NULL;
		if (!p)
			return false;
	}
	return true;
}

static bool all_globs(char **list)
{
	for (; list && *list; list++)
		if (!is_glob(*list))
			return false;
	return true;
}

static bool is_listener(const char *text)
{
	const char *colon = strrchr(text, ':');
	char *end;

	if (!strcmp(text, "none"))
		return true;
	unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;
	return colon && colon != text && isdigit((unsigned char)colon[1]) && !*end && port < 65536;
}

/* What the kinds of the table do not tell. */
static int check_values(const struct options *o, char *error, size_t size)
{
	const char *wrong = NULL;

	if (strcmp(o->probes, "auto") && strcmp(o->probes, "multi") && strcmp(o->probes, "perf"))
		wrong = "option probes: the value is not one of auto, multi, perf";
	else if (strcmp(o->wire, "auto") && strcmp(o->wire, "packet"))
		wrong = "option wire: the value is not one of auto, packet";
	else if (o->keep_packets && !strcmp(o->wire, "packet"))
		wrong = "--keep-packets keeps what is seen at cgroup2, and --wire packet looks "
			"elsewhere";
	else if (o->ring_size < 64 << 10 || o->ring_size > 1 << 30 ||
		 (o->ring_size & (o->ring_size - 1)))
		wrong = "option ring-size: the size must be a power of two from 64K to 1G";
	else if (!all_pids(o->pids))
		wrong = "option pid: the value is not a process id";
	else if (!all_globs(o->exes))
		wrong = "option exe: the value is not a pattern (a [ that is not closed, or a last "
			"\\)";
	else if (!all_container_ids(o->containers))
		wrong = "option container: an id is at least 12 hexadecimal digits";
	else if (!is_listener(o->listen))
		wrong = "option listen: the value is not ADDR:PORT (127.0.0.1:8899) or none";
	else if (!strcmp(o->listen, "none") && !o->unix_socket)
		wrong = "nothing to serve on: --listen none needs --unix-socket";
	else if (!o->tls_cert != !o->tls_key)
		wrong = "--tls-cert and --tls-key go together";
	else if (o->keep_packets && o->keep_packets < 1 << 20)
		wrong = "option keep-packets: the size must be 0 or at least 1M";
	else if (o->keep_packets && o->no_wire)
		wrong = "--keep-packets keeps what the wire has, and --no-wire does not look at it";
	else if (o->keylog && !o->read && !o->keep_packets)
		wrong = "--keylog is for --read and --keep-packets";
	else if (o->read && (o->pids || o->exes || o->containers))
		wrong = "--read looks at a file: --pid, --exe and --container are for programs";
	else if (!o->store)
		wrong = "option store: a path is needed";
	if (wrong)
		snprintf(error, size, "%s", wrong);
	return wrong ? -EINVAL : 0;
}

int options_parse(int argc, const char *const *argv, struct options *ret, char *error, size_t size)
{
	const char *config = config_of(argc, argv);
	int r = 0;

	*ret = (struct options){ 0 };
	for (size_t i = 0; !r && i < TABLE_SIZE; i++)
		if (table[i].kind != KIND_FLAG)
			r = set(ret, &table[i], table[i].value);
	if (!r)
		r = read_config(ret, config ? config : CONFIG_DEFAULT, config != NULL, error, size);
	for (int at = 1; !r && at < argc;)
		r = read_argument(ret, argc, argv, &at, error, size);
	return r ? r : check_values(ret, error, size);
}

bool options_is_default(const struct options *o, const char *name)
{
	const struct option *opt = find(name, strlen(name));
	const char *value = *(char *const *)((const char *)o + opt->offset);

	return !strcmp(value ? value : "", opt->value);
}

static void put_list(struct buf *out, const char *option, char *const *list)
{
	for (; list && *list; list++)
		buf_printf(out, "%s--%s %s", out->len ? " " : "", option, *list);
}

void options_put_scope(const struct options *o, struct buf *out)
{
	put_list(out, "exe", o->exes);
	put_list(out, "pid", o->pids);
	put_list(out, "container", o->containers);
	buf_putc(out, '\0');
}

void options_free(struct options *o)
{
	for (size_t i = 0; i < TABLE_SIZE; i++) {
		void *field = (char *)o + table[i].offset;
		if (table[i].kind == KIND_TEXT || table[i].kind == KIND_PATH)
			free(*(char **)field);
		if (table[i].kind != KIND_LIST)
			continue;
		for (char **p = *(char ***)field; p && *p; p++)
			free(*p);
		free(*(char ***)field);
	}
	*o = (struct options){ 0 };
}

static void print_wrapped(FILE *out, const char *text)
{
	int column = HELP_COLUMN;

	while (*text) {
		int n = (int)strcspn(text, " ");
		if (column + n > HELP_WIDTH) {
			fprintf(out, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
		}
		fprintf(out, "%.*s ", n, text);
		column += n + 1;
		text += n + (text[n] == ' ');
	}
	fputc('\n', out);
}

void options_print_help(FILE *out)
{
	fputs("usage: cleartap [OPTION]...\n\n"
	      "Shows the TLS traffic of this machine in clear text, live, in a browser.\n"
	      "These ask the one that runs (each has a --help):\n\n",
	      out);
	cli_print_commands(out);
	fputs("\n", out);
	for (size_t i = 0; i < TABLE_SIZE; i++) {
		const struct option *o = &table[i];
		char left[64], help[1024];
		snprintf(left, sizeof(left), "  --%s %s", o->name, o->argument);
		bool shown = *o->value && strcmp(o->value, "auto");
		snprintf(help, sizeof(help), "%s%s%s%s", o->help, shown ? " Default: " : "",
			 shown ? o->value : "", shown ? "." : "");
		fprintf(out, "%-*s", HELP_COLUMN, left);
		if (strlen(left) >= HELP_COLUMN)
			fprintf(out, "\n%*s", HELP_COLUMN, "");
		print_wrapped(out, help);
	}
	fputs("\nExit status: 0 after SIGINT or SIGTERM, 1 could not start, 2 wrong usage,\n"
	      "3 the serving process ended, 4 the tracing process ended.\n",
	      out);
}
