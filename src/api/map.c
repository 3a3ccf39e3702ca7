// SPDX-License-Identifier: GPL-2.0-or-later
/* /api/map: who talks to whom, from recent entries. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/hide.h"
#include "api/index.h"
#include "api/problem.h"
#include "api/param.h"
#include "api/quote.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/handlers.h"
#include "api/window.h"
#include "base/json_write.h"
#include "base/writer.h"
#include "entry.h"
#include "kfl/kfl.h"
#include "outcome.h"

/* Protocols on one edge are a handful; more than these are not told apart. */
#define EDGE_PROTOCOLS 8

struct edge {
	size_t src, dst; /* numbers of nodes */
	size_t q, q_len; /* the filter that finds its entries, in map.text */
	uint64_t entries, errors, bytes;
	size_t protocol[EDGE_PROTOCOLS]; /* numbers in map.protocols */
	size_t protocols;
};

struct map {
	const struct kfl *filter; /* whose redact() is kept; NULL: none */
	struct index nodes, edges, protocols;
	struct buf node_json; /* between commas */
	struct buf text;
	struct buf list; /* of struct edge */
	struct buf key;	 /* scratch */
};

/* How an end is called: the most telling that is known of it, and the fields that find it again. */
struct who {
	const char *kind, *name;
	const char *field[2], *value[2];
};

static struct who identify(const struct entry *e, bool is_src)
{
	const struct endpoint *p = is_src ? &e->src : &e->dst;

	if (*p->process)
		return (struct who){ "process",
				     p->process,
				     { "process", "container" },
				     { p->process, p->container } };
	if (*p->name)
		return (struct who){ "host", p->name, { "name" }, { p->name } };
	if (*p->ip)
		return (struct who){ "address", p->ip, { "ip" }, { p->ip } };
	return (struct who){ "unknown", "unknown", { "ip", "process" }, { "", "" } };
}

/* The number of an end's node, which is written when it is new. */
static int64_t add_node(struct map *m, const struct entry *e, bool is_src)
{
	const struct endpoint *p = is_src ? &e->src : &e->dst;
	struct who w = identify(e, is_src);
	size_t known = m->nodes.count;

	buf_reset(&m->key);
	if (buf_printf(&m->key, "%s:%s", w.kind, w.name) ||
	    (w.value[1] && *w.value[1] && buf_printf(&m->key, "@%s", w.value[1])))
		return -ENOMEM;
	int64_t n = index_of(&m->nodes, m->key.data, m->key.len);
	if (n < 0 || m->nodes.count == known)
		return n;
	struct jw j = jw_continue(&m->node_json, known);
	jw_object(&j, NULL);
	jw_text(&j, "id", m->key.data, m->key.len);
	jw_string(&j, "name", w.name);
	jw_string(&j, "kind", w.kind);
	jw_string(&j, "process", p->process);
	jw_string(&j, "ip", p->ip);
	jw_end_object(&j);
	return jw_done(&j) ? jw_done(&j) : n;
}

static void put_condition(struct writer *w, const char *side, const struct who *end, bool first)
{
	for (size_t i = 0; i < 2 && end->field[i]; i++) {
		/* An empty second field does not tell ends apart, except for the unknown. */
		if (i && !*end->value[i] && *end->value[0])
			continue;
		writer_printf(w, "%s%s.%s == ", first && !i ? "" : " and ", side, end->field[i]);
		quote_kfl(w, end->value[i]);
	}
}

static int start_edge(struct map *m, const struct entry *e, size_t src, size_t dst)
{
	struct edge edge = { .src = src, .dst = dst, .q = m->text.len };
	struct who from = identify(e, true), to = identify(e, false);
	struct writer w = { .out = &m->text };

	put_condition(&w, "src", &from, true);
	put_condition(&w, "dst", &to, false);
	edge.q_len = m->text.len - edge.q;
	return w.error ? w.error : buf_put(&m->list, &edge, sizeof(edge));
}

