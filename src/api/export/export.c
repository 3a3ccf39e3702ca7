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
#define LOOK_ENTRIES 2000

/* The event loop sends the page while no task runs; the task makes the next one while it waits. */
struct export
{
	struct task task;
	struct api *api;
	struct MHD_Connection *conn;
	const struct export_format *format;
	void *state;
	struct kfl *filter, *look; /* of the file; of what is looked at first */
	enum { EXPORT_LOOK, EXPORT_BEGIN, EXPORT_BEFORE, EXPORT_ENTRIES } phase;
	int64_t after, last; /* entries behind the one, up to the other */
	int64_t left;	     /* of limit(n), -1 without one */
	struct buf page;
	size_t sent;
	bool done;
	int error;
};

/* The next phase begins with the first entry. */
static void begin_phase(struct export *x, int phase)
{
	x->phase = phase;
	x->after = 0;
	x->left = x->filter ? kfl_limit(x->filter) : -1;
}

static bool add_entry(void *ctx, const struct entry *e)
{
	struct export *x = ctx;

	if (!x->left)
		return false;
	x->after = e->id;
	if (x->phase == EXPORT_LOOK)
		x->error = x->format->look(x->state, e);
	else
		x->error = x->format->add(x->state, e, x->filter, &x->page);
	if (x->left > 0)
		x->left--;
	return !x->error && x->left && x->page.len < PAGE_BYTES;
}

/* Entries from the cursor on; leaves the cursor behind what was looked at. True: these were all. */
static bool read_page(struct export *x)
{
	bool look = x->phase == EXPORT_LOOK;
	const struct store_query q = {
		.filter = look && !x->filter ? x->look : x->filter,
		.after = x->after,
		.before = x->last + 1,
		.limit = look ? LOOK_ENTRIES : PAGE_ENTRIES,
		.oldest_first = true,
		.with_payload = !look,
		.time_limit_ms = LIMIT_QUERY_MS,
	};
	struct store_page page = { 0 };
	char error[256] = "";
	int e = store_select(x->api->store, &q, add_entry, x, &page, error, sizeof(error));

	if (e) {
		log_warn("export: %s; the file ends early", error[0] ? error : strerror(-e));
		x->error = e;
		return true;
	}
	bool all = x->page.len < PAGE_BYTES && !page.next;
	if (page.partial && page.next > x->after)
		x->after = page.next;
	return all || !x->left || x->after >= x->last;
}

static void run_phase(struct export *x)
{
	bool over = true;

	switch (x->phase) {
	case EXPORT_LOOK:
		if (!x->format->look || read_page(x))
			x->phase = EXPORT_BEGIN;
		break;
	case EXPORT_BEGIN:
		x->error = x->format->begin(x->state, &x->page);
		x->phase = EXPORT_BEFORE;
		break;
	case EXPORT_BEFORE:
		if (x->format->before)
			x->error = x->format->before(x->state, &x->page, &over);
		if (over)
			begin_phase(x, EXPORT_ENTRIES);
		break;
	case EXPORT_ENTRIES:
		x->done = read_page(x);
		if (!x->error && x->done)
			x->error = x->format->end(x->state, &x->page);
		break;
	}
}

static void run(struct task *t)
{
	struct export *x = (struct export *)((char *)t - offsetof(struct export, task));

	buf_reset(&x->page);
	x->sent = 0;
	run_phase(x);
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
	kfl_free(x->look);
	buf_free(&x->page);
	free(x);
}

static int compile_look(struct export *x)
{
	const char *q = x->format->look_query;
	struct kfl_error error;

	return x->filter || !q ? 0 : kfl_compile(q, strlen(q), &x->look, &error);
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
		.task.run = run,
	};
	begin_phase(x, EXPORT_LOOK);
	r->api->exports++;
	if (!compile_look(x))
		x->state = format->open(r);
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
	if (format->look && filter && kfl_redacted(filter, 0)) {
		kfl_free(filter);
		problem(r, MHD_HTTP_BAD_REQUEST, "q",
			"redact() hides what packets show: ask for them without it");
		return;
	}
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
