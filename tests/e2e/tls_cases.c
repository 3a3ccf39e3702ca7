// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program that uses OpenSSL in all the ways that are hard to watch: tls_cases CASE... Both ends
 * of each connection are here. For every exchange a line tells what must be shown:
 *     PATH CLIENT-PORT SERVER-PORT SEED REQUEST-BODY-LENGTH RESPONSE-BODY-LENGTH
 * where byte i of a body is that of the lines "%08x%07x\n" of seed and line number.
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

/* How bytes are written and read; 0 and false: in one call of the plain kind. */
struct way {
	size_t step; /* bytes of one write */
	bool ex, partial, moving, peek, idle, threads;
	int buffer; /* SO_SNDBUF and SO_RCVBUF */
};

struct link {
	SSL *client, *server;
	int client_fd, server_fd;
	unsigned client_port, server_port;
};

static SSL_CTX *client_ctx, *server_ctx;
static const struct way plain = { 0 };

static void must(bool ok, const char *what)
{
	if (!ok)
		errx(1, "%s", what);
}

static SSL_CTX *make_server_ctx(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_set_pubkey(cert, key);
	X509_sign(cert, key, EVP_sha256());
	must(SSL_CTX_use_certificate(ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1,
	     "certificate");
	return ctx;
}

static unsigned port_of(int fd)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	getsockname(fd, (struct sockaddr *)&a, &len);
	return ntohs(a.sin_port);
}

