// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The scripts: a session in which something fails, and what must be so afterwards. When nothing
 * fails any more, what comes next is stored and found, all that got an id is there, what got none
 * is counted, and the database is whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sanitizer/lsan_interface.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/api.h"
#include "api/server_stats.h"
#include "base/limits.h"
#include "base/log.h"
#include "entry.h"
#include "fault_session.h"
#include "kfl/kfl.h"
#include "redact/redact.h"
#include "session/flow.h"
#include "session/session.h"
#include "store/store.h"

#define BATCH_MAX 256
#define IDS_MAX	  512
#define SECOND	  1000000LL
#define EXCHANGES 11 /* of a script without faults */

/* What a run has, while it goes on. */
struct run {
	char path[256], socket[256];
	struct sessions *sessions;
	struct redact *redact;
	struct store *store;
	struct api *api;
	struct entry *batch[BATCH_MAX];
	size_t count;
	int64_t now;
	int64_t ids[IDS_MAX];
	size_t id_count;
	uint64_t unstored; /* got no id */
	size_t emitted;	   /* without a store */
	bool small;	   /* what is old is dropped */
};

static void collect(void *ctx, struct entry *e)
{
	struct run *r = ctx;

	if (r->count == BATCH_MAX)
		fail("more entries than expected");
	r->batch[r->count++] = e;
}

static void note_id(struct run *r, const struct entry *e)
{
	if (!e->id) {
		r->unstored++;
		return;
	}
	for (size_t i = 0; i < r->id_count; i++)
		if (r->ids[i] == e->id)
			return;
	if (r->id_count == IDS_MAX)
		fail("more ids than expected");
	r->ids[r->id_count++] = e->id;
}

static void drop_all(struct run *r)
{
	for (size_t i = 0; i < r->count; i++) {
		redact_entry(r->redact, r->batch[i]);
		r->emitted += !r->batch[i]->open;
		entry_free(r->batch[i]);
	}
	r->count = 0;
}

/* As store_batch() of serve.c. */
static void store_all(struct run *r)
{
	if (!r->store) {
		drop_all(r);
		return;
	}
	for (size_t i = 0; i < r->count; i++)
		redact_entry(r->redact, r->batch[i]);
	store_append(r->store, r->batch, r->count);
	if (r->api)
		api_publish(r->api, r->batch, r->count);
	for (size_t i = 0; i < r->count; i++) {
		note_id(r, r->batch[i]);
		entry_free(r->batch[i]);
	}
	r->count = 0;
}

static void say(struct run *r, const struct flow *f, enum dir dir, uint64_t *at, const char *text,
		size_t missing)
{
	struct flow_data d = { .dir = dir,
			       .why = GAP_TRUNCATED,
			       .offset = *at,
			       .span = strlen(text) + missing,
			       .bytes = (const uint8_t *)text,
			       .len = strlen(text),
			       .goroutine = 7 };

	*at += d.span;
	r->now += 1000;
	flow_data(r->sessions, f, r->now, &d);
}

static void begin_flow(struct run *r, const struct flow *f, bool client, uint16_t port)
{
	const struct flow_open o = {
		.comm = "curl", .library = "openssl", .lock = LOCK_OPEN, .tls = true, .netns = 1
	};
	struct flow_socket b = { .family = 4,
				 .local_ip = { 127, 0, 0, 1 },
				 .remote_ip = { 127, 0, 0, 1 },
				 .local_port = client ? port : 443,
				 .remote_port = client ? 443 : port,
				 .netns = 1,
				 .opener = client ? OPENER_LOCAL : OPENER_REMOTE,
				 .how = "nested",
				 .strong = true };

	r->now += 1000;
	flow_open(r->sessions, f, r->now, &o);
	flow_socket(r->sessions, f, r->now, &b);
}

