// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program that takes all that a tracer has, and one that only wants to be seen:
 *     hostile_tls connections|churn|flood|requests|processes|threads SECONDS
 *     hostile_tls victim COUNT PER-SECOND     prints how many exchanges /victim/N there were
 *     hostile_tls slow MILLISECONDS           a POST that waits so long in SSL_write
 *     hostile_tls pairs COUNT                 exchanges /pair/N as fast as they go
 */
#include <arpa/inet.h>
#include <err.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#define RENEW	50    /* exchanges of one connection */
#define THREADS 20000 /* more than any tracer has places for */

static SSL_CTX *client_ctx, *server_ctx;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(bool ok, const char *what)
{
	if (!ok)
		errx(1, "%s", what);
}

static void make_contexts(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	client_ctx = SSL_CTX_new(TLS_client_method());
	server_ctx = SSL_CTX_new(TLS_server_method());
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_set_pubkey(cert, key);
	X509_sign(cert, key, EVP_sha256());
	must(SSL_CTX_use_certificate(server_ctx, cert) == 1 &&
		     SSL_CTX_use_PrivateKey(server_ctx, key) == 1,
	     "certificate");
	X509_free(cert);
	EVP_PKEY_free(key);
}

/* Connections that never were: nothing of them is ever freed. */
static void take_connections(double until)
{
	char byte;

	while (now() < until) {
		for (int i = 0; i < 256; i++)
			SSL_read(SSL_new(client_ctx), &byte, 1);
	}
}

static void churn(double until)
{
	char byte;

	while (now() < until) {
		SSL *s = SSL_new(client_ctx);
		SSL_read(s, &byte, 1);
		SSL_free(s);
	}
}

static void take_processes(double until)
{
	while (now() < until) {
		if (!fork()) {
			char byte;
			for (int i = 0; i < 16; i++)
				SSL_read(SSL_new(client_ctx), &byte, 1);
			_exit(0);
		}
		wait(NULL);
	}
}

static void *call_now_and_then(void *until)
{
	SSL *s = SSL_new(client_ctx);
	char byte;

	while (now() < *(const double *)until) {
		SSL_read(s, &byte, 1);
		usleep(300000);
	}
	return NULL;
}

static void take_threads(double until)
{
	pthread_attr_t small;
	pthread_t thread;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread, &small, call_now_and_then, &until))
			break;
	while (now() < until)
		sleep(1);
}

/* Both ends in memory: no kernel slows this down. */
static void memory_pair(SSL *ret[2])
{
	BIO *a, *b;

	must(BIO_new_bio_pair(&a, 1 << 18, &b, 1 << 18), "BIO pair");
	ret[0] = SSL_new(client_ctx);
	ret[1] = SSL_new(server_ctx);
	SSL_set_bio(ret[0], a, a);
	SSL_set_bio(ret[1], b, b);
	SSL_set_connect_state(ret[0]);
	SSL_set_accept_state(ret[1]);
	for (int i = 0; i < 10 && SSL_do_handshake(ret[0]) + SSL_do_handshake(ret[1]) < 2; i++)
		;
}

static void pass(SSL *from, SSL *to, const char *data, int len)
{
	static __thread char into[16384];

	SSL_write(from, data, len);
	for (int have = 0, n = 1; have < len && n > 0; have += n)
		n = SSL_read(to, into, sizeof(into));
}

static void flood(double until, bool requests)
{
	static char data[16384];
	const char *ask = "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n";
	const char *answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
	SSL *s[2];

	memset(data, 'x', sizeof(data));
	memory_pair(s);
	while (now() < until) {
		for (int i = 0; i < 100; i++) {
			pass(s[0], s[1], requests ? ask : data,
			     requests ? (int)strlen(ask) : (int)sizeof(data));
			pass(s[1], s[0], requests ? answer : data,
			     requests ? (int)strlen(answer) : (int)sizeof(data));
		}
	}
}

