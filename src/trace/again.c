// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/again.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/disk_scan.h"
#include "trace/hurry.h"
#include "trace/inspect_child.h"

#define MARK	 "--helper"
#define FD_ABOVE 64 /* where copies lie until they are put in their places */

static const struct role {
	const char *name;
	int (*main)(int argc, char **argv);
} roles[] = {
	{ INSPECT_MOTHER_ROLE, inspect_mother_main },
	{ HURRY_ROLE, hurry_main },
	{ DISK_SCAN_ROLE, disk_scan_main },
};

void again_main(int argc, char **argv)
{
	if (argc < 3 || strcmp(argv[1], MARK))
		return;
	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
		if (!strcmp(argv[2], roles[i].name))
			exit(roles[i].main(argc - 3, argv + 3));
	}
	exit(EXIT_FAILURE);
}

static int add_descriptors(posix_spawn_file_actions_t *actions, const int *fds, size_t count,
			   int *copies)
{
	int err = 0;

	for (size_t i = 0; i < count; i++) {
		copies[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, FD_ABOVE);
		if (fds[i] >= 0 && copies[i] < 0)
			return errno;
	}
	for (size_t i = 0; !err && i < count; i++)
		err = copies[i] < 0 ? posix_spawn_file_actions_addclose(actions, (int)i)
				    : posix_spawn_file_actions_adddup2(actions, copies[i], (int)i);
	return err ? err : posix_spawn_file_actions_addclosefrom_np(actions, (int)count);
}

static int set_signals(posix_spawnattr_t *attr)
{
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	err = posix_spawnattr_setsigmask(attr, &none);
	err = err ? err : posix_spawnattr_setsigdefault(attr, &all);
	return err ? err
		   : posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

pid_t again_start(const char *role, const int *fds, size_t count, const char *const *arguments)
{
	char *argv[AGAIN_ARGUMENTS + 4] = { (char *)"cleartap", (char *)MARK, (char *)role };
	char *const environment[] = { NULL };
	int copies[AGAIN_FDS] = { -1, -1, -1, -1 };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	pid_t pid = 0;

	if (count > AGAIN_FDS)
		return -EINVAL;
	for (int i = 0; i < AGAIN_ARGUMENTS && arguments[i]; i++)
		argv[3 + i] = (char *)arguments[i];
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	int err = add_descriptors(&actions, fds, count, copies);
	err = err ? err : set_signals(&attr);
	if (!err)
		err = posix_spawn(&pid, "/proc/self/exe", &actions, &attr, argv, environment);
	for (size_t i = 0; i < count; i++) {
		if (copies[i] >= 0)
			close(copies[i]);
	}
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return err ? -err : pid;
}
