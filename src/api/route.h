/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which paths there are: one table that serves the dispatcher, 405, /metrics and its tests. */
#ifndef CLEARTAP_API_ROUTE_H
#define CLEARTAP_API_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "api/request.h"

/* Ends with a NULL path. */
extern const struct route api_routes[];

/* The route of a path, and what {id} stands for in id[size]; NULL when there is none. */
const struct route *route_find(const char *path, char *id, size_t size);
/* Does the route take this parameter? */
bool route_takes(const struct route *route, const char *param);

#endif