static int listen_any(struct sockaddr_in *ret)
{
	socklen_t len = sizeof(*ret);
	int fd = socket(AF_INET, SOCK_STREAM, 0), small = 8192;

	*ret = (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	must(!bind(fd, (struct sockaddr *)ret, len) && !listen(fd, 16), "listen");
	getsockname(fd, (struct sockaddr *)ret, &len);
	return fd;
}

/* Bytes up to the end of a head and of a body of `body` bytes. */
static bool read_message(SSL *s, size_t body)
{
	char text[4096];
	size_t have = 0, head = 0;
	int n;

	while ((n = SSL_read(s, text + (head ? 0 : have),
			     (int)(sizeof(text) - (head ? 0 : have)))) > 0) {
		have += (size_t)n;
		char *end = head ? NULL : memmem(text, have, "\r\n\r\n", 4);
		if (end)
			head = (size_t)(end - text) + 4;
		if (head && have >= head + body)
			return true;
	}
	return false;
}

struct server {
	int fd;
	unsigned wait_us; /* before it reads */
	size_t body;
};

static void *serve(void *arg)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	const struct server *server = arg;
	int fd;

	while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
		SSL *s = SSL_new(server_ctx);
		SSL_set_fd(s, fd);
		if (SSL_accept(s) == 1) {
			usleep(server->wait_us);
			while (read_message(s, server->body))
				SSL_write(s, answer, sizeof(answer) - 1);
		}
		SSL_free(s);
		close(fd);
	}
	return NULL;
}

static SSL *connect_to(const struct sockaddr_in *a)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), small = 8192;
	SSL *s = SSL_new(client_ctx);

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	must(!connect(fd, (const struct sockaddr *)a, sizeof(*a)), "connect");
	SSL_set_fd(s, fd);
	must(SSL_connect(s) == 1, "handshake");
	return s;
}

static void disconnect(SSL *s)
{
	int fd = s ? SSL_get_fd(s) : -1;

	if (!s)
		return;
	SSL_free(s);
	close(fd);
}

static void exchanges(const char *name, int count, int per_second)
{
	struct sockaddr_in a;
	struct server server = { .fd = listen_any(&a) };
	pthread_t thread;
	SSL *s = NULL;
	double start = now();

	pthread_create(&thread, NULL, serve, &server);
	for (int i = 0; i < count; i++) {
		char ask[128];
		int n = snprintf(ask, sizeof(ask), "GET /%s/%d HTTP/1.1\r\nHost: localhost\r\n\r\n",
				 name, i);
		if (i % RENEW == 0) {
			disconnect(s);
			s = connect_to(&a);
		}
		must(SSL_write(s, ask, n) == n && read_message(s, 2), "exchange");
		double ahead = per_second ? start + (double)i / per_second - now() : 0;
		if (ahead > 0)
			usleep((useconds_t)(ahead * 1e6));
	}
	disconnect(s);
	printf("%d\n", count);
}

static void slow(unsigned ms)
{
	static char text[(1 << 20) + 128];
	struct sockaddr_in a;
	struct server server = { .fd = listen_any(&a), .wait_us = ms * 1000, .body = 1 << 20 };
	pthread_t thread;
	int n = sprintf(text,
			"POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n",
			1 << 20);

	memset(text + n, 'x', 1 << 20);
	pthread_create(&thread, NULL, serve, &server);
	SSL *s = connect_to(&a);
	must(SSL_write(s, text, n + (1 << 20)) > 0 && read_message(s, 2), "exchange");
	disconnect(s);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 0;
	double until = now() + n;

	signal(SIGPIPE, SIG_IGN);
	make_contexts();
	if (!strcmp(mode, "connections"))
		take_connections(until);
	else if (!strcmp(mode, "churn"))
		churn(until);
	else if (!strcmp(mode, "flood") || !strcmp(mode, "requests"))
		flood(until, !strcmp(mode, "requests"));
	else if (!strcmp(mode, "processes"))
		take_processes(until);
	else if (!strcmp(mode, "threads"))
		take_threads(until);
	else if (!strcmp(mode, "victim") && argc > 3)
		exchanges("victim", n, atoi(argv[3]));
	else if (!strcmp(mode, "pairs"))
		exchanges("pair", n, 0);
	else if (!strcmp(mode, "slow"))
		slow((unsigned)n);
	else
		errx(2, "usage: hostile_tls MODE NUMBER");
	return 0;
}
