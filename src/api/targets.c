// SPDX-License-Identifier: GPL-2.0-or-later
/* /api/targets: the files that are probed, or left out, and who uses them. */
#include "api/handlers.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/state.h"
#include "base/json_write.h"
#include "context/registry.h"
#include "wire/wire.h"

struct target_list {
	struct jw j;
	struct wire *wire; /* NULL: it is not watched */
};

static void put_process(struct target_list *l, const struct probed_process *p)
{
	struct jw *j = &l->j;

	jw_object(j, NULL);
	jw_uint(j, "pid", p->pid);
	jw_string(j, "process", p->name);
	jw_string(j, "exe", p->exe);
	jw_string(j, "container", p->container);
	if (l->wire && wire_has_quic(l->wire, p->pid))
		jw_string(j, "not_read", reasons[REASON_QUIC].sentence);
	jw_end_object(j);
}

static int put_file(void *ctx, const struct probed_file *f)
{
	struct target_list *l = ctx;
	struct jw *j = &l->j;

	jw_object(j, NULL);
	jw_uint(j, "id", f->id);
	jw_uint(j, "points", f->points);
	jw_uint(j, "hits", f->hits);
	jw_uint(j, "inode", f->inode);
	jw_uint(j, "missed", f->missed);
	jw_uint(j, "again", f->again);
	jw_uint(j, "delay_us", f->delay_us);
	jw_string(j, "path", f->path);
	jw_string(j, "library", f->library);
	jw_string(j, "version", f->version);
	jw_string(j, "state", f->state);
	jw_string(j, "plan", f->plan);
	jw_string(j, "reason", f->reason);
	jw_array(j, "processes");
	for (size_t i = 0; i < f->process_count; i++)
		put_process(l, &f->processes[i]);
	jw_end_array(j);
	jw_end_object(j);
	return jw_done(j);
}

void targets_get(struct request *r)
{
	const struct api_source *source = &r->api->source;
	struct target_list l = { jw_begin(&r->answer.body), source->wire };

	jw_object(&l.j, NULL);
	jw_array(&l.j, "targets");
	int e = source->targets(source->ctx, put_file, &l);
	jw_end_array(&l.j);
	jw_end_object(&l.j);
	reply_json(r, e ? e : jw_done(&l.j));
}
