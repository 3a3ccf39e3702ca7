/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the API uses of libmicrohttpd, without sockets: a request is a target and header fields, and
 * its answer is read until it ends or waits. Definitions, so for one source file of a program.
 */
#ifndef CLEARTAP_FAKE_MHD_H
#define CLEARTAP_FAKE_MHD_H

#include <microhttpd.h>
#include <stdarg.h>
#include <strings.h>

#include "base/buf.h"
#include "fuzz.h"

enum { FAKE_FIELDS = 64 };

struct MHD_Connection {
	struct {
		const char *name, *value;
	} field[FAKE_FIELDS];
	size_t fields;
	void *client;
	bool answered, resumed;
	unsigned status;
	struct buf body, head; /* of the answer */
};

struct MHD_Response {
	const char *fixed;
	size_t size;
	char *owned;
	MHD_ContentReaderCallback read;
	MHD_ContentReaderFreeCallback free;
	void *ctx;
	struct buf head;
};

/* A listener: what api_start() gave for one. */
struct MHD_Daemon {
	MHD_AccessHandlerCallback handle;
	void *listener;
	void *(*on_target)(void *ctx, const char *uri, struct MHD_Connection *conn);
	MHD_RequestCompletedCallback on_completed;
	MHD_NotifyConnectionCallback on_connection;
};

static struct MHD_Daemon fake_daemons[2];
static size_t fake_daemon_count;
/* Does what other threads would do while a connection waits. */
static void (*fake_turn)(void);

struct MHD_Daemon *MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback accept,
				    void *accept_ctx, MHD_AccessHandlerCallback handle,
				    void *handle_ctx, ...)
{
	struct MHD_Daemon *d = &fake_daemons[fake_daemon_count++];
	enum MHD_OPTION option;
	va_list ap;

	(void)flags;
	(void)port;
	(void)accept;
	(void)accept_ctx;
	*d = (struct MHD_Daemon){ .handle = handle, .listener = handle_ctx };
	va_start(ap, handle_ctx);
	while ((option = va_arg(ap, enum MHD_OPTION)) != MHD_OPTION_END) {
		void *first = NULL;

		switch ((int)option) {
		case MHD_OPTION_URI_LOG_CALLBACK:
			d->on_target = va_arg(
				ap, void *(*)(void *, const char *, struct MHD_Connection *));
			va_arg(ap, void *);
			break;
		case MHD_OPTION_NOTIFY_COMPLETED:
			d->on_completed = va_arg(ap, MHD_RequestCompletedCallback);
			va_arg(ap, void *);
			break;
		case MHD_OPTION_NOTIFY_CONNECTION:
			d->on_connection = va_arg(ap, MHD_NotifyConnectionCallback);
			va_arg(ap, void *);
			break;
		case MHD_OPTION_EXTERNAL_LOGGER:
			first = va_arg(ap, void *);
			va_arg(ap, void *);
			break;
		case MHD_OPTION_CONNECTION_MEMORY_LIMIT:
			va_arg(ap, size_t);
			break;
		case MHD_OPTION_ARRAY:
			first = va_arg(ap, void *);
			break;
		default:
			va_arg(ap, int);
		}
		(void)first;
	}
	va_end(ap);
	return d;
}

void MHD_stop_daemon(struct MHD_Daemon *d)
{
	(void)d;
}

MHD_socket MHD_quiesce_daemon(struct MHD_Daemon *d)
{
	(void)d;
	return -1;
}

static struct MHD_Response *fake_response(void)
{
	struct MHD_Response *r = calloc(1, sizeof(*r));

	require(r != NULL);
	return r;
}

struct MHD_Response *MHD_create_response_from_buffer(size_t size, void *data,
						     enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *r = fake_response();

	r->fixed = data;
	r->size = size;
	r->owned = mode == MHD_RESPMEM_MUST_FREE ? data : NULL;
	return r;
}

struct MHD_Response *MHD_create_response_from_callback(uint64_t size, size_t block,
						       MHD_ContentReaderCallback read, void *ctx,
						       MHD_ContentReaderFreeCallback free_fn)
{
	struct MHD_Response *r = fake_response();

	(void)size;
	(void)block;
	r->read = read;
	r->free = free_fn;
	r->ctx = ctx;
	return r;
}

enum MHD_Result MHD_set_response_options(struct MHD_Response *r, enum MHD_ResponseFlags flags, ...)
{
	(void)r;
	(void)flags;
	return MHD_YES;
}

