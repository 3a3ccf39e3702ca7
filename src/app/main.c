// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "cleartap.skel.h"
#include "source/packet_socket.h"
#include "source/ring.h"
#include "base/log.h"
#include "base/runtime.h"
#include "app/options.h"
#include "app/own_store.h"
#include "app/privilege.h"
#include "app/serve.h"
#include "app/server_end.h"
#include "app/token.h"
#include "cli/cli.h"
#include "trace/again.h"
#include "trace/load.h"
#include "trace/tracer_message.h"
#include "trace/trace.h"

enum { EXIT_START = 1, EXIT_USAGE = 2, EXIT_SERVER = 3, EXIT_TRACER = 4 };

static int usage_error(const char *error)
{
	log_error("%s", error);
	return EXIT_USAGE;
}

static int load(const struct options *o, struct load *ret)
{
	const struct load_options options = {
		.ring_size = o->ring_size,
		.message_budget = o->budget,
		.btf = o->btf,
		.probes = o->probes,
		.filter_processes = o->pids || o->exes || o->containers,
		.wire = !o->no_wire && strcmp(o->wire, "packet"),
		.keep_packets = o->keep_packets,
	};
	char error[512];
	int r = load_open(&options, ret, error, sizeof(error));

	if (r)
		log_error("%s", error);
	return r;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/*
 * Programs and links of BPF are not for the server: close all but stdio and these (reordered), of
 * which -1 is none.
 */
static void keep_only(int *fds, size_t count)
{
	unsigned from = STDERR_FILENO + 1;

	qsort(fds, count, sizeof(*fds), by_number);
	for (size_t i = 0; i < count; i++) {
		if (fds[i] < 0)
			continue;
		if ((unsigned)fds[i] > from)
			close_range(from, (unsigned)fds[i] - 1, 0);
		from = (unsigned)fds[i] + 1;
	}
	close_range(from, ~0U, 0);
}

/* The server process; `maps` are NULL where a file is read. Never returns. */
static void serve(const struct options *o, const struct ring_maps *maps, int socket, uid_t uid,
		  gid_t gid, const char *token, const char *token_file)
{
	const struct serve_options options = {
		.options = o,
		.maps = maps,
		.socket = socket,
		.uid = uid,
		.gid = gid,
		.token = token,
		.token_file = token_file,
	};
	int keep[] = { socket,
		       maps ? maps->ring_fd : -1,
		       maps ? maps->control_fd : -1,
		       maps ? maps->counters_fd : -1,
		       maps ? maps->hits_fd : -1,
		       maps ? maps->owners_fd : -1,
		       maps ? maps->taken_fd : -1,
		       maps ? maps->wire_fd : -1,
		       maps ? maps->packets_fd : -1,
		       maps ? maps->packet_fd : -1,
		       maps ? maps->packet_shares_fd : -1 };
	sigset_t none;

	keep_only(keep, sizeof(keep) / sizeof(*keep));
	/* ^C and service managers reach both processes: the tracer stops first and then says so. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	exit(serve_run(&options));
}

/* How the server ended, once it has. */
static int wait_server(pid_t pid, bool wanted)
{
	bool killed;
	int status = server_end_wait(pid, &killed);

	if (killed) {
		log_error("the serving process did not stop and was killed; what was committed is "
			  "kept");
		return EXIT_SERVER;
	}
	if (WIFSIGNALED(status)) {
		log_error("the serving process was killed by signal %d (%s); stopping, what was "
			  "committed is kept",
			  WTERMSIG(status), strsignal(WTERMSIG(status)));
		return EXIT_SERVER;
	}
	if (wanted || WEXITSTATUS(status) == SERVE_FAILED)
		return WEXITSTATUS(status);
	log_error("the serving process ended with status %d; stopping", WEXITSTATUS(status));
	return EXIT_SERVER;
}

/* The file of the server's socket; no type when there is none. */
static struct stat find_socket(const char *path)
{
	struct stat st = { 0 };

	if (!path || lstat(path, &st) || !S_ISSOCK(st.st_mode))
		return (struct stat){ 0 };
	return st;
}

/* The server may not any more; what somebody else has put there since stays. */
static void remove_socket(const char *path, const struct stat *was)
{
	struct stat now = find_socket(path);

	if (!S_ISSOCK(was->st_mode) || now.st_ino != was->st_ino || now.st_dev != was->st_dev)
		return;
	if (unlink(path))
		log_warn("remove %s: %s; the next start does it", path, strerror(errno));
}

/* Until the server serves; a signal meanwhile ends it. */
static bool await_server(int socket, int signals, pid_t server)
{
	struct pollfd fds[] = { { .fd = socket, .events = POLLIN },
				{ .fd = signals, .events = POLLIN } };
	struct tracer_message m = { 0 };

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	if (!fds[0].revents) {
		kill(server, SIGKILL);
		return false;
	}
	return !tracer_message_receive(socket, &m) && m.type == MSG_SERVING;
}

/* The tracer's side, from the moment that the server serves to the end of both. */
static int trace(const struct options *o, const struct load *l, int socket, pid_t server, uid_t uid,
		 gid_t gid, int signals)
{
	const struct trace_options options = {
		.filter = { (const char *const *)o->pids, (const char *const *)o->exes,
			    (const char *const *)o->containers },
		.uid = uid,
		.gid = gid,
		.socket = socket,
		.signals = signals,
	};
	struct tracer_message m = { 0 };

	if (!await_server(socket, signals, server))
		return wait_server(server, true); /* it said why */
	const struct stat local = find_socket(o->unix_socket);
	int end = trace_run(&options, l);
	m = (struct tracer_message){ .type = MSG_STOP };
	if (end != TRACE_SERVER_GONE &&
	    send(socket, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("tell the server to stop: %s", strerror(errno));
	int status = wait_server(server, end != TRACE_SERVER_GONE);
	remove_socket(o->unix_socket, &local);
	return end < 0 ? EXIT_TRACER : status;
}

/* Whom to serve as, and whom to trace: what would leave the user waiting for nothing. */
static int check_persons(const struct options *o, uid_t *ret_uid, gid_t *ret_gid)
{
	int r = 0;

	*ret_uid = geteuid();
	*ret_gid = getegid();
	if (!*ret_uid)
		r = privilege_user(o->user, ret_uid, ret_gid);

	if (r) {
		log_error("the server cannot run as user '%s': %s", o->user,
			  r == -EINVAL ? "that is root" : "there is no such user");
		return EXIT_START;
	}
	for (char **p = o->pids; p && *p; p++) {
		pid_t pid = (pid_t)strtoul(*p, NULL, 10);
		if (pid <= 0 || (kill(pid, 0) && errno == ESRCH)) {
			log_error("--pid %s: there is no such process", *p);
			return EXIT_START;
		}
	}
	return 0;
}

/* The token, and the file that it is in: "" when it is to be printed. */
static int take_token(const struct options *o, char token[static TOKEN_MAX], char *ret_file,
		      size_t room)
{
	char error[512];

	if (token_get(o->token_file, token, error, sizeof(error))) {
		log_error("%s", error);
		return EXIT_START;
	}
	*ret_file = '\0';
	/* who is not root is alone with what he starts */
	bool printed = isatty(STDOUT_FILENO) || (geteuid() && !o->token_file);
	if (printed || !strcmp(o->listen, "none"))
		return 0;
	int r = 0;
	if (o->token_file)
		snprintf(ret_file, room, "%s", o->token_file);
	else
		r = token_keep(token, ret_file, room);
	if (r)
		log_error("keep the token in %s: %s; name a file with --token-file", ret_file,
			  strerror(-r));
	return r ? EXIT_START : 0;
}

static int block_signals(int *ret_signals, int pair[2])
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	*ret_signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (*ret_signals < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		log_error("start: %s", strerror(errno));
		return EXIT_START;
	}
	return 0;
}

/* The socket that shows packets where the kernel side does not; -1: none. */
static int open_packets(const struct options *o, const struct load *l)
{
	if (o->no_wire || l->wire)
		return -1;
	int fd = packet_socket_open();
	if (fd < 0)
		log_warn("open a packet socket to watch the wire: %s; going on without",
			 strerror(-fd));
	else
		log_info("the wire is watched by a packet socket: in this network namespace alone");
	if (o->keep_packets)
		log_warn("no packets are kept: that needs the wire at the root of cgroup2");
	return fd < 0 ? -1 : fd;
}

static int run_both(const struct options *o, uid_t uid, gid_t gid, char token[static TOKEN_MAX],
		    const char *token_file)
{
	struct load l;
	int pair[2], signals;

	if (load(o, &l))
		return EXIT_START;
	if (block_signals(&signals, pair))
		return EXIT_START;
	bool keep = l.wire && o->keep_packets;
	const struct ring_maps maps = {
		.ring_fd = bpf_map__fd(l.skel->maps.events),
		.control_fd = bpf_map__fd(l.skel->maps.control),
		.counters_fd = bpf_map__fd(l.skel->maps.counts),
		.hits_fd = bpf_map__fd(l.skel->maps.hits),
		.owners_fd = bpf_map__fd(l.skel->maps.owners),
		.taken_fd = bpf_map__fd(l.skel->maps.owner_taken),
		.wire_fd = l.wire ? bpf_map__fd(l.skel->maps.wire_slots) : -1,
		.packets_fd = keep ? bpf_map__fd(l.skel->maps.packets) : -1,
		.packet_shares_fd = keep ? bpf_map__fd(l.skel->maps.packet_shares) : -1,
		.packet_fd = open_packets(o, &l),
		.size = o->ring_size,
	};
	pid_t server = fork();
	if (server == 0) {
		close(pair[0]);
		serve(o, &maps, pair[1], uid, gid, token, *token_file ? token_file : NULL);
	}
	close(pair[1]);
	if (maps.packet_fd >= 0)
		close(maps.packet_fd);
	explicit_bzero(token, TOKEN_MAX); /* the server's alone */
	int status = server < 0 ? EXIT_START : trace(o, &l, pair[0], server, uid, gid, signals);
	load_free(&l);
	return status;
}

static int make_own_store(struct options *o, char own[static OWN_STORE_MAX])
{
	int r = own_store_make(o->read, own);

	if (r) {
		*own = '\0';
		log_error("make a store beside %s: %s; name one with --store", o->read,
			  strerror(-r));
		return r;
	}
	free(o->store);
	o->store = strdup(own);
	return o->store ? 0 : -ENOMEM;
}

/* In place of the tracer, where a file is read: until a signal, or the server's end. */
static int attend(const struct options *o, int socket, pid_t server, int signals)
{
	struct pollfd fds[] = { { .fd = socket, .events = POLLIN },
				{ .fd = signals, .events = POLLIN } };
	struct tracer_message m = { .type = MSG_READY };

	if (!await_server(socket, signals, server))
		return wait_server(server, true); /* it said why */
	const struct stat local = find_socket(o->unix_socket);
	if (send(socket, &m, sizeof(m), MSG_NOSIGNAL) < 0)
		log_debug("tell the server that nothing is traced: %s", strerror(errno));
	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	m.type = MSG_STOP;
	bool wanted = !fds[0].revents;
	if (wanted && send(socket, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("tell the server to stop: %s", strerror(errno));
	int status = wait_server(server, wanted);
	remove_socket(o->unix_socket, &local);
	return status;
}

static int run_file(struct options *o, uid_t uid, gid_t gid, char token[static TOKEN_MAX],
		    const char *token_file)
{
	char own[OWN_STORE_MAX] = "";
	int pair[2], signals, status = EXIT_START;

	if (options_is_default(o, "store") && make_own_store(o, own))
		return EXIT_START;
	if (!block_signals(&signals, pair)) {
		pid_t server = fork();
		if (server == 0) {
			close(pair[0]);
			serve(o, NULL, pair[1], uid, gid, token, *token_file ? token_file : NULL);
		}
		close(pair[1]);
		explicit_bzero(token, TOKEN_MAX); /* the server's alone */
		status = server < 0 ? EXIT_START : attend(o, pair[0], server, signals);
	}
	if (*own)
		own_store_remove(own);
	return status;
}

static int run(struct options *o)
{
	char token[TOKEN_MAX], token_file[PATH_MAX];
	uid_t uid;
	gid_t gid;

	if (geteuid() != 0 && !o->read) {
		log_error("reading other programs' TLS needs root; try: sudo cleartap");
		return EXIT_START;
	}
	if (check_persons(o, &uid, &gid) || take_token(o, token, token_file, sizeof(token_file)))
		return EXIT_START;
	int status = o->read ? run_file(o, uid, gid, token, token_file)
			     : run_both(o, uid, gid, token, token_file);
	if (*token_file && !o->token_file)
		unlink(token_file);
	return status;
}

/*
 * Where the commands of a terminal find this run, unless a socket was named, or none is wanted: in
 * a folder that is root's alone.
 */
static int name_socket(struct options *o)
{
	char *path = NULL;
	int folder;

	if (o->unix_socket && strcmp(o->unix_socket, "none") != 0)
		return 0;
	bool wanted = !o->unix_socket && !geteuid();
	free(o->unix_socket);
	o->unix_socket = NULL;
	if (!wanted)
		return 0;
	folder = runtime_open();
	if (folder < 0) {
		log_warn("make " RUNTIME_FOLDER ": %s; cleartap tail and its like need a "
			 "--unix-socket",
			 strerror(-folder));
		return 0;
	}
	runtime_forget(folder, RUNTIME_SOCKET);
	close(folder);
	if (asprintf(&path, RUNTIME_FOLDER "/" RUNTIME_SOCKET "%d", getpid()) < 0)
		return EXIT_START;
	o->unix_socket = path;
	return 0;
}

/* This machine's name in entries, unless it was given. */
static int name_node(struct options *o)
{
	char name[256] = "";

	if (*o->node)
		return 0;
	gethostname(name, sizeof(name) - 1);
	free(o->node);
	o->node = strdup(name);
	return o->node ? 0 : EXIT_START;
}

int main(int argc, char **argv)
{
	struct options o;
	char error[512];
	int status;

	again_main(argc, argv);
	if (cli_main(argc, argv, &status))
		return status;
	status = options_parse(argc, (const char *const *)argv, &o, error, sizeof(error));

	if (status)
		status = usage_error(error);
	else if (o.help)
		options_print_help(stdout);
	else if (o.version)
		puts("cleartap " PACKAGE_VERSION);
	else if (!(status = name_node(&o)) && !(status = name_socket(&o))) {
		log_set_level(o.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
		status = run(&o);
	}
	options_free(&o);
	return status;
}