#define ASK                                                                                        \
	"POST /login?token=abcdefghijk&x=%41 HTTP/1.1\r\nHost: a.example\r\nCookie: "              \
	"sid=secret7\r\n"                                                                          \
	"Authorization: Bearer abcdefghijklmnop\r\nContent-Type: application/json\r\n"             \
	"Content-Length: 33\r\n\r\n{\"user\":\"x\",\"password\":\"hunter\"} "
#define ANSWER                                                                                     \
	"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: sid=9\r\n"   \
	"Content-Type: text/html\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"              \
	"5\r\nhello\r\n3\r\nyou\r\n0\r\nX: 1\r\n\r\n"

/* Both ends of a connection, an exchange and one that is cut. */
static void talk(struct run *r, uint64_t number)
{
	const struct flow client = { 100, number, 1 }, server = { 200, number, 1 };
	uint16_t port = (uint16_t)(1000 + number);
	uint64_t c[2] = { 0 }, s[2] = { 0 };

	begin_flow(r, &client, true, port);
	begin_flow(r, &server, false, port);
	say(r, &client, DIR_WRITE, &c[1], ASK, 0);
	say(r, &server, DIR_READ, &s[0], ASK, 0);
	say(r, &server, DIR_WRITE, &s[1], ANSWER, 0);
	say(r, &client, DIR_READ, &c[0], ANSWER, 0);
	say(r, &client, DIR_WRITE, &c[1], "GET /cut HTTP/1.1\r\nHost: a\r\n\r\n", 0);
	say(r, &server, DIR_READ, &s[0], "GET /cut HTTP/1.1\r\nHost: a\r\n\r\n", 0);
	say(r, &server, DIR_WRITE, &s[1], "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nbeg", 87);
	say(r, &client, DIR_READ, &c[0], "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nbeg", 87);
	flow_close(r->sessions, &client, r->now, c);
	flow_close(r->sessions, &server, r->now, s);
}

/* Large bodies, one of them coded; an upgrade; what is no HTTP; a gap. */
static void talk_more(struct run *r)
{
	static const char body[] =
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4000"
		"\r\n\r\n";
	const struct flow f[3] = { { 300, 1, 1 }, { 300, 2, 1 }, { 300, 3, 1 } };
	uint64_t at[3][2] = { 0 };
	char big[4001];

	for (int i = 0; i < 3; i++)
		begin_flow(r, &f[i], true, (uint16_t)(2000 + i));
	memset(big, 'b', 4000);
	big[4000] = '\0';
	say(r, &f[0], DIR_WRITE, &at[0][1], "GET /big HTTP/1.1\r\nHost: a\r\n\r\n", 0);
	say(r, &f[0], DIR_READ, &at[0][0], body, 0);
	say(r, &f[0], DIR_READ, &at[0][0], big, 0);
	say(r, &f[1], DIR_WRITE, &at[1][1], "GET /up HTTP/1.1\r\nUpgrade: x\r\n\r\n", 0);
	say(r, &f[1], DIR_READ, &at[1][0], "HTTP/1.1 101 Up\r\nUpgrade: x\r\n\r\nwelcome", 0);
	say(r, &f[1], DIR_WRITE, &at[1][1], "\1\2\3\4", 100);
	say(r, &f[2], DIR_WRITE, &at[2][1], "\x16 none of these", 0);
	say(r, &f[2], DIR_READ, &at[2][0], "\x17 and an answer", 20);
	say(r, &f[2], DIR_WRITE, &at[2][1], "GET /late HTTP/1.1\r\nHost: a\r\n\r\n", 0);
	for (int i = 0; i < 3; i++)
		flow_close(r->sessions, &f[i], r->now, at[i]);
}

