/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the handlers share. */
#ifndef CLEARTAP_API_SERVER_H
#define CLEARTAP_API_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/api.h"
#include "api/metrics.h"

struct hub;
struct job;
struct clients;
struct request;
struct workers;
struct MHD_Connection;
struct MHD_Daemon;

/* A socket that is listened on, and what requests through it must show. */
struct listener {
	struct api *api;
	struct MHD_Daemon *daemon;
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
	struct clients *clients;
	struct workers *workers;
	struct hub *hub;
	struct metrics metrics;
	atomic_uint exports; /* that are running */
	atomic_bool stopping;
};

/*
 * Suspend the connection and do a job on a worker, which ends with server_resume(). 0, or -EAGAIN
 * (busy or stopping): the connection is suspended and resumed, the job is not done.
 */
int server_work(struct api *a, struct MHD_Connection *conn, struct job *j);
void server_resume(struct MHD_Connection *conn);

#endif