/* Two connected TCP sockets over loopback. */
static void connect_pair(int fds[2], int buffer)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (buffer)
		setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	must(!bind(listener, (struct sockaddr *)&a, len) && !listen(listener, 1), "listen");
	getsockname(listener, (struct sockaddr *)&a, &len);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (buffer)
		setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	must(!connect(fds[0], (struct sockaddr *)&a, len), "connect");
	fds[1] = accept(listener, NULL, NULL);
	setsockopt(fds[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fds[1], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	close(listener);
}

static void set_blocking(const struct link *l, bool blocking)
{
	fcntl(l->client_fd, F_SETFL, blocking ? 0 : O_NONBLOCK);
	fcntl(l->server_fd, F_SETFL, blocking ? 0 : O_NONBLOCK);
}

static void link_handshake(struct link *l)
{
	int a = 0, b = 0;

	while (a != 1 || b != 1) {
		a = SSL_do_handshake(l->client);
		b = SSL_do_handshake(l->server);
		must(a == 1 || SSL_get_error(l->client, a) == SSL_ERROR_WANT_READ, "handshake");
	}
}

/* Sockets below two SSLs; those of `l` are used again when they are there. */
static void link_sockets(struct link *l, const struct way *w)
{
	int fds[2];

	connect_pair(fds, w->buffer);
	l->client_fd = fds[0];
	l->server_fd = fds[1];
	l->client_port = port_of(fds[0]);
	l->server_port = port_of(fds[1]);
	if (!l->client) {
		l->client = SSL_new(client_ctx);
		l->server = SSL_new(server_ctx);
	}
	SSL_set_fd(l->client, fds[0]);
	SSL_set_fd(l->server, fds[1]);
	SSL_set_connect_state(l->client);
	SSL_set_accept_state(l->server);
	set_blocking(l, false);
}

static struct link link_open(const struct way *w)
{
	struct link l = { 0 };
	long mode = (w->partial ? SSL_MODE_ENABLE_PARTIAL_WRITE : 0) |
		    (w->moving ? SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER : 0);

	link_sockets(&l, w);
	SSL_set_mode(l.client, mode);
	SSL_set_mode(l.server, mode);
	link_handshake(&l);
	return l;
}

static void link_close(struct link *l)
{
	SSL_free(l->client);
	SSL_free(l->server);
	close(l->client_fd);
	close(l->server_fd);
}

/* Bytes taken by one write, 0 when it must be tried again. */
static size_t put(SSL *ssl, const char *data, size_t len, const struct way *w)
{
	size_t n = 0;
	int r;

	if (w->step && len > w->step)
		len = w->step;
	char *copy = w->moving ? malloc(len) : NULL;
	if (copy)
		data = memcpy(copy, data, len);
	if (w->ex) {
		r = SSL_write_ex(ssl, data, len, &n);
	} else {
		r = SSL_write(ssl, data, (int)len);
		n = r > 0 ? (size_t)r : 0;
	}
	must(r > 0 || SSL_get_error(ssl, r) == SSL_ERROR_WANT_WRITE, "write");
	if (copy)
		memset(copy, '!', len);
	free(copy);
	return n;
}

static void peek(SSL *ssl, char *buf, size_t room)
{
	size_t n;

	SSL_peek(ssl, buf, (int)room);
	SSL_peek_ex(ssl, buf, room / 2 + 1, &n);
	SSL_peek(ssl, buf, 1);
}

static size_t take(SSL *ssl, char *buf, size_t room, const struct way *w)
{
	size_t n = 0;
	int r;

	if (w->peek)
		peek(ssl, buf, room);
	if (w->idle) {
		SSL_read_ex(ssl, buf, 0, &n);
		SSL_write_ex(ssl, buf, 0, &n);
		n = 0;
	}
	if (w->ex)
		r = SSL_read_ex(ssl, buf, room, &n);
	else
		n = (r = SSL_read(ssl, buf, (int)room)) > 0 ? (size_t)r : 0;
	must(r > 0 || SSL_get_error(ssl, r) == SSL_ERROR_WANT_READ, "read");
	return r > 0 ? n : 0;
}

struct message {
	char *data;
	size_t len, head;
};

static struct message make_message(const char *start, unsigned seed, size_t body)
{
	struct message m = { .data = malloc(body + 300) };

	m.head = (size_t)sprintf(m.data, "%s\r\nContent-Length: %zu\r\n\r\n", start, body);
	m.len = m.head + body;
	for (size_t i = 0; i < body; i += 16) {
		char line[32];
		snprintf(line, sizeof(line), "%08x%07x\n", seed, (unsigned)(i / 16));
		memcpy(m.data + m.head + i, line, body - i < 16 ? body - i : 16);
	}
	return m;
}

struct receiver {
	SSL *ssl;
	char *data;
	size_t len;
};

static void *receive(void *arg)
{
	struct receiver *r = arg;

	for (size_t got = 0; got < r->len;)
		got += take(r->ssl, r->data + got, r->len - got, &plain);
	return NULL;
}

/* One blocking call that writes all, while a thread reads. */
static void move_blocking(struct receiver *r, SSL *from, const struct message *m)
{
	pthread_t thread;

	pthread_create(&thread, NULL, receive, r);
	must(SSL_write(from, m->data, (int)m->len) == (int)m->len, "write all");
	pthread_join(thread, NULL);
}

static void move(SSL *from, SSL *to, const struct message *m, const struct way *w)
{
	struct receiver r = { .ssl = to, .data = malloc(m->len + 1), .len = m->len };
	size_t sent = 0, got = 0;

	if (w->threads) {
		move_blocking(&r, from, m);
	} else {
		while (got < m->len) {
			if (sent < m->len)
				sent += put(from, m->data + sent, m->len - sent, w);
			got += take(to, r.data + got, m->len + 1 - got, w);
		}
	}
	must(!memcmp(r.data, m->data, m->len), "what came is not what was sent");
	free(r.data);
}

static void exchange(struct link *l, const struct way *w, const char *name, unsigned seed,
		     size_t ask, size_t answer)
{
	char start[128];

	snprintf(start, sizeof(start), "POST /%s/%u HTTP/1.1\r\nHost: localhost", name, seed);
	struct message m = make_message(start, seed, ask);
	set_blocking(l, w->threads);
	move(l->client, l->server, &m, w);
	free(m.data);
	m = make_message("HTTP/1.1 200 OK", seed, answer);
	move(l->server, l->client, &m, w);
	free(m.data);
	printf("/%s/%u %u %u %u %zu %zu\n", name, seed, l->client_port, l->server_port, seed, ask,
	       answer);
	fflush(stdout);
}

static void one_link(const char *name, const struct way *w, size_t size)
{
	struct link l = link_open(w);

	for (unsigned i = 1; i <= 3; i++)
		exchange(&l, w, name, i, size / i, size / 2 * i / 3);
	link_close(&l);
}

static void case_plain(const char *name)
{
	one_link(name, &plain, 40000);
}

static void case_ex(const char *name)
{
	one_link(name, &(struct way){ .ex = true }, 40000);
}

static void case_partial(const char *name)
{
	one_link(name, &(struct way){ .partial = true, .buffer = 8192 }, 300000);
}

static void case_partial_ex(const char *name)
{
	one_link(name, &(struct way){ .partial = true, .ex = true, .buffer = 8192 }, 300000);
}

/* Calls that want to be made again, from another buffer. */
static void case_retry(const char *name)
{
	one_link(name, &(struct way){ .moving = true, .buffer = 8192 }, 300000);
}

static void case_peek(const char *name)
{
	one_link(name, &(struct way){ .peek = true }, 40000);
}

/* Reads and writes of no bytes, and reads while there is nothing. */
static void case_idle(const char *name)
{
	one_link(name, &(struct way){ .idle = true, .ex = true }, 1000);
}

static void case_bytes(const char *name)
{
	one_link(name, &(struct way){ .step = 1 }, 500);
}

/* One call each way. */
static void case_big(const char *name)
{
	const struct way w = { .threads = true };
	struct link l = link_open(&w);

	exchange(&l, &w, name, 5, 5000000, 700000);
	exchange(&l, &w, name, 50, 1000, 50000000);
	exchange(&l, &w, name, 1, 1000, 1000);
	link_close(&l);
}

/* The same addresses of SSLs, other sockets. */
static void case_reuse(const char *name)
{
	for (unsigned i = 1; i <= 150; i++) {
		struct link l = link_open(&plain);
		exchange(&l, &plain, name, i, 100, 100);
		link_close(&l);
	}
}

/* The same SSLs without SSL_free in between. */
static void case_clear(const char *name)
{
	struct link l = link_open(&plain);

	for (unsigned i = 1; i <= 5; i++) {
		exchange(&l, &plain, name, i, 100, 100);
		close(l.client_fd);
		close(l.server_fd);
		SSL_clear(l.client);
		SSL_clear(l.server);
		link_sockets(&l, &plain);
		link_handshake(&l);
	}
	link_close(&l);
}

struct worker {
	pthread_t thread;
	const char *name;
	unsigned number;
};

static void *work(void *arg)
{
	const struct worker *w = arg;

	for (unsigned i = 1; i <= 10; i++) {
		struct link l = link_open(&plain);
		exchange(&l, &plain, w->name, w->number * 1000 + i * 10, 20000 + i, 5000);
		exchange(&l, &plain, w->name, w->number * 1000 + i * 10 + 1, 100, 30000 + i);
		link_close(&l);
	}
	return NULL;
}

static void case_threads(const char *name)
{
	struct worker w[8];

	for (unsigned i = 0; i < 8; i++) {
		w[i] = (struct worker){ .name = name, .number = i + 1 };
		pthread_create(&w[i].thread, NULL, work, &w[i]);
	}
	for (unsigned i = 0; i < 8; i++)
		pthread_join(w[i].thread, NULL);
}

/* The parent shakes hands, its child goes on; the SSLs have the same addresses in both. */
static void case_fork(const char *name)
{
	struct link first = link_open(&plain), second = link_open(&plain);

	exchange(&first, &plain, name, 1, 100, 200);
	fflush(stdout);
	pid_t pid = fork();
	struct link *l = pid ? &second : &first;
	exchange(l, &plain, name, pid ? 2 : 3, 300, 400);
	exchange(l, &plain, name, pid ? 4 : 5, 300, 400);
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	link_close(&first);
	link_close(&second);
}

static BIO *bio_on(SSL *outer)
{
	BIO *bio = BIO_new(BIO_f_ssl());

	BIO_set_ssl(bio, outer, BIO_NOCLOSE);
	return bio;
}

/* What is inside has no socket of its own. */
static void case_inside(const char *name)
{
	struct link outer = link_open(&plain), inner = outer;
	BIO *a = bio_on(outer.client), *b = bio_on(outer.server);

	inner.client = SSL_new(client_ctx);
	inner.server = SSL_new(server_ctx);
	SSL_set_bio(inner.client, a, a);
	SSL_set_bio(inner.server, b, b);
	SSL_set_connect_state(inner.client);
	SSL_set_accept_state(inner.server);
	link_handshake(&inner);
	exchange(&inner, &plain, name, 1, 100, 20000);
	SSL_free(inner.client);
	SSL_free(inner.server);
	link_close(&outer);
}

static __thread int log_fd = -1;

static void log_event(const SSL *ssl, int where, int value)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%s %d %d\n", SSL_state_string(ssl), where, value);

	if (send(log_fd, line, (size_t)n, 0) < 0)
		warn("log");
}

