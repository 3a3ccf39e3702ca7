// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/export/export.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/problem.h"
#include "api/answer.h"
#include "api/param.h"
#include "api/request.h"
#include "api/state.h"
#include "api/workers.h"
#include "entry.h"
#include "kfl/kfl.h"
#include "base/log.h"
#include "store/store.h"

#define PAGE_ENTRIES 200
#define PAGE_BYTES   (1 << 20)

/* The event loop sends the page while no task runs; the task makes the next one while it waits. */
struct export
{
	struct task task;
	struct api *api;
	struct MHD_Connection *conn;
	const struct export_format *format;
	void *state;
	struct kfl *filter;
	int64_t after, last; /* entries behind the one, up to the other */
	int64_t left;	     /* of limit(n), -1 without one */
	struct buf page;
	size_t sent;
	bool started, done;
	int error;
};

static bool add_entry(void *ctx, const struct entry *e)
{
	struct export *x = ctx;

	if (!x->left)
		return false;
	x->after = e->id;
	x->error = x->format->add(x->state, e, x->filter, &x->page);
	if (x->left > 0)
		x->left--;
	return !x->error && x->left && x->page.len < PAGE_BYTES;
}

/* Entries from the cursor on; leaves the cursor behind what was looked at. */
static void read_page(struct export *x)
{
	const struct store_query q = {
		.filter = x->filter,
		.after = x->after,
		.before = x->last + 1,
		.limit = PAGE_ENTRIES,
		.oldest_first = true,
		.with_payload = true,
		.time_limit_ms = LIMIT_QUERY_MS,
	};
	struct store_page page = { 0 };
	char error[256] = "";
	int e = store_select(x->api->store, &q, add_entry, x, &page, error, sizeof(error));

	if (e) {
		log_warn("export: %s; the file ends early", error[0] ? error : strerror(-e));
		x->error = e;
		return;
	}
	if (x->page.len < PAGE_BYTES && !page.next)
		x->done = true;
	if (page.partial && page.next > x->after)
		x->after = page.next;
	x->done |= !x->left || x->after >= x->last;
}

static void run(struct task *t)
{
	struct export *x = (struct export *)((char *)t - offsetof(struct export, task));

	buf_reset(&x->page);
	x->sent = 0;
	if (!x->started)
		x->error = x->format->begin(x->state, &x->page);
	x->started = true;
	if (!x->error)
		read_page(x);
	if (!x->error && x->done)
		x->error = x->format->end(x->state, &x->page);
	MHD_resume_connection(x->conn);
}

static ssize_t read_export(void *ctx, char *out, size_t max)
{
	struct export *x = ctx;
	size_t n = x->page.len - x->sent;

	if (x->error)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n) {
		n = n < max ? n : max;
		memcpy(out, x->page.data + x->sent, n);
		x->sent += n;
		return (ssize_t)n;
	}
	if (x->done)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (workers_suspend(x->api->workers, x->conn, &x->task))
		x->error = -EAGAIN;
	return 0;
}

static void free_export(void *ctx)
{
	struct export *x = ctx;

	if (!x)
		return;
	x->api->exports--;
	if (x->state)
		x->format->close(x->state);
	kfl_free(x->filter);
	buf_free(&x->page);
	free(x);
}

/* Takes the filter. */
static struct export *new_export(struct request *r, const struct export_format *format,
				 struct kfl *filter)
{
	struct export *x = calloc(1, sizeof(*x));

	if (!x) {
		kfl_free(filter);
		return NULL;
	}
	*x = (struct export){
		.api = r->api,
		.conn = r->conn,
		.format = format,
		.filter = filter,
		.last = store_stats(r->api->store).last_id,
		.left = filter ? kfl_limit(filter) : -1,
		.task.run = run,
	};
	r->api->exports++;
	x->state = format->open(r->api->options.version);
	if (x->state)
		return x;
	free_export(x);
	return NULL;
}

static void name_file(struct request *r, const char *extension)
{
	time_t now = time(NULL);
	char text[32];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm);
	answer_header(r, MHD_HTTP_HEADER_CONTENT_DISPOSITION,
		      "attachment; filename=\"cleartap-%s.%s\"", text, extension);
}

void export_start(struct request *r, const struct export_format *format)
{
	struct kfl *filter;
	struct export *x = NULL;

	if (!param_filter(r, &filter))
		return;
	if (r->api->exports >= LIMIT_EXPORTS) {
		kfl_free(filter);
		answer_header(r, MHD_HTTP_HEADER_RETRY_AFTER, "5");
		problem(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, "%d exports are running already",
			LIMIT_EXPORTS);
		return;
	}
	if (r->method == METHOD_HEAD)
		kfl_free(filter);
	else
		x = new_export(r, format, filter);
	if (!x && r->method != METHOD_HEAD) {
		problem_errno(r, -ENOMEM);
		return;
	}
	r->answer.stream = (struct answer_stream){ read_export, free_export, x };
	r->answer.status = MHD_HTTP_OK;
	r->answer.type = format->type;
	name_file(r, format->extension);
}
