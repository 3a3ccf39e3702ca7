// SPDX-License-Identifier: GPL-2.0-or-later
/* /api/stream: entries as they come, as server-sent events. */
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "api/live/hub.h"
#include "api/problem.h"
#include "api/live/subscriber.h"
#include "api/answer.h"
#include "api/param.h"
#include "api/request.h"
#include "api/handlers.h"
#include "api/state.h"
#include "kfl/kfl.h"

/* What the kernel keeps for a reader that does not read; beyond it the reader's own backlog counts.
 */
#define SEND_BUFFER (128 << 10)

/* The id behind which to go on: Last-Event-ID, else ?after=, else -1 for new entries only. */
static bool find_start(struct request *r, int64_t *ret)
{
	const char *last = request_header(r, "Last-Event-ID");
	char *end;

	if (!param_integer(r, "after", 0, INT64_MAX, -1, ret))
		return false;
	if (!last || !*last)
		return true;
	errno = 0;
	*ret = strtoll(last, &end, 10);
	if (*last >= '0' && *last <= '9' && !*end && !errno)
		return true;
	problem(r, MHD_HTTP_BAD_REQUEST, "Last-Event-ID",
		"Last-Event-ID is the id of an entry, a whole number");
	return false;
}

static void tune_socket(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *i =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	int size = SEND_BUFFER, alive = 1;

	/* The default is for requests; a stream may rest, or its reader be slow, for longer. */
	MHD_set_connection_option(conn, MHD_CONNECTION_OPTION_TIMEOUT,
				  (unsigned)LIMIT_STREAM_SECONDS);
	if (!i)
		return;
	setsockopt(i->connect_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(i->connect_fd, SOL_SOCKET, SO_KEEPALIVE, &alive, sizeof(alive));
}

static void join(struct request *r, struct kfl *filter, int64_t after)
{
	struct subscriber *reader;
	const char *text = filter ? kfl_normal(filter) : "";
	int e = subscriber_join(hub_room(r->api->hub), r->conn, filter, text, after, &reader);

	if (e == -EAGAIN) {
		answer_header(r, MHD_HTTP_HEADER_RETRY_AFTER, "5");
		problem(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL,
			"there are %d live readers or %d filters of live readers already",
			LIMIT_STREAMS, LIMIT_STREAM_QUERIES);
		return;
	}
	if (e) {
		problem_errno(r, e);
		return;
	}
	r->answer.stream = (struct answer_stream){ subscriber_read, subscriber_leave, reader };
	tune_socket(r->conn);
}

void stream_get(struct request *r)
{
	struct kfl *filter;
	int64_t after;

	if (!find_start(r, &after) || !param_filter(r, &filter))
		return;
	r->answer.status = MHD_HTTP_OK;
	r->answer.type = "text/event-stream";
	if (r->method == METHOD_HEAD) {
		kfl_free(filter);
		r->answer.stream.read = subscriber_read;
	} else {
		join(r, filter, after);
	}
}
