// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/state.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/dispatch.h"
#include "api/auth.h"
#include "api/clients.h"
#include "api/live/stream_event.h"
#include "api/live/hub.h"
#include "api/login.h"
#include "api/request.h"
#include "api/route.h"
#include "api/server_stats.h"
#include "api/sockets.h"
#include "api/workers.h"
#include "base/limits.h"
#include "base/log.h"

/* Past all limits a few more are accepted, to be told so, or while others are being cut off. */
#define SPARE_CONNS 64
#define MHD_CONNS   (LIMIT_HTTP_CONNS + LIMIT_HTTP_STRANGERS + SPARE_CONNS)

static void log_daemon(void *ctx, const char *fmt, va_list ap)
{
	char line[256];

	(void)ctx;
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	log_debug("http: %s", line);
}

static struct client *client_of(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *i =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return i ? i->socket_context : NULL;
}

static void on_connection(void *ctx, struct MHD_Connection *conn, void **client,
			  enum MHD_ConnectionNotificationCode code)
{
	const struct listener *l = ctx;
	const union MHD_ConnectionInfo *fd, *from;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		clients_remove(*client);
		return;
	}
	fd = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	from = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	*client = fd ? clients_add(l->clients, fd->connect_fd, from ? from->client_addr : NULL)
		     : NULL;
}

static void *on_target(void *ctx, const char *uri, struct MHD_Connection *conn)
{
	const struct listener *l = ctx;
	struct request *r = request_new(l->api, l, uri);

	if (!r)
		return NULL;
	r->conn = conn;
	r->client = client_of(conn);
	clients_begin(r->client);
	return r;
}

static void on_completed(void *ctx, struct MHD_Connection *conn, void **request,
			 enum MHD_RequestTerminationCode code)
{
	(void)ctx;
	(void)conn;
	(void)code;
	if (*request)
		clients_idle(((struct request *)*request)->client);
	request_free(*request);
	*request = NULL;
}

static int start_daemon(struct listener *l, int fd, const struct api_sockets *s)
{
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, s->cert.data },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, s->key.data },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0,
		  (void *)"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			 MHD_USE_ERROR_LOG | (l->tls ? MHD_USE_TLS : 0);

	l->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, dispatch, l, MHD_OPTION_EXTERNAL_LOGGER, log_daemon, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, on_target, l,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, l, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, l, MHD_OPTION_CONNECTION_LIMIT, (unsigned)MHD_CONNS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)LIMIT_REQUEST_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)LIMIT_HTTP_IDLE_SECONDS,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, l->tls ? tls : tls + 3,
		MHD_OPTION_END);
	return l->daemon ? 0 : -EINVAL;
}

static int prepare_listeners(struct api *a)
{
	const struct api_sockets *s = a->sockets;

	a->tcp = (struct listener){
		.api = a,
		.clients = clients_new(),
		.port = s->port,
		.loopback = s->loopback,
		.tls = s->cert.len > 0,
		.token = a->options.token,
		.hosts = a->options.hosts,
	};
	a->local = (struct listener){ .api = a, .clients = clients_new(), .trusted = true };
	snprintf(a->tcp.cookie, sizeof(a->tcp.cookie), "cleartap-%u", s->port);
	return a->tcp.clients && a->local.clients ? 0 : -ENOMEM;
}

static int start_listeners(struct api *a)
{
	const struct api_sockets *s = a->sockets;
	int r = 0;

	if (s->tcp >= 0)
		r = start_daemon(&a->tcp, s->tcp, s);
	if (!r && s->local >= 0)
		r = start_daemon(&a->local, s->local, s);
	return r;
}

static void put_numbers(void *ctx, struct live_numbers *ret)
{
	const struct api *a = ctx;
	struct server_stats s = { 0 };

	a->source.stats(a->source.ctx, &s);
	ret->dropped = server_stats_dropped(&s);
	ret->lost_bytes = s.sessions.lost_bytes;
	ret->paused = s.paused;
	ret->file = s.file;
}

static void expire_clients(void *ctx)
{
	struct api *a = ctx;

	clients_expire(a->tcp.clients);
	clients_expire(a->local.clients);
}

static int start_hub(struct api *a)
{
	const struct hub_options options = {
		.store = a->store,
		.workers = a->workers,
		.ctx = a,
		.numbers = put_numbers,
		.each_second = expire_clients,
	};

	return hub_start(&options, &a->hub);
}

static int start_parts(struct api *a)
{
	a->logins = logins_new();
	int r = a->logins ? prepare_listeners(a) : -ENOMEM;
	if (!r)
		r = workers_start(LIMIT_API_WORKERS, &a->workers);
	if (!r)
		r = start_hub(a);
	if (!r)
		r = start_listeners(a);
	return r;
}

int api_start(const struct api_options *o, const struct api_source *source, struct store *store,
	      struct api **ret, char *error, size_t error_size)
{
	struct api_sockets *s = o->sockets;
	struct api *a;
	sigset_t all, old;
	int r = s ? 0 : api_bind(o, &s, error, error_size);

	if (r)
		return r;
	a = calloc(1, sizeof(*a));
	if (!a || (s->tcp >= 0 && (!o->token || !auth_token_usable(o->token)))) {
		snprintf(error, error_size, "start the API: %s",
			 a ? "the token holds other characters than letters, digits and -._~"
			   : strerror(ENOMEM));
		api_unbind(s);
		free(a);
		return a ? -EINVAL : -ENOMEM;
	}
	a->options = *o;
	a->source = *source;
	a->store = store;
	a->sockets = s;
	a->routes = api_routes;
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = start_parts(a);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r) {
		snprintf(error, error_size, "start the API: %s%s", strerror(-r),
			 s->cert.len ? " (is the certificate's key the right one?)" : "");
		api_stop(a);
		return r;
	}
	*ret = a;
	return 0;
}

void api_publish(struct api *a, struct entry *const *batch, size_t count)
{
	hub_publish(a->hub, batch, count);
}

void api_stop(struct api *a)
{
	struct MHD_Daemon *daemons[2];

	if (!a)
		return;
	daemons[0] = a->tcp.daemon;
	daemons[1] = a->local.daemon;
	for (size_t i = 0; i < 2; i++)
		if (daemons[i])
			MHD_quiesce_daemon(daemons[i]);
	/* Nothing may be suspended when the daemons stop: finish the tasks, wake the readers. */
	workers_stop(a->workers);
	hub_stop(a->hub);
	for (size_t i = 0; i < 2; i++)
		if (daemons[i])
			MHD_stop_daemon(daemons[i]);
	hub_free(a->hub);
	workers_free(a->workers);
	clients_free(a->tcp.clients);
	clients_free(a->local.clients);
	logins_free(a->logins);
	api_unbind(a->sockets);
	free(a);
}

uint16_t api_port(const struct api *a)
{
	return a->tcp.port;
}
