// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * unread_client PORT NAME: GET /NAME over TLS, with a library that cleartap does not read: built
 * with -DUSE_NSS, -DUSE_MBEDTLS, -DUSE_WOLFSSL, or -DUSE_OPENSSL: that statically, without symbols.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char request[256], answer[4096];
static int length;

static int connect_to(const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)atoi(port)),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return connect(fd, (struct sockaddr *)&to, sizeof(to)) ? -1 : fd;
}

#if defined(USE_NSS)
#include <nss.h>
#include <private/pprio.h>
#include <prio.h>
#include <ssl.h>

static SECStatus any(void *ctx, PRFileDesc *fd)
{
	(void)ctx, (void)fd;
	return SECSuccess;
}

static int talk(int fd)
{
	if (NSS_NoDB_Init(NULL) || NSS_SetDomesticPolicy())
		return 1;
	PRFileDesc *s = SSL_ImportFD(NULL, PR_ImportTCPSocket(fd));
	if (!s || SSL_BadCertHook(s, any, NULL) || SSL_SetURL(s, "localhost") ||
	    SSL_ResetHandshake(s, PR_FALSE) || PR_Write(s, request, length) != length)
		return 2;
	while (PR_Read(s, answer, sizeof(answer)) > 0)
		;
	PR_Close(s);
	return 0;
}
#elif defined(USE_MBEDTLS)
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>

static int talk(int fd)
{
	mbedtls_net_context net = { fd };
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context random;
	mbedtls_ssl_config conf;
	mbedtls_ssl_context s;

	mbedtls_entropy_init(&entropy);
	mbedtls_ctr_drbg_init(&random);
	mbedtls_ssl_config_init(&conf);
	mbedtls_ssl_init(&s);
	if (mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0) ||
	    mbedtls_ssl_config_defaults(&conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
					MBEDTLS_SSL_PRESET_DEFAULT))
		return 1;
	mbedtls_ssl_conf_authmode(&conf, MBEDTLS_SSL_VERIFY_NONE);
	mbedtls_ssl_conf_rng(&conf, mbedtls_ctr_drbg_random, &random);
	if (mbedtls_ssl_setup(&s, &conf))
		return 2;
	mbedtls_ssl_set_bio(&s, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
	if (mbedtls_ssl_write(&s, (const unsigned char *)request, (size_t)length) != length)
		return 3;
	while (mbedtls_ssl_read(&s, (unsigned char *)answer, sizeof(answer)) > 0)
		;
	mbedtls_ssl_close_notify(&s);
	return 0;
}
#elif defined(USE_WOLFSSL)
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

static int talk(int fd)
{
	wolfSSL_Init();
	WOLFSSL_CTX *context = wolfSSL_CTX_new(wolfSSLv23_client_method());
	wolfSSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	WOLFSSL *s = wolfSSL_new(context);
	if (wolfSSL_set_fd(s, fd) != SSL_SUCCESS || wolfSSL_connect(s) != SSL_SUCCESS ||
	    wolfSSL_write(s, request, length) != length)
		return 1;
	while (wolfSSL_read(s, answer, sizeof(answer)) > 0)
		;
	wolfSSL_shutdown(s);
	return 0;
}
#else
#include <openssl/ssl.h>

static int talk(int fd)
{
	SSL *s = SSL_new(SSL_CTX_new(TLS_client_method()));

	if (!SSL_set_fd(s, fd) || SSL_connect(s) != 1 || SSL_write(s, request, length) != length)
		return 1;
	while (SSL_read(s, answer, sizeof(answer)) > 0)
		;
	SSL_shutdown(s);
	return 0;
}
#endif

int main(int argc, char **argv)
{
	int fd = argc > 2 ? connect_to(argv[1]) : -1;

	if (fd < 0)
		return 9;
	length = snprintf(request, sizeof(request), "GET /%s HTTP/1.0\r\n\r\n", argv[2]);
	return talk(fd);
}
