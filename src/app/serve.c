// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api/api.h"
#include "api/server_stats.h"
#include "base/clock.h"
#include "body/proto_set.h"
#include "context/registry.h"
#include "dissect/graphql.h"
#include "keep/keep.h"
#include "redact/redact.h"
#include "entry.h"
#include "source/pcap.h"
#include "source/ring.h"
#include "source/source.h"
#include "base/limits.h"
#include "base/log.h"
#include "app/options.h"
#include "app/packets.h"
#include "app/privilege.h"
#include "app/queue.h"
#include "session/session.h"
#include "store/store.h"
#include "trace/tracer_message.h"
#include "wire/wire.h"

#define ERROR_SIZE	512
#define STORE_READERS	(LIMIT_API_WORKERS + 1)
#define STORE_NICE	5
#define STORE_WAIT_MS	200   /* longest time between two looks at the store's bounds */
#define BATCH_WAIT_US	20000 /* lets a batch fill: fewer, larger transactions */
#define CAPTURE_WAIT_MS 200
#define START_WAIT_MS	20 /* until a user has been told where to look */

struct server {
	const struct serve_options *options;
	struct sources *sources;
	const struct ring *ring; /* of the sources, for its numbers; NULL: a file is read */
	struct sessions *sessions;
	struct wire *wire;	     /* NULL: it is not watched */
	struct proto_set *proto_set; /* NULL: none was named */
	struct redact *redact;
	struct queue *queue;
	struct store *store;
	struct keep *keep; /* NULL: no packets are kept */
	int key_log;	   /* file of --keylog, for exports of them; -1: none */
	struct registry *registry;
	struct api_sockets *sockets; /* until the API has them */
	struct api *api;
	int statm;
	struct buf scope; /* the options that leave programs out, as given */
	uint64_t started;
	bool told; /* where to look: the first probes are in */
	_Atomic bool stopping;
	_Atomic int64_t until_ms; /* the end: what is not stored by then is not kept; 0: not yet */
	pthread_mutex_t lock;	  /* of stats */
	struct session_stats stats;
	struct pcap_stats file;
	uint64_t packets_lost;
};

static void on_entry(void *ctx, struct entry *e)
{
	queue_push_take(((struct server *)ctx)->queue, e);
}

/* Said when it begins and when it ends, not with every batch. */
static void tell_store_error(struct server *s, bool *failing, bool fails)
{
	char why[ERROR_SIZE];

	if (*failing == fails)
		return;
	*failing = fails;
	store_error(s->store, why, sizeof(why));
	if (fails)
		log_error("%s; new entries are counted, not kept, until it works again", why);
	else
		log_info("the store takes new entries again");
}

/*
 * Bodies come and go by the thousand: memory that is given back to the kernel with each, as large
 * blocks otherwise are, costs more page faults than all the rest of the work on them. It is given
 * back by store_main() when nothing is left to do.
 */
static void keep_freed_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, LIMIT_QUEUE_BYTES / 2);
	mallopt(M_TRIM_THRESHOLD, LIMIT_QUEUE_BYTES);
}

/* Not on the thread that reads the ring, for bodies are decoded and looked through. */
static void redact_batch(struct server *s, struct entry **batch, int n)
{
	bool failed = false;

	for (int i = 0; i < n; i++) {
		graphql_entry(batch[i]);
		failed |= redact_entry(s->redact, batch[i]) != 0;
	}
	if (failed)
		log_warn("out of memory: the content of some entries is not kept");
}

static void begin_end(struct server *s)
{
	atomic_store(&s->until_ms, clock_ms(CLOCK_MONOTONIC) + LIMIT_DRAIN_MS);
}

static bool out_of_time(struct server *s)
{
	int64_t until = atomic_load(&s->until_ms);

	return until && clock_ms(CLOCK_MONOTONIC) > until;
}

static void store_batch(struct server *s, struct entry **batch, size_t n, bool *failing)
{
	redact_batch(s, batch, (int)n);
	bool fails = store_append(s->store, batch, n) < 0;
	tell_store_error(s, failing, fails);
	api_publish(s->api, batch, n);
}