/* A program that tells a log server of its handshake, from inside of SSL_read and SSL_write. */
static void case_logger(const char *name)
{
	struct link l = { 0 };
	int log_pair[2];

	connect_pair(log_pair, 0);
	log_fd = log_pair[0];
	for (unsigned i = 1; i <= 5; i++) {
		l = (struct link){ 0 };
		link_sockets(&l, &plain);
		SSL_set_info_callback(l.client, log_event);
		SSL_set_info_callback(l.server, log_event);
		for (int n = 0; n < 6; n++) { /* a handshake made by SSL_read alone */
			char c;
			SSL_read(l.client, &c, 1);
			SSL_read(l.server, &c, 1);
		}
		exchange(&l, &plain, name, i, 100, 100);
		link_close(&l);
	}
	close(log_pair[0]);
	close(log_pair[1]);
}

static jmp_buf away;

static void jump(const SSL *ssl, int where, int value)
{
	(void)ssl, (void)value;
	if (where & SSL_CB_HANDSHAKE_START)
		longjmp(away, 1);
}

/* Calls that never return; the thread goes on with others. */
static void case_longjmp(const char *name)
{
	for (volatile unsigned i = 1; i <= 9; i++) {
		struct link left = { 0 };
		char c;
		link_sockets(&left, &plain);
		SSL_set_info_callback(left.client, jump);
		if (!setjmp(away))
			SSL_read(left.client, &c, 1);
		close(left.client_fd);
		close(left.server_fd);
		struct link l = link_open(&plain);
		exchange(&l, &plain, name, i, 100, 100);
		link_close(&l);
	}
}

static const struct {
	const char *name;
	void (*run)(const char *name);
} cases[] = {
	{ "plain", case_plain },     { "ex", case_ex },
	{ "partial", case_partial }, { "partial-ex", case_partial_ex },
	{ "retry", case_retry },     { "peek", case_peek },
	{ "idle", case_idle },	     { "bytes", case_bytes },
	{ "big", case_big },	     { "reuse", case_reuse },
	{ "clear", case_clear },     { "threads", case_threads },
	{ "fork", case_fork },	     { "inside", case_inside },
	{ "logger", case_logger },   { "longjmp", case_longjmp },
};

int main(int argc, char **argv)
{
	client_ctx = SSL_CTX_new(TLS_client_method());
	server_ctx = make_server_ctx();
	SSL_CTX_set_session_cache_mode(server_ctx, SSL_SESS_CACHE_OFF);
	for (int i = 1; i < argc; i++)
		for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++)
			if (!strcmp(argv[i], cases[k].name))
				cases[k].run(argv[i]);
	SSL_CTX_free(client_ctx);
	SSL_CTX_free(server_ctx);
	return 0;
}
