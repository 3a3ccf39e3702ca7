/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The handlers of the routes, each in the file named after its resource. */
#ifndef CLEARTAP_API_HANDLERS_H
#define CLEARTAP_API_HANDLERS_H

struct request;

void assets_get(struct request *r);
void bodies_request(struct request *r);
void bodies_response(struct request *r);
void capture_post(struct request *r);
void connections_get(struct request *r);
void connections_list(struct request *r);
void connections_packets(struct request *r);
void coverage_get(struct request *r);
void endpoints_get(struct request *r);
void entries_get(struct request *r);
void entries_list(struct request *r);
void facets_get(struct request *r);
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