static int add_protocol(struct map *m, struct edge *edge, const char *protocol)
{
	int64_t n = index_of(&m->protocols, protocol, strlen(protocol));

	if (n < 0)
		return (int)n;
	for (size_t i = 0; i < edge->protocols; i++)
		if (edge->protocol[i] == (size_t)n)
			return 0;
	if (edge->protocols < EDGE_PROTOCOLS)
		edge->protocol[edge->protocols++] = (size_t)n;
	return 0;
}

static int add(void *ctx, const struct entry *whole)
{
	struct map *m = ctx;
	const struct entry hidden = hide_columns(whole, m->filter), *e = &hidden;
	int64_t ends[2] = { add_node(m, e, true), add_node(m, e, false) };
	size_t known = m->edges.count;

	if (ends[0] < 0 || ends[1] < 0)
		return -ENOMEM;
	int64_t n = index_of(&m->edges, (const char *)ends, sizeof(ends));
	int r = n < 0 ? (int)n : 0;
	if (!r && m->edges.count > known)
		r = start_edge(m, e, (size_t)ends[0], (size_t)ends[1]);
	if (r)
		return r;
	struct edge *edge = (struct edge *)m->list.data + n;
	edge->entries++;
	edge->errors += outcome_is_error(entry_outcome(e));
	edge->bytes += (uint64_t)e->request_size + (uint64_t)e->response_size;
	return add_protocol(m, edge, e->protocol);
}

/* The texts of an index in order, for numbers to be turned back. */
static void list_keys(const struct index *x, const char **ret)
{
	const char *p = x->keys.data;

	for (size_t i = 0; i < x->count; i++, p += strlen(p) + 1)
		ret[i] = p;
}

static void put_edge(struct jw *j, const struct map *m, const struct edge *e, double seconds,
		     const char *const *nodes, const char *const *protocols)
{
	jw_object(j, NULL);
	jw_string(j, "src", nodes[e->src]);
	jw_string(j, "dst", nodes[e->dst]);
	jw_uint(j, "entries", e->entries);
	jw_uint(j, "errors", e->errors);
	jw_uint(j, "bytes", e->bytes);
	jw_real(j, "rate", (double)e->entries / seconds, 3);
	jw_text(j, "q", m->text.data + e->q, e->q_len);
	jw_array(j, "protocols");
	for (size_t i = 0; i < e->protocols; i++)
		jw_string(j, NULL, protocols[e->protocol[i]]);
	jw_end_array(j);
	jw_end_object(j);
}

static int put_map(struct buf *out, const struct map *m, const struct window *w)
{
	const char **names = calloc(m->nodes.count + m->protocols.count + 1, sizeof(*names));
	double seconds = (double)(w->last_us - w->first_us) / 1e6;
	struct jw j = jw_begin(out);

	if (!names)
		return -ENOMEM;
	list_keys(&m->nodes, names);
	list_keys(&m->protocols, names + m->nodes.count);
	jw_object(&j, NULL);
	jw_array(&j, "nodes");
	if (m->node_json.len)
		jw_raw(&j, NULL, m->node_json.data, m->node_json.len);
	jw_end_array(&j);
	jw_array(&j, "edges");
	for (size_t i = 0; i < m->edges.count; i++)
		put_edge(&j, m, (const struct edge *)m->list.data + i, seconds > 1 ? seconds : 1,
			 names, names + m->nodes.count);
	jw_end_array(&j);
	window_put(w, &j);
	jw_end_object(&j);
	free(names);
	return jw_done(&j);
}

void map_get(struct request *r)
{
	struct map m = { 0 };
	struct window w = { .add = add, .ctx = &m };
	struct kfl *filter;

	if (!param_filter(r, &filter))
		return;
	m.filter = filter;
	if (window_scan(r, filter, &w))
		reply_json(r, put_map(&r->answer.body, &m, &w));
	kfl_free(filter);
	index_free(&m.nodes);
	index_free(&m.edges);
	index_free(&m.protocols);
	buf_free(&m.node_json);
	buf_free(&m.text);
	buf_free(&m.list);
	buf_free(&m.key);
}