/* The store thread. */
static void *store_main(void *ctx)
{
	struct server *s = ctx;
	struct entry *batch[LIMIT_BATCH];
	bool failing = false, tidy = true;
	size_t left_out = 0;
	int n;

	/* On a busy machine the traced programs go first; the queue bridges that. */
	if (setpriority(PRIO_PROCESS, 0, STORE_NICE))
		log_debug("lower the priority of the store's thread: %s", strerror(errno));
	while ((n = queue_pop(s->queue, batch, LIMIT_BATCH, STORE_WAIT_MS)) >= 0) {
		if (n) {
			if (out_of_time(s))
				left_out += (size_t)n;
			else
				store_batch(s, batch, (size_t)n, &failing);
			for (int i = 0; i < n; i++)
				entry_free(batch[i]);
			tidy = false;
		} else {
			store_maintain(s->store, clock_us(CLOCK_REALTIME));
			if (!tidy)
				malloc_trim(0);
			tidy = true;
		}
		if (n < LIMIT_BATCH && queue_bytes(s->queue) < LIMIT_BATCH_BYTES &&
		    !atomic_load(&s->stopping))
			usleep(BATCH_WAIT_US);
	}
	if (left_out)
		log_warn("stopped while the store was behind: the newest %zu entries are not kept",
			 left_out);
	return NULL;
}

