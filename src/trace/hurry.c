// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/hurry.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/runtime.h"
#include "trace/again.h"

enum { WATCH_PIPE, WATCH_STATE, WATCH_SETTING, WATCH_FDS };

struct hurry {
	int setting, state;
	int alive; /* the end of a pipe: closed when this process is no more */
	pid_t helper;
	bool set;
};

static bool is_one(int fd)
{
	char c = '0';

	return pread(fd, &c, 1, 0) == 1 && c == '1';
}

static bool write_one(int fd, bool one)
{
	return pwrite(fd, one ? "1" : "0", 1, 0) == 1;
}

int hurry_state(void)
{
	int folder = runtime_open(), fd = -1;

	if (folder >= 0) {
		fd = openat(folder, "hurry", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		close(folder);
	}
	return fd >= 0 ? fd : memfd_create("hurry", MFD_CLOEXEC);
}

/* All who use the file hold its lock together; who has it alone is the first. */
static void put_back_old(struct hurry *h, const char *setting)
{
	if (!flock(h->state, LOCK_EX | LOCK_NB)) {
		if (is_one(h->state) && is_one(h->setting) && write_one(h->setting, false))
			log_info("put %s back to 0: a run that was killed had left it", setting);
		write_one(h->state, false);
	}
	flock(h->state, LOCK_SH | LOCK_NB);
}

static void start_helper(struct hurry *h, uid_t uid, gid_t gid)
{
	char to_uid[16], to_gid[16];
	const char *const arguments[] = { to_uid, to_gid, NULL };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return;
	snprintf(to_uid, sizeof(to_uid), "%u", uid);
	snprintf(to_gid, sizeof(to_gid), "%u", gid);
	const int fds[WATCH_FDS] = { ends[0], h->state, h->setting };
	h->helper = again_start(HURRY_ROLE, fds, WATCH_FDS, arguments);
	close(ends[0]);
	h->alive = ends[1];
	if (h->helper < 0)
		log_debug("start what puts %s back: %s", HURRY_SETTING, strerror(-h->helper));
}

struct hurry *hurry_new(const char *setting, int state, uid_t uid, gid_t gid)
{
	struct hurry *h = calloc(1, sizeof(*h));

	if (h) {
		*h = (struct hurry){ .state = state, .alive = -1 };
		h->setting = open(setting, O_RDWR | O_CLOEXEC);
	}
	if (!h || h->setting < 0 || state < 0) {
		if (h && h->setting >= 0)
			close(h->setting);
		if (state >= 0)
			close(state);
		free(h);
		return NULL;
	}
	put_back_old(h, setting);
	start_helper(h, uid, gid);
	return h;
}

void hurry_free(struct hurry *h)
{
	if (!h)
		return;
	hurry_end(h);
	if (h->alive >= 0)
		close(h->alive);
	if (h->helper > 0)
		waitpid(h->helper, NULL, 0);
	close(h->setting);
	close(h->state);
	free(h);
}

void hurry_begin(struct hurry *h)
{
	if (!h || h->set || is_one(h->setting) || !write_one(h->state, true))
		return;
	h->set = write_one(h->setting, true);
}

void hurry_end(struct hurry *h)
{
	if (!h || !h->set)
		return;
	if (!write_one(h->setting, false))
		log_warn("put %s back to 0: %s", HURRY_SETTING, strerror(errno));
	write_one(h->state, false);
	h->set = false;
}

static int drop(const char *uid, const char *gid)
{
	uid_t u = (uid_t)strtoul(uid, NULL, 10);
	gid_t g = (gid_t)strtoul(gid, NULL, 10);

	if (!geteuid() && (setgroups(0, NULL) || setresgid(g, g, g) || setresuid(u, u, u)))
		return -errno;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0) ? -errno : 0;
}

/* Its descriptors are all that it may use; signals to the terminal's group are not for it. */
int hurry_main(int argc, char **argv)
{
	ssize_t n;
	char c;

	if (argc != 2)
		return EXIT_FAILURE;
	setsid();
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (drop(argv[0], argv[1]))
		return EXIT_FAILURE;
	while ((n = read(WATCH_PIPE, &c, 1)) > 0 || (n < 0 && errno == EINTR))
		;
	if (is_one(WATCH_STATE) && write_one(WATCH_SETTING, false))
		write_one(WATCH_STATE, false);
	return EXIT_SUCCESS;
}
