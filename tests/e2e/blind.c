// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * blind PORT: sends 200 bytes of a request over TLS and reads the answer. Linked statically and
 * without symbols nobody reads what it says.
 */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)atoi(argc > 1 ? argv[1] : "")),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	SSL *ssl = SSL_new(SSL_CTX_new(TLS_client_method()));
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char request[200], answer[4096];

	memset(request, ' ', sizeof(request));
	memcpy(request, "GET / HTTP/1.0\r\nX:", 18);
	memcpy(request + sizeof(request) - 4, "\r\n\r\n", 4);
	SSL_set_fd(ssl, fd);
	SSL_set_tlsext_host_name(ssl, "blind.example");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) || SSL_connect(ssl) != 1 ||
	    SSL_write(ssl, request, sizeof(request)) != sizeof(request))
		return 1;
	while (SSL_read(ssl, answer, sizeof(answer)) > 0)
		;
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
	return 0;
}
