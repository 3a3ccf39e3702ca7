// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /api/coverage: of each program, how many TLS connections recent entries came over, and which
 * programs have a TLS library that is not read; and the ledger of the wire (src/wire/ledger.c).
 */
#include <errno.h>
#include <string.h>

#include "api/index.h"
#include "api/problem.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/handlers.h"
#include "api/state.h"
#include "api/window.h"
#include "base/json_write.h"
#include "context/registry.h"
#include "entry.h"
#include "wire/wire.h"

#define NOTE                                                                                       \
	"Workloads count the TLS connections that recent entries were read from. The ledger "      \
	"counts "                                                                                  \
	"all that went over the wire since the start."
#define NOTE_PACKETS                                                                               \
	"The wire is watched by a packet socket: what is in other network namespaces is not "      \
	"seen, and "                                                                               \
	"whose a connection is only where it is read."
#define NOTE_NO_WIRE                                                                               \
	"Workloads count the TLS connections that recent entries were read from. Connections "     \
	"that "                                                                                    \
	"were not read at all are not counted: this cleartap does not watch the wire."

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

/* Was it read at this end? An entry whose end is not told was read at the one that is known. */
static bool was_read_at(const struct entry *e, bool src)
{
	if (!strcmp(e->ends, "both"))
		return true;
	if (!strcmp(e->role, "server"))
		return !src;
	return src == (!strcmp(e->role, "client") || e->src.pid);
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

/* Each end has its own count of connections. */
static int64_t connection_number(struct coverage *c, const struct entry *e, bool src)
{
	buf_reset(&c->key);
	if (buf_printf(&c->key, "%d %s", src, e->connection))
		return -ENOMEM;
	return index_of(&c->connections, c->key.data, c->key.len);
}

static int add_end(struct coverage *c, const struct entry *e, bool src)
{
	const struct endpoint *p = src ? &e->src : &e->dst;
	struct workload *w;
	int r = find_workload(c, p->process, p->container, &w);

	if (!r)
		r = note_pid(c, p->pid, w);
	if (r)
		return r;
	size_t known = c->connections.count;
	int64_t n = connection_number(c, e, src);
	w->connections += c->connections.count > known;
	w->entries++;
	w->bytes += (uint64_t)e->request_size + (uint64_t)e->response_size;
	if (!w->library && *e->library)
		r = keep_text(c, e->library, &w->library);
	return n < 0 ? (int)n : r;
}

static int add(void *ctx, const struct entry *e)
{
	int r = 0;

	if (!e->tls || e->lock != LOCK_OPEN || !strcmp(e->protocol, "tcp"))
		return 0;
	for (int src = 1; !r && src >= 0; src--)
		if (was_read_at(e, src))
			r = add_end(ctx, e, src);
	return r;
}

/* A program that has changed its name since it was found goes by the one in its entries. */
static int find_program(struct coverage *c, const struct probed_process *p, struct workload **ret)
{
	int32_t pid = (int32_t)p->pid;
	int64_t n = index_of(&c->pids, (const char *)&pid, sizeof(pid));

	if (n < 0)
		return (int)n;
	/* Those behind were no entry's. */
	if ((size_t)n < c->by_pid.len / sizeof(size_t)) {
		*ret = (struct workload *)c->list.data + ((const size_t *)c->by_pid.data)[n];
		return 0;
	}
	return find_workload(c, p->name, p->container, ret);
}

static int add_file(void *ctx, const struct probed_file *f)
{
	struct coverage *c = ctx;
	struct workload *w;
	int r = 0;

	for (size_t i = 0; !r && i < f->process_count; i++) {
		r = find_program(c, &f->processes[i], &w);
		if (!r && !w->library)
			r = keep_text(c, f->library, &w->library);
		if (!r && !f->attached && !w->reason)
			r = keep_text(c, f->reason, &w->reason);
	}
	return r;
}

static void put_workload(struct jw *j, const struct coverage *c, const struct workload *w)
{
	jw_object(j, NULL);
	jw_string(j, "process", c->texts.data + w->process);
	jw_string(j, "container", c->texts.data + w->container);
	jw_string(j, "library", c->texts.data + w->library);
	jw_string(j, "reason", c->texts.data + w->reason);
	jw_uint(j, "connections", w->connections);
	jw_uint(j, "open", w->connections);
	jw_uint(j, "entries", w->entries);
	jw_uint(j, "bytes", w->bytes);
	jw_end_object(j);
}

static int put_coverage(struct buf *out, const struct coverage *c, const struct window *w,
			struct wire *wire)
{
	struct jw j = jw_begin(out);

	jw_object(&j, NULL);
	jw_array(&j, "workloads");
	for (size_t i = 0; i < c->index.count; i++)
		put_workload(&j, c, (const struct workload *)c->list.data + i);
	jw_end_array(&j);
	jw_string(&j, "note", !wire ? NOTE_NO_WIRE : wire_by_address(wire) ? NOTE_PACKETS : NOTE);
	if (wire)
		wire_put_coverage(wire, &j);
	window_put(w, &j);
	jw_end_object(&j);
	return jw_done(&j);
}

void coverage_get(struct request *r)
{
	const struct api_source *source = &r->api->source;
	struct coverage c = { 0 };
	struct window w = { .add = add, .ctx = &c };

	int e = buf_putc(&c.texts, '\0');
	if (!e && window_scan(r, NULL, &w)) {
		/* Programs with a TLS library are listed before they have said anything. */
		e = source->targets(source->ctx, add_file, &c);
		reply_json(r, e ? e : put_coverage(&r->answer.body, &c, &w, source->wire));
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
