/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the handlers share; server.c makes it. */
#ifndef CLEARTAP_API_STATE_H
#define CLEARTAP_API_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/api.h"
#include "api/metrics.h"

struct clients;
struct hub;
struct logins;
struct route;
struct workers;
struct MHD_Daemon;

/* A socket that is listened on, and what requests through it must show. */
struct listener {
	struct api *api;
	struct MHD_Daemon *daemon;
	struct clients *clients;
	bool trusted;  /* the unix socket: its file's mode decides who may connect */
	bool loopback; /* cannot be reached from other machines */
	bool tls;
	uint16_t port;
	const char *token, *hosts;
	char cookie[24]; /* its name: cookies do not tell ports apart */
};

struct api {
	struct api_options options;
	struct api_source source;
	struct api_sockets *sockets;
	struct store *store;
	struct listener tcp, local;
	struct logins *logins;
	struct workers *workers;
	struct hub *hub;
	const struct route *routes; /* ends with a NULL path */
	struct metrics metrics;
	atomic_uint exports; /* that are running */
};

#endif