/* An exchange that goes on, told three times. */
static void talk_long(struct run *r)
{
	const struct flow f = { 400, 1, 1 };
	uint64_t at[2] = { 0 };

	begin_flow(r, &f, true, 3000);
	say(r, &f, DIR_WRITE, &at[1], "GET /long HTTP/1.1\r\nHost: a\r\n\r\n", 0);
	for (int i = 0; i < 2; i++) {
		say(r, &f, DIR_READ, &at[0],
		    i ? "more" : "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nbegin", 0);
		r->now += 3 * SECOND;
		sessions_tick(r->sessions, r->now);
		store_all(r);
	}
	say(r, &f, DIR_READ, &at[0], "and the end", 0);
	flow_close(r->sessions, &f, r->now, at);
	r->now += 20 * SECOND;
	sessions_tick(r->sessions, r->now);
}

static bool take_row(void *ctx, const struct entry *row)
{
	(void)ctx;
	return row->id > 0;
}

static void ask_store(struct run *r)
{
	static const char *const queries[] = {
		"", "http and status_code == 200", "request.headers[\"host\"] == \"a.example\"",
		"response.body.contains(\"b\") or path.matches(\"^/l.*\")",
		"limit(3) and not complete"
	};
	char error[256];

	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
		uint64_t counts[60][OUTCOMES] = { 0 };
		struct store_page page;
		struct store_counted counted;
		struct kfl_error e;
		struct kfl *k = NULL;
		struct entry *entry;

		if (store_compile(r->store, queries[i], strlen(queries[i]), &k, &e))
			continue;
		struct store_query q = { .filter = k, .limit = 50, .with_payload = i & 1 };
		struct store_histogram h = { .filter = i ? k : NULL,
					     .bucket_us = SECOND,
					     .buckets = 60 };
		store_select(r->store, &q, take_row, r, &page, error, sizeof(error));
		store_count(r->store, &h, counts, &counted, error, sizeof(error));
		if (r->id_count > i && !store_get(r->store, r->ids[i], &entry))
			entry_free(entry);
		kfl_free(k);
	}
}

static int open_store(struct run *r)
{
	const struct store_options o = { .uri = r->path,
					 .max_size = r->small ? 1 << 20 : 8 << 20,
					 .readers = 4 };
	char error[256] = "";
	int err = store_open(&o, getuid(), getgid(), &r->store, error, sizeof(error));

	if (err && !*error)
		fail("store_open() does not say why: %s", strerror(-err));
	return err;
}

static void open_sessions(struct run *r)
{
	const struct entry_sink sink = { .emit = collect, .ctx = r };
	const struct session_options o = { .node = "host1" };

	if (!r->sessions)
		r->sessions = sessions_new(&sink, &o);
}

static void open_redact(struct run *r)
{
	const char *const rules[] = { "header:x-mine", "body:pin" };
	char error[256];

	if (!r->redact)
		redact_new(rules, 2, true, &r->redact, error, sizeof(error));
}

/* Each exchange is told, or counted as lost. */
static void check_emitted(const struct run *r)
{
	struct session_stats s = sessions_stats(r->sessions);

	if (!fault_happened() && r->emitted != EXCHANGES)
		fail("%zu exchanges were told, not %d", r->emitted, EXCHANGES);
	if (r->emitted < EXCHANGES && !s.no_memory && !s.refused && !s.lost_bytes)
		fail("%zu of %d exchanges were told, and no loss was counted", r->emitted,
		     EXCHANGES);
}

/* Without a store. */
static void run_messages(struct run *r)
{
	open_redact(r);
	open_sessions(r);
	if (!r->redact || !r->sessions)
		return;
	talk(r, 1);
	talk_more(r);
	talk_long(r);
	drop_all(r);
	check_emitted(r);
}

/* What fails meanwhile is to be left out, as serve.c would give up. */
static void run_session(struct run *r)
{
	open_redact(r);
	open_sessions(r);
	if (!r->redact || !r->sessions || open_store(r))
		return;
	talk(r, 1);
	store_all(r);
	talk_more(r);
	talk_long(r);
	store_all(r);
	store_maintain(r->store, r->now);
	ask_store(r);
}

