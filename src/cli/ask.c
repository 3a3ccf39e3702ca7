// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/ask.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/runtime.h"
#include "cli/line.h"

static int connect_to(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)&a, sizeof(a)))
		return fd;
	int r = -errno;
	close(fd);
	return r;
}

/* Sockets in /run/cleartap that answer: how many, and the last one's descriptor. */
static int connect_any(int *ret_fd)
{
	DIR *dir = opendir(RUNTIME_FOLDER);
	int found = 0;

	*ret_fd = dir ? -ENOENT : -errno;
	for (struct dirent *d; dir && (d = readdir(dir));) {
		char path[512];
		if (strncmp(d->d_name, "socket", 6) != 0) /* of any run, or of the unit */
			continue;
		snprintf(path, sizeof(path), RUNTIME_FOLDER "/%s", d->d_name);
		int fd = connect_to(path);
		if (fd < 0)
			continue;
		if (found++)
			close(*ret_fd);
		*ret_fd = fd;
	}
	if (dir)
		closedir(dir);
	return found;
}

static int connect_one(const struct cli *c)
{
	const char *path = c->option[CLI_SOCKET];
	int fd, found;

	if (path) {
		fd = connect_to(path);
		if (fd < 0)
			log_error("ask cleartap at %s: %s%s", path, strerror(-fd),
				  fd == -ECONNREFUSED || fd == -ENOENT ? "; is it running?" : "");
		return fd;
	}
	found = connect_any(&fd);
	if (found == 1)
		return fd;
	if (found)
		close(fd);
	if (found > 1)
		log_error("%d cleartaps run here; name the --socket of one: " RUNTIME_FOLDER
			  "/" RUNTIME_SOCKET "PID",
			  found);
	else if (fd == -EACCES)
		log_error("only root may ask the cleartap of this machine (or name a --socket)");
	else
		log_error("no cleartap runs here; start one, or name its --socket");
	return -ENOENT;
}

/* What stands in the problem (RFC 9457), with a mark where the filter is wrong. */
static void tell_problem(FILE *in, unsigned status)
{
	json_t *problem = json_loadf(in, JSON_DISABLE_EOF_CHECK, NULL);
	const char *detail = json_string_value(json_object_get(problem, "detail"));
	json_int_t column = json_integer_value(json_object_get(problem, "column"));

	if (detail && column)
		log_error("%s (column %lld of the filter)", detail, (long long)column);
	else if (detail)
		log_error("%s", detail);
	else
		log_error("cleartap answers with status %u", status);
	json_decref(problem);
}

/* The head of the answer: its status, 0 where there is none. */
static unsigned read_head(FILE *in)
{
	char *line = NULL;
	size_t room = 0;
	unsigned status = 0;

	while (getline(&line, &room, in) > 0 && strcmp(line, "\r\n")) {
		if (!status && sscanf(line, "HTTP/1.%*1[01] %3u", &status) != 1)
			break;
	}
	free(line);
	return status;
}

FILE *ask_open(const struct cli *c, const char *target)
{
	int fd = connect_one(c);
	FILE *in = fd < 0 ? NULL : fdopen(fd, "r");

	if (!in)
		return NULL;
	if (dprintf(fd, "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", target) < 0) {
		log_error("ask cleartap: %s", strerror(errno));
		fclose(in);
		return NULL;
	}
	unsigned status = read_head(in);
	if (status == 200)
		return in;
	if (status)
		tell_problem(in, status);
	else
		log_error("no answer from cleartap: it ended, or this is not its socket");
	fclose(in);
	return NULL;
}

json_t *ask_json(const struct cli *c, const char *target)
{
	FILE *in = ask_open(c, target);
	json_error_t error;

	if (!in)
		return NULL;
	json_t *v = json_loadf(in, JSON_ALLOW_NUL, &error);
	fclose(in);
	if (!v)
		log_error("the answer is cut: %s", error.text);
	return v;
}

static int put_encoded(struct buf *out, const char *text)
{
	int r = 0;

	for (; !r && *text; text++)
		r = isalnum((unsigned char)*text) ? buf_putc(out, *text)
						  : buf_printf(out, "%%%02X", (unsigned char)*text);
	return r;
}

static bool is_time(const char *text)
{
	size_t n = strspn(text, "0123456789");

	return n && strchr("smhd", text[n]) && text[n] && !text[n + 1];
}

int ask_filter(const struct cli *c, struct buf *ret)
{
	const char *since = c->option[CLI_SINCE];
	struct buf text = { 0 };

	if (since && !is_time(since)) {
		log_error("--since %s: write a number and s, m, h or d", since);
		return CLI_USAGE;
	}
	if (c->word && since)
		buf_printf(&text, "(%s) and ", c->word);
	else if (c->word)
		buf_puts(&text, c->word);
	if (since)
		buf_printf(&text, "timestamp >= now() - duration(\"%s\")", since);
	int r = put_encoded(ret, buf_cstr(&text)) || !buf_cstr(ret);
	buf_free(&text);
	if (r)
		log_error("out of memory");
	return r ? CLI_FAILED : 0;
}

void ask_put_entry(const struct cli *c, const json_t *entry)
{
	if (c->option[CLI_JSON])
		line_json(stdout, entry);
	else
		line_entry(stdout, c->color, entry);
}

int ask_lines(const struct cli *c, uint64_t preset, uint64_t most, uint64_t *ret)
{
	const char *lines = c->option[CLI_LINES];
	char *end;

	*ret = preset;
	if (!lines)
		return 0;
	*ret = strtoull(lines, &end, 10);
	if (*lines >= '0' && *lines <= '9' && !*end && *ret <= most)
		return 0;
	log_error("--lines %s: write a number, at most %" PRIu64, lines, most);
	return CLI_USAGE;
}