/* A field of an answer is one line, whatever was asked for. */
enum MHD_Result MHD_add_response_header(struct MHD_Response *r, const char *name, const char *value)
{
	require(*name && !strpbrk(name, "\r\n: ") && !strpbrk(value, "\r\n"));
	buf_printf(&r->head, "%s: %s\r\n", name, value);
	return MHD_YES;
}

void MHD_destroy_response(struct MHD_Response *r)
{
	if (r->free)
		r->free(r->ctx);
	free(r->owned);
	buf_free(&r->head);
	free(r);
}

/* Read what there is: what waits returns 0, and is then the reader's who went away. */
enum MHD_Result MHD_queue_response(struct MHD_Connection *c, unsigned status,
				   struct MHD_Response *r)
{
	static char block[64 << 10];
	ssize_t n = 0;

	require(!c->answered && status >= 200 && status < 600);
	c->answered = true;
	c->status = status;
	buf_put(&c->head, r->head.data, r->head.len);
	if (!r->read)
		buf_put(&c->body, r->fixed, r->size);
	for (int i = 0; r->read && i < 64 && n >= 0; i++) {
		n = r->read(r->ctx, c->body.len, block, sizeof(block));
		if (n > 0)
			buf_put(&c->body, block, (size_t)n);
		fake_turn();
		if (!n && !__atomic_exchange_n(&c->resumed, false, __ATOMIC_SEQ_CST))
			break;
	}
	return MHD_YES;
}

const char *MHD_lookup_connection_value(struct MHD_Connection *c, enum MHD_ValueKind kind,
					const char *name)
{
	for (size_t i = 0; kind == MHD_HEADER_KIND && i < c->fields; i++)
		if (!strcasecmp(c->field[i].name, name))
			return c->field[i].value;
	return NULL;
}

int MHD_get_connection_values(struct MHD_Connection *c, enum MHD_ValueKind kind,
			      MHD_KeyValueIterator fn, void *ctx)
{
	for (size_t i = 0; i < c->fields; i++)
		fn(ctx, kind, c->field[i].name, c->field[i].value);
	return (int)c->fields;
}

const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *c,
							enum MHD_ConnectionInfoType what, ...)
{
	static union MHD_ConnectionInfo client, fd;

	client.socket_context = c->client;
	fd.connect_fd = -1;
	return what == MHD_CONNECTION_INFO_SOCKET_CONTEXT  ? &client
	       : what == MHD_CONNECTION_INFO_CONNECTION_FD ? &fd
							   : NULL;
}

enum MHD_Result MHD_set_connection_option(struct MHD_Connection *c,
					  enum MHD_CONNECTION_OPTION option, ...)
{
	(void)c;
	(void)option;
	return MHD_YES;
}

void MHD_suspend_connection(struct MHD_Connection *c)
{
	(void)c;
}

void MHD_resume_connection(struct MHD_Connection *c)
{
	__atomic_store_n(&c->resumed, true, __ATOMIC_SEQ_CST);
}

/* A connection with one request, to its end. `c` has the fields; the caller frees its bufs. */
static void fake_request(struct MHD_Daemon *d, struct MHD_Connection *c, const char *method,
			 const char *target, const char *body, size_t len)
{
	void *request;
	size_t none = 0;

	d->on_connection(d->listener, c, &c->client, MHD_CONNECTION_NOTIFY_STARTED);
	request = d->on_target(d->listener, target, c);
	require(d->handle(d->listener, c, target, method, "HTTP/1.1", NULL, &none, &request) ==
		MHD_YES);
	while (!c->answered && len) {
		size_t part = len < 1000 ? len : 1000;

		require(d->handle(d->listener, c, target, method, "HTTP/1.1", body, &part,
				  &request) == MHD_YES);
		len -= len < 1000 ? len : 1000;
		body += 1000;
	}
	/* once more for what ran elsewhere in between */
	for (int i = 0; i < 3 && !c->answered; i++) {
		fake_turn();
		require(d->handle(d->listener, c, target, method, "HTTP/1.1", NULL, &none,
				  &request) == MHD_YES);
	}
	require(c->answered);
	d->on_completed(d->listener, c, &request, MHD_REQUEST_TERMINATED_COMPLETED_OK);
	d->on_connection(d->listener, c, &c->client, MHD_CONNECTION_NOTIFY_CLOSED);
}

#endif
