// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /api/coverage: of each program, how many TLS connections recent entries came over, and which
 * programs have a TLS library that is not read. Connections that nothing was read of are not
 * counted yet: that takes the wire.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "api/index.h"
#include "api/problem.h"
#include "api/request.h"
#include "api/route.h"
#include "api/server.h"
#include "api/window.h"
#include "entry.h"

#define NOTE                                                                                       \
	"Counts the TLS connections that recent entries were read from. Connections that were "    \
	"not "                                                                                     \
	"read at all are not counted: this cleartap does not watch the wire."

struct workload {
	size_t process, container; /* offsets of texts */
	size_t library, reason;
	uint64_t connections, entries, bytes;
};

struct coverage {
	struct index index, connections, pids;
	struct buf by_pid; /* of size_t: the workload that the entries of a pid were of */
	struct buf list;   /* of struct workload */
	struct buf texts;  /* NUL-terminated; offset 0 is "" */
	struct buf key;
};

static int keep_text(struct coverage *c, const char *text, size_t *ret)
{
	*ret = c->texts.len;
	return buf_put(&c->texts, text, strlen(text) + 1);
}

static int find_workload(struct coverage *c, const char *process, const char *container,
			 struct workload **ret)
{
	size_t known = c->index.count;
	struct workload w = { 0 };

	buf_reset(&c->key);
	if (buf_printf(&c->key, "%s@%s", process, container))
		return -ENOMEM;
	int64_t n = index_of(&c->index, c->key.data, c->key.len);
	if (n < 0)
		return (int)n;
	if (c->index.count > known &&
	    (keep_text(c, process, &w.process) || keep_text(c, container, &w.container) ||
	     buf_put(&c->list, &w, sizeof(w))))
		return -ENOMEM;
	*ret = (struct workload *)c->list.data + n;
	return 0;
}

/* The end that cleartap reads from. */
static const struct endpoint *traced_end(const struct entry *e)
{
	if (!strcmp(e->role, "server"))
		return &e->dst;
	return !strcmp(e->role, "client") || e->src.pid ? &e->src : &e->dst;
}

/* Entries come newest first: the name that a process has now is the one that counts. */
static int note_pid(struct coverage *c, int32_t pid, const struct workload *w)
{
	size_t known = c->pids.count, n = (size_t)(w - (struct workload *)c->list.data);

	if (pid <= 0)
		return 0;
	if (index_of(&c->pids, (const char *)&pid, sizeof(pid)) < 0)
		return -ENOMEM;
	return c->pids.count > known ? buf_put(&c->by_pid, &n, sizeof(n)) : 0;
}

static int add(void *ctx, const struct entry *e)
{
	struct coverage *c = ctx;
	const struct endpoint *p = traced_end(e);
	size_t known = c->connections.count;
	struct workload *w;
	int r;

	if (!e->tls || e->lock != LOCK_OPEN)
		return 0;
	r = find_workload(c, p->process, p->container, &w);
	r = r ? r : note_pid(c, p->pid, w);
	if (r)
		return r;
	int64_t n = index_of(&c->connections, e->connection, strlen(e->connection));
	w->connections += c->connections.count > known;
	w->entries++;
	w->bytes += (uint64_t)e->request_size + (uint64_t)e->response_size;
	if (!w->library && *e->library)
		r = keep_text(c, e->library, &w->library);
	return n < 0 ? (int)n : r;
}

static const char *text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

/* A program that has changed its name since it was found goes by the one in its entries. */
static int find_program(struct coverage *c, const json_t *p, struct workload **ret)
{
	int32_t pid = (int32_t)json_integer_value(json_object_get(p, "pid"));
	int64_t n = index_of(&c->pids, (const char *)&pid, sizeof(pid));

	if (n < 0)
		return (int)n;
	/* Those behind were no entry's. */
	if ((size_t)n < c->by_pid.len / sizeof(size_t)) {
		*ret = (struct workload *)c->list.data + ((const size_t *)c->by_pid.data)[n];
		return 0;
	}
	return find_workload(c, text_of(p, "process"), text_of(p, "container"), ret);
}

static int add_target(struct coverage *c, const json_t *target)
{
	bool attached = !strcmp(text_of(target, "state"), "attached");
	const json_t *processes = json_object_get(target, "processes"), *p;
	struct workload *w;
	size_t i;
	int r = 0;

	json_array_foreach(processes, i, p)
	{
		r = find_program(c, p, &w);
		if (!r && !w->library)
			r = keep_text(c, text_of(target, "library"), &w->library);
		if (!r && !attached && !w->reason)
			r = keep_text(c, text_of(target, "reason"), &w->reason);
		if (r)
			return r;
	}
	return r;
}

/* Programs with a TLS library are listed before they have said anything. */
static int add_targets(struct coverage *c, const struct api_source *source)
{
	struct buf b = { 0 };
	json_t *o = NULL;
	const json_t *target;
	size_t i;
	int r = source->put_targets(source->ctx, &b);

	if (!r)
		o = json_loadb(b.len ? b.data : "", b.len, JSON_ALLOW_NUL, NULL);
	json_array_foreach(json_object_get(o, "targets"), i, target)
	{
		r = add_target(c, target);
		if (r)
			break;
	}
	json_decref(o);
	buf_free(&b);
	return r;
}

static int put_text(struct buf *out, const struct coverage *c, const char *name, size_t at)
{
	const char *text = c->texts.data + at;
	int r = buf_printf(out, "\"%s\":", name);

	r = r ? r : buf_put_json(out, text, strlen(text));
	return r ? r : buf_putc(out, ',');
}

static int put_workload(struct buf *out, const struct coverage *c, const struct workload *w)
{
	int r = buf_putc(out, '{');

	r = r ? r : put_text(out, c, "process", w->process);
	r = r ? r : put_text(out, c, "container", w->container);
	r = r ? r : put_text(out, c, "library", w->library);
	r = r ? r : put_text(out, c, "reason", w->reason);
	return r ? r
		 : buf_printf(out,
			      "\"connections\":%" PRIu64 ",\"open\":%" PRIu64
			      ",\"entries\":%" PRIu64 ",\"bytes\":%" PRIu64 "}",
			      w->connections, w->connections, w->entries, w->bytes);
}

static int put_coverage(struct buf *out, const struct coverage *c, const struct window *w)
{
	int r = buf_puts(out, "{\"workloads\":[");

	for (size_t i = 0; !r && i < c->index.count; i++) {
		r = i ? buf_puts(out, ",\n") : 0;
		r = r ? r : put_workload(out, c, (const struct workload *)c->list.data + i);
	}
	r = r ? r : buf_puts(out, "],\"note\":\"" NOTE "\",");
	r = r ? r : window_put(w, out);
	return r ? r : buf_puts(out, "}\n");
}

void coverage_get(struct request *r)
{
	struct coverage c = { 0 };
	struct window w = { .add = add, .ctx = &c };

	int e = buf_putc(&c.texts, '\0');
	if (!e && window_scan(r, NULL, &w)) {
		e = add_targets(&c, &r->api->source);
		answer_json(r, e ? e : put_coverage(&r->answer.body, &c, &w));
	} else if (e) {
		problem_errno(r, e);
	}
	index_free(&c.index);
	index_free(&c.connections);
	index_free(&c.pids);
	buf_free(&c.by_pid);
	buf_free(&c.list);
	buf_free(&c.texts);
	buf_free(&c.key);
}
