// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/api.h"
#include "base/limits.h"

struct complaint {
	char *text;
	size_t size;
};

static int fail(const struct complaint *c, int r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(const struct complaint *c, int r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->text, c->size, fmt, ap);
	va_end(ap);
	return r;
}

static int parse_port(const char *text, uint16_t *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n > 65535)
		return -EINVAL;
	*ret = (uint16_t)n;
	return 0;
}

/* ADDR:PORT or [ADDR]:PORT; localhost is 127.0.0.1. */
static int parse_listen(const char *text, struct sockaddr_storage *ret, socklen_t *ret_size,
			bool *ret_loopback)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	const char *colon = strrchr(text, ':');
	char host[64];
	uint16_t port;

	if (!colon || (size_t)(colon - text) >= sizeof(host) || parse_port(colon + 1, &port))
		return -EINVAL;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	memset(ret, 0, sizeof(*ret));
	size_t n = strlen(host);
	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		*in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
		*ret_size = sizeof(*in6);
		if (inet_pton(AF_INET6, host + 1, &in6->sin6_addr) != 1)
			return -EINVAL;
		*ret_loopback = IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
		return 0;
	}
	*in4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
	*ret_size = sizeof(*in4);
	if (inet_pton(AF_INET, strcmp(host, "localhost") ? host : "127.0.0.1", &in4->sin_addr) != 1)
		return -EINVAL;
	*ret_loopback = ntohl(in4->sin_addr.s_addr) >> 24 == 127;
	return 0;
}

static int bind_tcp(const struct api_options *o, struct api_sockets *s, const struct complaint *c)
{
	struct sockaddr_storage a;
	socklen_t size;
	int on = 1;

	if (parse_listen(o->listen, &a, &size, &s->loopback))
		return fail(c, -EINVAL, "listen on \"%s\": write ADDRESS:PORT or [ADDRESS]:PORT",
			    o->listen);
	if (!s->loopback && !s->cert.len && !o->allow_plain_remote)
		return fail(c, -EPERM,
			    "listen on %s: other machines could read the traffic and the token on "
			    "the way; give --tls-cert and --tls-key (or --allow-plain)",
			    o->listen);
	s->tcp = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->tcp < 0)
		return fail(c, -errno, "listen on %s: %s", o->listen, strerror(errno));
	setsockopt(s->tcp, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(s->tcp, (struct sockaddr *)&a, size) || listen(s->tcp, LIMIT_HTTP_CONNS) ||
	    getsockname(s->tcp, (struct sockaddr *)&a, &size))
		return fail(c, -errno, "listen on %s: %s%s", o->listen, strerror(errno),
			    errno == EADDRINUSE ? "; is another cleartap running?" : "");
	s->port = ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
						: ((struct sockaddr_in *)&a)->sin_port);
	return 0;
}

/* A socket file that nobody listens on any more is left from an unclean end. */
static void remove_stale(const struct sockaddr_un *a)
{
	struct stat st;
	int fd;

	if (lstat(a->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) && errno == ECONNREFUSED)
		unlink(a->sun_path);
	close(fd);
}

static int bind_local(const char *path, struct api_sockets *s, const struct complaint *c)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(a.sun_path))
		return fail(c, -ENAMETOOLONG, "listen on %s: longer than %zu bytes", path,
			    sizeof(a.sun_path) - 1);
	strcpy(a.sun_path, path);
	remove_stale(&a);
	s->local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The mode before bind() is the mode of the file that bind() makes: never open to others.
	 */
	if (s->local < 0 || fchmod(s->local, 0600) ||
	    bind(s->local, (struct sockaddr *)&a, sizeof(a)) || listen(s->local, LIMIT_HTTP_CONNS))
		return fail(c, -errno, "listen on %s: %s%s", path, strerror(errno),
			    errno == EADDRINUSE ? "; is another cleartap running?" : "");
	s->path = strdup(path);
	return s->path ? 0 : fail(c, -ENOMEM, "listen on %s: %s", path, strerror(ENOMEM));
}

static int read_pem(const char *path, struct buf *out, const struct complaint *c)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0 && !buf_reserve(out, LIMIT_PEM_BYTES + 1))
		n = read(fd, out->data, LIMIT_PEM_BYTES);
	int r = n < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (r)
		return fail(c, r, "read %s: %s", path, strerror(-r));
	if (!n || n == LIMIT_PEM_BYTES)
		return fail(c, -EINVAL, "read %s: this is no certificate or key", path);
	out->len = (size_t)n;
	out->data[n] = '\0';
	return 0;
}

int api_bind(const struct api_options *o, struct api_sockets **ret, char *error, size_t error_size)
{
	const struct complaint c = { error, error_size };
	struct api_sockets *s = calloc(1, sizeof(*s));
	int r = 0;

	if (!s)
		return fail(&c, -ENOMEM, "%s", strerror(ENOMEM));
	*s = (struct api_sockets){ .tcp = -1, .local = -1 };
	if (!o->tls_cert != !o->tls_key)
		r = fail(&c, -EINVAL, "TLS needs both a certificate and a key");
	if (!r && o->tls_cert)
		r = read_pem(o->tls_cert, &s->cert, &c);
	if (!r && o->tls_key)
		r = read_pem(o->tls_key, &s->key, &c);
	if (!r && o->listen && *o->listen)
		r = bind_tcp(o, s, &c);
	if (!r && o->unix_socket)
		r = bind_local(o->unix_socket, s, &c);
	if (r) {
		api_unbind(s);
		return r;
	}
	*ret = s;
	return 0;
}

void api_unbind(struct api_sockets *s)
{
	if (!s)
		return;
	if (s->tcp >= 0)
		close(s->tcp);
	if (s->local >= 0)
		close(s->local);
	/* Fails without privileges; the tracer removes it then, or the next start. */
	if (s->path)
		unlink(s->path);
	free(s->path);
	if (s->key.cap)
		explicit_bzero(s->key.data, s->key.cap);
	buf_free(&s->cert);
	buf_free(&s->key);
	free(s);
}