/* More than its bounds allow: segments begin and are dropped. */
static void run_bounds(struct run *r)
{
	static char body[50001];
	const struct flow f = { 500, 1, 1 };
	uint64_t at[2] = { 0 };

	memset(body, 'b', sizeof(body) - 1);
	begin_flow(r, &f, true, 4000);
	for (int i = 0; i < 24; i++) {
		say(r, &f, DIR_WRITE, &at[1], "GET /much HTTP/1.1\r\nHost: a\r\n\r\n", 0);
		say(r, &f, DIR_READ, &at[0], "HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n", 0);
		say(r, &f, DIR_READ, &at[0], body, 0);
		store_all(r);
	}
	flow_close(r->sessions, &f, r->now, at);
	store_maintain(r->store, r->now);
	if (!fault_happened() && !store_stats(r->store).dropped_entries)
		fail("nothing was dropped");
}

static void prepare_bounds(struct run *r)
{
	r->small = true;
	open_redact(r);
	open_sessions(r);
	if (open_store(r))
		fail("the store does not open");
}

static void no_stats(void *ctx, struct server_stats *ret)
{
	(void)ctx;
	ret->ready = true;
}

static int no_targets(void *ctx, probed_file_fn *fn, void *fn_ctx)
{
	(void)ctx;
	(void)fn;
	(void)fn_ctx;
	return 0;
}

static int not_paused(void *ctx, bool paused)
{
	(void)ctx;
	(void)paused;
	return 0;
}

/* The answer's status; 0: the connection was closed without one. */
static int request(const struct run *r, const char *target)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct timeval patience = { SITE_SECONDS / 2, 0 };
	char text[4096];
	int status = 0, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", r->socket);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	int n = snprintf(text, sizeof(text),
			 "GET %s HTTP/1.1\r\nHost: localhost\r\n"
			 "Accept-Encoding: gzip\r\nConnection: close\r\n\r\n",
			 target);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) || send(fd, text, (size_t)n, 0) != n)
		fail("connect to the API: %s", strerror(errno));
	ssize_t got = recv(fd, text, sizeof(text) - 1, MSG_WAITALL);
	if (got < 0 && errno == EAGAIN)
		fail("no answer to %s", target);
	if (got > 0) {
		text[got] = '\0';
		sscanf(text, "HTTP/1.1 %d", &status);
	}
	while (recv(fd, text, sizeof(text), 0) > 0)
		;
	close(fd);
	return status;
}

static const char *const targets[] = {
	"/api/entries?limit=5&q=http",
	"/api/entries/1",
	"/api/entries/1/response/body",
	"/api/entries/1?q=redact(\"path\")",
	"/api/histogram?from=0&to=100000&buckets=10",
	"/api/export/har?q=http",
	"/api/export/pcapng",
	"/api/connections",
	"/api/map",
	"/api/coverage",
	"/api/stats",
	"/metrics",
	"/api/kfl/fields",
	"/api/kfl/validate?q=a.b",
	"/nowhere",
	"/index.html",
};

static int start_api(struct run *r)
{
	const struct api_source source = { .stats = no_stats,
					   .targets = no_targets,
					   .set_paused = not_paused };
	const struct api_options o = { .unix_socket = r->socket,
				       .token = "secret",
				       .version = "0" };
	char error[256] = "";
	int err = api_start(&o, &source, r->store, &r->api, error, sizeof(error));

	if (err && !*error)
		fail("api_start() does not say why: %s", strerror(-err));
	return err;
}

static void stop_api(struct run *r)
{
	api_stop(r->api);
	r->api = NULL;
	unlink(r->socket);
}

static void run_api(struct run *r)
{
	if (start_api(r))
		return;
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++)
		request(r, targets[i]);
}

/* Before anything fails, what the API is asked about. */
static void prepare_api(struct run *r)
{
	open_redact(r);
	open_sessions(r);
	if (open_store(r))
		fail("the store does not open");
	talk(r, 1);
	talk_long(r);
	store_all(r);
}

