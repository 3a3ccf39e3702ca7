// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/route.h"

#include <string.h>

#include "api/handlers.h"
#include "api/request.h"

#define GET METHOD_GET

const struct route api_routes[] = {
	{ "/api/entries", GET, ROUTE_SLOW, entries_list, " q limit before after " },
	{ "/api/entries/{id}", GET, ROUTE_SLOW, entries_get, " q " },
	{ "/api/entries/{id}/request/body", GET, ROUTE_SLOW, bodies_request, " q raw as " },
	{ "/api/entries/{id}/response/body", GET, ROUTE_SLOW, bodies_response, " q raw as " },
	{ "/api/stream", GET, 0, stream_get, " q after " },
	{ "/api/kfl/validate", GET, 0, kfl_validate, " q " },
	{ "/api/kfl/fields", GET, 0, kfl_fields, " " },
	{ "/api/connections", GET, ROUTE_SLOW, connections_list, " q limit " },
	{ "/api/connections/{id}", GET, ROUTE_SLOW, connections_get, " " },
	{ "/api/connections/{id}/packets", GET, 0, connections_packets, " " },
	{ "/api/histogram", GET, ROUTE_SLOW, histogram_get, " q from to buckets " },
	{ "/api/map", GET, ROUTE_SLOW, map_get, " q " },
	{ "/api/endpoints", GET, ROUTE_SLOW, endpoints_get, " q " },
	{ "/api/facets", GET, ROUTE_SLOW, facets_get, " q " },
	{ "/api/coverage", GET, ROUTE_SLOW, coverage_get, " " },
	{ "/api/export/har", GET, 0, har_export, " q " },
	{ "/api/export/pcapng", GET, 0, pcapng_export, " q packets keys " },
	{ "/api/targets", GET, 0, targets_get, " " },
	{ "/api/stats", GET, 0, stats_get, " " },
	{ "/metrics", GET, 0, metrics_get, " " },
	{ "/api/capture", METHOD_POST, 0, capture_post, " " },
	{ "/api/openapi.json", GET, 0, openapi_get, " " },
	{ "/healthz", GET, ROUTE_OPEN, health_get, " " },
	{ "/readyz", GET, ROUTE_OPEN, health_ready, " " },
	{ 0 },
};

/* The dashboard: any other path that is the name of an embedded file. */
static const struct route assets = { "/", GET, ROUTE_PAGE, assets_get, " token " };

/* Does the path fit the pattern? Copies what {id} stands for. */
static bool matches(const char *pattern, const char *path, char *id, size_t size)
{
	const char *hole = strstr(pattern, "{id}");

	if (!hole)
		return !strcmp(pattern, path);
	size_t before = (size_t)(hole - pattern), n = 0;
	if (strncmp(pattern, path, before))
		return false;
	path += before;
	n = strcspn(path, "/");
	if (!n || n >= size || strcmp(hole + 4, path + n))
		return false;
	memcpy(id, path, n);
	id[n] = '\0';
	return true;
}

const struct route *route_find(const char *path, char *id, size_t size)
{
	for (const struct route *r = api_routes; r->path; r++)
		if (matches(r->path, path, id, size))
			return r;
	if (!strncmp(path, "/api/", 5) || path[0] != '/')
		return NULL;
	return &assets;
}

bool route_takes(const struct route *route, const char *param)
{
	size_t n = strlen(param);

	if (!n || strchr(param, ' '))
		return false;
	for (const char *p = strstr(route->params, param); p; p = strstr(p + 1, param))
		if (p[-1] == ' ' && p[n] == ' ')
			return true;
	return false;
}
