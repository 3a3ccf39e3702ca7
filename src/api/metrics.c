// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/metrics.h"

#include <microhttpd.h>
#include <stdio.h>

#include "api/prometheus.h"
#include "api/request.h"

static const uint32_t bucket_us[METRICS_BUCKETS] = { 500,   1000,   2500,   5000,   10000,
						     25000, 100000, 250000, 500000, 1000000 };

void metrics_count(struct metrics *m, size_t row, unsigned status)
{
	m->requests[row < METRICS_ROUTES ? row : METRICS_UNKNOWN]
		   [status / 100 < 6 ? status / 100 : 0]++;
	if (status == MHD_HTTP_UNAUTHORIZED || status == MHD_HTTP_FORBIDDEN ||
	    status == MHD_HTTP_MISDIRECTED_REQUEST)
		m->refused++;
}

void metrics_observe(struct metrics *m, uint64_t us)
{
	size_t i = 0;

	while (i < METRICS_BUCKETS && us > bucket_us[i])
		i++;
	m->bucket[i]++;
	m->query_us += us;
}

static void put_requests(const struct metrics *m, const struct route *routes, struct writer *p)
{
	static const char *const classes[] = { "", "1xx", "2xx", "3xx", "4xx", "5xx" };

	prometheus_family(p, "http_requests_total", "counter",
			  "Requests answered, by route and class of the status.");
	for (size_t i = 0, known = 0; i < METRICS_ROUTES; i++) {
		known += known == i && routes[i].path;
		const char *path = i < known ? routes[i].path : i == METRICS_ASSETS ? "/" : "";
		for (unsigned c = 1; c < 6; c++) {
			const char *const labels[] = { "route", path, "code", classes[c], NULL };
			if (m->requests[i][c])
				prometheus_value(p, "http_requests_total", labels,
						 m->requests[i][c]);
		}
	}
}

static void put_queries(const struct metrics *m, struct writer *p)
{
	static const char name[] = "query_duration_seconds_bucket";
	char text[16];
	const char *const label[] = { "le", text, NULL }, *const all[] = { "le", "+Inf", NULL };
	uint64_t sum = 0;

	prometheus_family(p, "query_duration_seconds", "histogram",
			  "Time that requests took that read the store.");
	for (size_t i = 0; i < METRICS_BUCKETS; i++) {
		sum += m->bucket[i];
		snprintf(text, sizeof(text), "%g", bucket_us[i] / 1e6);
		prometheus_value(p, name, label, sum);
	}
	sum += m->bucket[METRICS_BUCKETS];
	prometheus_value(p, name, all, sum);
	prometheus_real(p, "query_duration_seconds_sum", (double)m->query_us / 1e6);
	prometheus_value(p, "query_duration_seconds_count", NULL, sum);
}

void metrics_put(const struct metrics *m, const struct route *routes, struct writer *p)
{
	put_requests(m, routes, p);
	put_queries(m, p);
}