const struct script scripts[] = {
	{ "messages", NULL, run_messages, false, true },
	{ "wire", NULL, run_wire, false, false },
	{ "session", NULL, run_session, false, false },
	{ "bounds", prepare_bounds, run_bounds, false, false },
	{ "api", prepare_api, run_api, true, false },
	{ 0 },
};

static void check_whole(struct run *r)
{
	sqlite3_stmt *s = NULL;
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(r->path, &db, SQLITE_OPEN_READWRITE, NULL) ||
	    sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL) ||
	    sqlite3_step(s) != SQLITE_ROW)
		fail("the database does not open: %s", sqlite3_errmsg(db));
	if (strcmp((const char *)sqlite3_column_text(s, 0), "ok"))
		fail("integrity_check: %s", sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	sqlite3_close(db);
}

static void check_stored(struct run *r)
{
	for (size_t i = 0; i < r->id_count; i++) {
		struct entry *e;
		int err = store_get(r->store, r->ids[i], &e);
		if (err == -ENOENT && r->ids[i] < store_stats(r->store).first_id)
			continue; /* dropped */
		if (err)
			fail("entry %" PRId64 " is not there: %s", r->ids[i], strerror(-err));
		entry_free(e);
	}
}

/* What got no id is counted: by the store, or as a version too many. */
static void check_counted(const struct run *r)
{
	struct store_stats s = store_stats(r->store);

	if (r->unstored && !s.lost_entries && !s.passed_over)
		fail("%" PRIu64 " entries were lost, and not counted", r->unstored);
}

/* Nothing fails any more: what comes now is stored whole. */
static void go_on(struct run *r, const struct script *script)
{
	bool before = r->store != NULL;

	open_redact(r);
	open_sessions(r);
	if (!r->redact || !r->sessions)
		fail("sessions or redaction do not open afterwards");
	if (!r->store && open_store(r))
		fail("the store does not open afterwards");
	if (before)
		check_counted(r);
	store_all(r);
	size_t had = r->id_count;
	talk(r, 99);
	r->now += 20 * SECOND;
	sessions_tick(r->sessions, r->now);
	uint64_t unstored = r->unstored;
	store_all(r);
	if (r->id_count < had + 2 || r->unstored != unstored)
		fail("%zu of 2 new entries were stored", r->id_count - had);
	check_stored(r);
	if (!script->api)
		return;
	if (!r->api && start_api(r))
		fail("the API does not start afterwards");
	for (size_t i = 0; i < 2; i++)
		if (request(r, targets[i]) != 200)
			fail("%s is not answered afterwards", targets[i]);
}

static void close_all(struct run *r)
{
	stop_api(r);
	sessions_free(r->sessions);
	for (size_t i = 0; i < r->count; i++)
		entry_free(r->batch[i]);
	store_close(r->store);
	redact_free(r->redact);
}

void try_site(const struct script *script, const char *folder, enum fault_kind kind, long nth,
	      bool lasting, long ret_count[static FAULT_KINDS])
{
	static const char *const files[] = { "db", "db-wal", "db-shm", "db-bodies", "db-journal" };
	struct run r = { .now = 1000 * SECOND };
	char name[300];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(name, sizeof(name), "%s/%s", folder, files[i]);
		unlink(name);
	}
	snprintf(r.path, sizeof(r.path), "%s/db", folder);
	snprintf(r.socket, sizeof(r.socket), "%s/sock", folder);
	unlink(r.socket);
	alarm(SITE_SECONDS);
	if (script->prepare)
		script->prepare(&r);
	fault_begin(kind, nth, lasting);
	script->run(&r);
	fault_end(ret_count);
	go_on(&r, script);
	close_all(&r);
	check_whole(&r);
	if (open_store(&r))
		fail("the store does not open again");
	check_stored(&r);
	store_close(r.store);
	if (__lsan_do_recoverable_leak_check())
		fail("memory is leaked");
}
