// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/scanner.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "trace/again.h"
#include "trace/disk_scan.h"
#include "trace/fair.h"

enum { FILES_AT_ONCE = 16, DYING_MS = 5, CHECK_MS = 100 };

struct child {
	pid_t pid;  /* 0: none */
	int socket; /* -1: it is to end */
	uint64_t owner;
	int64_t since;
	bool late;
};

struct scanner {
	const struct scanner_ops *ops;
	void *ctx;
	int epoll;
	struct fair *queue; /* of root descriptors, plus 1 */
	struct child child[LIMIT_SCANS];
};

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

int scanner_send(int socket, int fd, const char *path)
{
	union control control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
					      .cmsg_level = SOL_SOCKET,
					      .cmsg_type = SCM_RIGHTS } };
	struct iovec data = { (void *)path, strlen(path) };
	struct msghdr m = { .msg_iov = &data,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control.room) };

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(socket, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* 1: a file, 0: not now, -errno: the child is done. */
static int receive(int socket, int *ret_fd, char path[static LIMIT_SCAN_PATH])
{
	union control control = { 0 };
	struct iovec data = { path, LIMIT_SCAN_PATH - 1 };
	struct msghdr m = { .msg_iov = &data,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(socket, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0 || m.msg_controllen < sizeof(control.header) ||
	    control.header.cmsg_type != SCM_RIGHTS)
		return n < 0 ? -errno : -EPIPE;
	memcpy(ret_fd, CMSG_DATA(&control.header), sizeof(*ret_fd));
	path[n] = '\0';
	return 1;
}

struct scanner *scanner_new(const struct scanner_ops *ops, void *ctx)
{
	struct scanner *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->ops = ops;
	s->ctx = ctx;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->queue = fair_new(LIMIT_SCAN_QUEUE, 1, 1);
	if (s->epoll >= 0 && s->queue)
		return s;
	scanner_free(s);
	return NULL;
}

/* Never waits; a child that is not gone yet is asked for again. */
static void end(struct scanner *s, struct child *c)
{
	int status = 0;

	if (c->socket >= 0) {
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, c->socket, NULL);
		close(c->socket);
		c->socket = -1;
	}
	if (!waitpid(c->pid, &status, WNOHANG))
		return;
	c->pid = 0;
	fair_done(s->queue, c->owner);
	if (c->late)
		s->ops->cut(s->ctx, c->owner, "its folders took too long to read");
	else if (!WIFEXITED(status) || WEXITSTATUS(status) == SCANNER_CUT)
		s->ops->cut(s->ctx, c->owner, "its folders hold too much");
}

void scanner_free(struct scanner *s)
{
	uint64_t owner;
	void *root;

	if (!s)
		return;
	for (size_t i = 0; i < LIMIT_SCANS; i++) {
		struct child *c = &s->child[i];
		if (c->pid > 0) {
			kill(c->pid, SIGKILL);
			close(c->socket);
		}
	}
	while (s->queue && (root = fair_pop(s->queue, &owner))) {
		close((int)(intptr_t)root - 1);
		fair_done(s->queue, owner);
	}
	fair_free(s->queue);
	if (s->epoll >= 0)
		close(s->epoll);
	free(s);
}

static int begin(struct scanner *s, struct child *c, int root)
{
	char parent[16];
	const char *const arguments[] = { parent, NULL };
	struct epoll_event ev = { .events = EPOLLIN };
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	snprintf(parent, sizeof(parent), "%d", getpid());
	const int fds[] = { root, ends[1] };
	pid_t pid = again_start(DISK_SCAN_ROLE, fds, 2, arguments);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return pid;
	}
	*c = (struct child){ .pid = pid, .socket = ends[0], .since = clock_ms(CLOCK_MONOTONIC) };
	epoll_ctl(s->epoll, EPOLL_CTL_ADD, c->socket, &ev);
	return 0;
}

static void begin_waiting(struct scanner *s)
{
	for (size_t i = 0; i < LIMIT_SCANS; i++) {
		struct child *c = &s->child[i];
		uint64_t owner;
		void *item = c->pid ? NULL : fair_pop(s->queue, &owner);

		if (!item)
			continue;
		int root = (int)(intptr_t)item - 1, r = begin(s, c, root);
		close(root);
		c->owner = owner;
		if (!r)
			continue;
		fair_done(s->queue, owner);
		s->ops->cut(s->ctx, owner, "a process for it could not be had");
	}
}

void scanner_add_take(struct scanner *s, int root, uint64_t owner)
{
	void *out = fair_push_take(s->queue, owner, (void *)(intptr_t)(root + 1));

	if (out) {
		close((int)(intptr_t)out - 1);
		s->ops->cut(s->ctx, owner, "too many wait for it");
	}
	begin_waiting(s);
}

static void read_child(struct scanner *s, struct child *c)
{
	char path[LIMIT_SCAN_PATH];
	int fd = -1, r = 1;

	for (int i = 0; i < FILES_AT_ONCE && (r = receive(c->socket, &fd, path)) > 0; i++)
		s->ops->found(s->ctx, fd, path, c->owner);
	if (r < 0) {
		end(s, c);
	} else if (!r && clock_ms(CLOCK_MONOTONIC) - c->since > LIMIT_SCAN_MS) {
		c->late = true;
		kill(c->pid, SIGKILL);
		end(s, c);
	}
}

void scanner_run(struct scanner *s)
{
	for (size_t i = 0; i < LIMIT_SCANS; i++) {
		struct child *c = &s->child[i];
		if (c->pid && c->socket >= 0)
			read_child(s, c);
		else if (c->pid)
			end(s, c);
	}
	begin_waiting(s);
}

int scanner_fd(const struct scanner *s)
{
	return s->epoll;
}

int scanner_timeout(const struct scanner *s)
{
	int ms = -1;

	for (size_t i = 0; i < LIMIT_SCANS; i++) {
		if (!s->child[i].pid)
			continue;
		if (s->child[i].socket < 0)
			return DYING_MS;
		ms = CHECK_MS;
	}
	return ms;
}

size_t scanner_pending(const struct scanner *s)
{
	size_t n = fair_count(s->queue);

	for (size_t i = 0; i < LIMIT_SCANS; i++)
		n += s->child[i].pid && s->child[i].socket >= 0;
	return n;
}
