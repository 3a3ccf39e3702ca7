/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which paths there are: one table that serves the dispatcher, 405, /metrics and its tests. */
#ifndef CLEARTAP_API_ROUTE_H
#define CLEARTAP_API_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

struct request;

enum route_flag {
	ROUTE_OPEN = 1, /* needs no token: it tells nothing of the traffic */
	ROUTE_SLOW = 2, /* reads the store, so it runs on a worker */
	ROUTE_PAGE = 4, /* a browser may navigate to it from elsewhere */
};

struct route {
	const char *path; /* {id} stands for one segment */
	unsigned methods; /* enum method; HEAD and OPTIONS come by themselves */
	unsigned flags;
	void (*handle)(struct request *r);
	const char *params; /* names that it takes, between blanks: " q limit " */
};

/* Ends with a NULL path. */
extern const struct route api_routes[];

/* The route of a path, and what {id} stands for in id[size]; NULL when there is none. */
const struct route *route_find(const char *path, char *id, size_t size);
/* Does the route take this parameter? */
bool route_takes(const struct route *route, const char *param);

/* The handlers, each in the file named after its resource. */
void assets_get(struct request *r);
void bodies_request(struct request *r);
void bodies_response(struct request *r);
void capture_post(struct request *r);
void connections_get(struct request *r);
void connections_list(struct request *r);
void coverage_get(struct request *r);
void entries_get(struct request *r);
void entries_list(struct request *r);
void har_export(struct request *r);
void histogram_get(struct request *r);
void health_get(struct request *r);
void health_ready(struct request *r);
void kfl_fields(struct request *r);
void kfl_validate(struct request *r);
void map_get(struct request *r);
void metrics_get(struct request *r);
void openapi_get(struct request *r);
void pcapng_export(struct request *r);
void stats_get(struct request *r);
void stream_get(struct request *r);
void targets_get(struct request *r);

#endif