/* Resident memory of this process in bytes, 0 unknown. `fd` is open on /proc/self/statm. */
static uint64_t resident_bytes(int fd)
{
	char text[128];
	unsigned long long pages = 0;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return sscanf(text, "%*u %llu", &pages) == 1 ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static void take_stats(void *ctx, struct server_stats *ret)
{
	struct server *s = ctx;

	ret->ready = registry_ready(s->registry);
	ret->paused = registry_paused(s->registry);
	ret->uptime_s = ((uint64_t)clock_ns(CLOCK_MONOTONIC) - s->started) / 1000000000;
	ret->resident_bytes = resident_bytes(s->statm);
	if (s->ring) {
		ring_counters(s->ring, ret->kernel);
		ring_fill(s->ring, &ret->ring_used, &ret->ring_size);
		ret->taken = ring_taken(s->ring);
		ret->owners = owners_refused(s->ring, ret->owner, LIMIT_OWNERS_TOLD);
	}
	ret->causes = registry_left_out(s->registry, ret->left_out);
	ret->queue_bytes = queue_bytes(s->queue);
	ret->queue_cut = queue_cut(s->queue);
	ret->redaction = redact_stats(s->redact);
	ret->targets_attached = registry_count(s->registry, TARGET_ATTACHED);
	ret->targets_failed = registry_count(s->registry, TARGET_FAILED);
	pthread_mutex_lock(&s->lock);
	ret->sessions = s->stats;
	ret->file = s->file;
	ret->packets_lost = s->packets_lost;
	pthread_mutex_unlock(&s->lock);
	ret->wire_watched = s->wire;
	ret->wire_packets = s->wire && wire_by_address(s->wire);
	if (s->wire)
		wire_stats(s->wire, &ret->wire);
	ret->keep = keep_stats(s->keep);
	ret->keys = s->key_log >= 0;
}

static uint64_t hits(void *ctx, uint32_t target)
{
	const struct ring *ring = ((struct server *)ctx)->ring;

	return ring ? ring_hits(ring, target) : 0;
}

static int each_target(void *ctx, probed_file_fn *fn, void *fn_ctx)
{
	struct server *s = ctx;

	return registry_each(s->registry, hits, s, fn, fn_ctx);
}

static int set_paused(void *ctx, bool on)
{
	struct server *s = ctx;
	struct tracer_message m = { .type = on ? MSG_PAUSE : MSG_RESUME };

	if (!s->ring)
		return -ENOTSUP;
	return send(s->options->socket, &m, sizeof(m), MSG_NOSIGNAL) == sizeof(m) ? 0 : -errno;
}

/* What the tracer says: 0 to go on, else the exit status. */
static int read_messages(struct server *s)
{
	struct tracer_message m;
	int r;

	while (!(r = tracer_message_receive(s->options->socket, &m))) {
		if (m.type == MSG_STOP)
			return -1;
		registry_tell(s->registry, &m);
		if (m.type == MSG_PROCESS && *m.container)
			sessions_set_container(s->sessions, m.tgid, m.container);
	}
	if (r != -EAGAIN && r != -EBADMSG) {
		log_error("the tracing process ended unexpectedly; storing what is read and "
			  "stopping");
		return SERVE_TRACER_GONE;
	}
	return 0;
}

/* The line that a user waits for. */
static void say_where(const struct server *s)
{
	const struct options *o = s->options->options;
	const char *colon = strrchr(o->listen, ':');

	if (!strcmp(o->listen, "none"))
		return;
	printf("cleartap: open %s://%.*s:%u/", o->tls_cert ? "https" : "http",
	       (int)(colon - o->listen), o->listen, api_port(s->api));
	/* what is no terminal may be a journal, which others read */
	if (s->options->token_file)
		printf(" (the token is in %s)\n", s->options->token_file);
	else
		printf("?token=%s\n", s->options->token);
	fflush(stdout);
}

/*
 * A request made when the line is there is seen. Libraries of the machine are looked at first; who
 * has waited for LIMIT_READY_MS is told so with what is in by then.
 */
static void tell_ready(struct server *s)
{
	if (s->told)
		return;
	int64_t waited = clock_ns(CLOCK_MONOTONIC) / 1000000 - (int64_t)(s->started / 1000000);
	bool ready = registry_ready(s->registry);
	if (!ready && (waited < LIMIT_READY_MS || !registry_count(s->registry, TARGET_ATTACHED)))
		return;
	s->told = true;
	say_where(s);
	if (!ready)
		log_info("some programs that run already are still being looked at; the page "
			 "Targets tells which are in");
}

/* Milliseconds until the next tick is due. */
static int wait_ms(const struct server *s, int64_t ticked_us, int64_t now_us)
{
	int64_t left = (ticked_us + SESSION_TICK_US - now_us) / 1000;
	int64_t most = s->told ? CAPTURE_WAIT_MS : START_WAIT_MS;

	return left < 0 ? 0 : left < most ? (int)left : (int)most;
}

static int capture(struct server *s)
{
	int64_t now = 0, ticked = 0;
	int end = 0;

	while (!end) {
		int n = sources_poll(s->sources, wait_ms(s, ticked, now), &now);
		if (n < 0) {
			log_error("read what was captured: %s; stopping", strerror(-n));
			return SERVE_FAILED;
		}
		end = read_messages(s);
		tell_ready(s);
		if (now - ticked >= SESSION_TICK_US) {
			sessions_tick(s->sessions, now);
			sources_tick(s->sources, now);
			if (s->wire)
				wire_tick(s->wire, now);
			ticked = now;
		}
		pthread_mutex_lock(&s->lock);
		s->stats = sessions_stats(s->sessions);
		sources_file(s->sources, &s->file);
		s->packets_lost = sources_packets_lost(s->sources);
		pthread_mutex_unlock(&s->lock);
	}
	begin_end(s);
	while (s->ring && !out_of_time(s) && sources_poll(s->sources, 0, &now) > 0)
		;
	return end < 0 ? SERVE_STOPPED : end;
}

static int open_proto_set(struct server *s, char *error, size_t size)
{
	char **files = s->options->options->proto_sets;
	int r = files ? proto_set_new(&s->proto_set) : 0;

	if (r)
		snprintf(error, size, "out of memory");
	for (; files && *files && !r; files++)
		r = proto_set_read(s->proto_set, *files, error, size);
	if (!r && s->proto_set)
		proto_set_sort(s->proto_set);
	return r;
}

static int open_redaction(struct server *s, char *error, size_t size)
{
	char **rules = s->options->options->redact;
	size_t n = 0;

	while (rules && rules[n])
		n++;
	int r = redact_new((const char *const *)rules, n, true, &s->redact, error, size);
	if (!r && s->options->options->keep_opaque)
		redact_keep_opaque(s->redact);
	if (!r)
		redact_name_fields(s->redact, s->proto_set);
	return r;
}

static const char *container_of(void *ctx, uint32_t tgid)
{
	const struct server *s = ctx;

	return s->sessions ? sessions_container(s->sessions, tgid) : NULL;
}

static bool why_not_read(void *ctx, uint32_t tgid, enum reason *ret)
{
	const struct server *server = ctx;
	const struct registry_sight s = registry_sight(server->registry, tgid);
	bool unbound = server->sessions && sessions_unbound(server->sessions, tgid);

	*ret = unbound	    ? REASON_NO_SOCKET
	       : s.attached ? REASON_UNKNOWN
	       : s.stripped ? REASON_NO_SYMBOLS
			    : REASON_UNSUPPORTED;
	return unbound || s.attached || s.left_out;
}

/* Told again when it does not help, or finds no room now. */
static void on_silent(void *ctx, uint32_t tgid)
{
	const struct server *s = ctx;
	const struct tracer_message m = { .type = MSG_SILENT, .tgid = tgid };

	log_debug("process %u sends records, and none of its calls is seen", tgid);
	(void)!send(s->options->socket, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static struct wire *open_wire(struct server *s, const struct entry_sink *sink)
{
	const struct options *o = s->options->options;
	const struct wire_options options = { .node = o->node,
					      .filtered = o->pids || o->exes || o->containers,
					      .file = o->read != NULL,
					      .by_address = s->options->maps &&
							    s->options->maps->packet_fd >= 0,
					      .split_ends = o->split_ends,
					      .container = container_of,
					      .why = why_not_read,
					      .silent = on_silent,
					      .ctx = s };

	return wire_new(sink, &options);
}

static int open_sources(struct server *s, struct session_options *sessions, char *error,
			size_t size)
{
	const struct entry_sink sink = { .emit = on_entry, .ctx = s };
	const struct ring_maps *maps = s->options->maps;
	bool wire = maps ? maps->wire_fd >= 0 || maps->packet_fd >= 0
			 : s->options->options->read && !s->options->options->no_wire;
	struct source_options source = {
		.clock_offset_us = clock_us(CLOCK_REALTIME) - clock_us(CLOCK_MONOTONIC),
		.maps = maps,
		.packet_fd = maps && maps->packet_fd >= 0 ? maps->packet_fd : 0,
		.file = s->options->options->read,
		.key_log = s->options->options->keylog,
	};

	s->wire = source.wire = sessions->wire = wire ? open_wire(s, &sink) : NULL;
	s->sessions = source.sessions = sessions_new(&sink, sessions);
	if (!s->sessions || (wire && !s->wire)) {
		snprintf(error, size, "out of memory");
		return -ENOMEM;
	}
	int r = sources_open(&source, &s->sources, error, size);
	if (!r)
		s->ring = sources_ring(s->sources);
	return r;
}

/* Everything that needs a privilege, a path or the BPF maps. */
static int open_all(struct server *s, char *error, size_t size)
{
	const struct options *o = s->options->options;
	const struct store_options store = {
		.uri = o->store,
		.max_size = o->max_size,
		.max_age_s = o->read ? 0 : o->max_age, /* what is old is what was asked for */
		.readers = STORE_READERS,
	};
	struct session_options sessions = { .node = o->node, .split_ends = o->split_ends };
	int r = open_sources(s, &sessions, error, size);

	if (r)
		return r;
	r = open_proto_set(s, error, size);
	r = r ? r : open_redaction(s, error, size);
	if (r)
		return r;
	r = store_open(&store, s->options->uid, s->options->gid, &s->store, error, size);
	r = r ? r
	      : packets_open(s->options, store_path(s->store), &s->keep, &s->key_log, error, size);
	if (r)
		return r;
	s->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	s->queue = queue_new(LIMIT_QUEUE_BYTES);
	s->registry = registry_new();
	if (s->queue && o->read)
		queue_be_patient(s->queue);
	if (s->queue && s->registry)
		return 0;
	snprintf(error, size, "out of memory");
	return -ENOMEM;
}

static struct api_options api_options(const struct server *s)
{
	const struct options *o = s->options->options;

	return (struct api_options){
		.listen = strcmp(o->listen, "none") ? o->listen : "",
		.unix_socket = o->unix_socket,
		.token = s->options->token,
		.tls_cert = o->tls_cert,
		.tls_key = o->tls_key,
		.hosts = o->hosts,
		.allow_plain_remote = o->allow_plain,
		.version = PACKAGE_VERSION,
		.scope = s->scope.data,
		.proto_set = s->proto_set,
		.sockets = s->sockets,
	};
}

static int start_api(struct server *s, char *error, size_t size)
{
	const struct api_source source = {
		.ctx = s,
		.wire = s->wire,
		.packets = s->keep ? keep_files_of(s->keep) : NULL,
		.key_log = s->key_log,
		.stats = take_stats,
		.targets = each_target,
		.set_paused = set_paused,
	};
	options_put_scope(s->options->options, &s->scope);
	const struct api_options options = api_options(s);

	s->sockets = NULL; /* taken */
	return api_start(&options, &source, s->store, &s->api, error, size);
}

/* A descriptor for each connection that the API takes, on both listeners. */
static void allow_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= LIMIT_SERVER_FILES)
		return;
	limit.rlim_cur = limit.rlim_max < LIMIT_SERVER_FILES ? limit.rlim_max : LIMIT_SERVER_FILES;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		log_debug("allow %d open files: %s", LIMIT_SERVER_FILES, strerror(errno));
}

static int confine(const struct serve_options *options)
{
	int r = privilege_drop(options->uid, options->gid);

	return r ? r : privilege_confine();
}

static int serve(struct server *s, char *error, size_t size)
{
	struct tracer_message serving = { .type = MSG_SERVING };
	const struct api_options api = api_options(s);
	pthread_t store;
	int r = open_all(s, error, size);

	r = r ? r : api_bind(&api, &s->sockets, error, size);
	if (r)
		return SERVE_FAILED;
	r = confine(s->options);
	if (r) {
		snprintf(error, size, "give up privileges: %s", strerror(-r));
		return SERVE_FAILED;
	}
	r = start_api(s, error, size);
	if (r)
		return SERVE_FAILED;
	r = s->keep ? -keep_start(s->keep) : 0;
	r = r ? r : pthread_create(&store, NULL, store_main, s);
	if (r) {
		snprintf(error, size, "start a thread: %s", strerror(r));
		return SERVE_FAILED;
	}
	if (send(s->options->socket, &serving, sizeof(serving), MSG_NOSIGNAL) != sizeof(serving))
		log_debug("tell the tracer: %s", strerror(errno));
	int end = capture(s);
	sessions_free(s->sessions); /* emits what is unfinished */
	s->sessions = NULL;
	if (s->wire)
		wire_end_all(s->wire);
	atomic_store(&s->stopping, true);
	queue_close(s->queue);
	pthread_join(store, NULL);
	return end;
}

int serve_run(const struct serve_options *options)
{
	struct server s = { .options = options, .statm = -1, .key_log = -1 };
	char error[ERROR_SIZE] = "";

	keep_freed_memory();
	allow_files();
	s.started = (uint64_t)clock_ns(CLOCK_MONOTONIC);
	pthread_mutex_init(&s.lock, NULL);
	int end = serve(&s, error, sizeof(error));
	if (*error)
		log_error("%s", error);
	api_stop(s.api);
	api_unbind(s.sockets);
	keep_close(s.keep);
	sessions_free(s.sessions);
	wire_free(s.wire);
	queue_free(s.queue);
	store_close(s.store);
	redact_free(s.redact);
	proto_set_free(s.proto_set);
	registry_free(s.registry);
	sources_close(s.sources);
	buf_free(&s.scope);
	return end;
}
