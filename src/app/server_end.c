// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/server_end.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"

enum { LOOK_MS = 5 };

/* A thread's state and its processor time in ticks. */
static char read_thread(const char *path, uint64_t *ret_ticks)
{
	unsigned long long user = 0, kernel = 0;
	char text[512], state = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	const char *after = strrchr(text, ')');
	if (!after || sscanf(after, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
			     &state, &user, &kernel) != 3)
		return 0;
	*ret_ticks += user + kernel;
	return state;
}

/* Has it computed since, or does a thread of it want to, or wait for a disk? */
static bool moves(pid_t pid, uint64_t *ticks)
{
	char path[64];
	uint64_t now = 0;
	bool busy = false;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *dir = opendir(path);
	for (struct dirent *d; dir && (d = readdir(dir));) {
		char file[320];
		if (*d->d_name == '.')
			continue;
		snprintf(file, sizeof(file), "/proc/%d/task/%s/stat", pid, d->d_name);
		char state = read_thread(file, &now);
		busy |= state == 'R' || state == 'D';
	}
	if (dir)
		closedir(dir);
	busy |= now != *ticks;
	*ticks = now;
	return busy;
}

int server_end_wait(pid_t pid, bool *ret_killed)
{
	int64_t begun = clock_ms(CLOCK_MONOTONIC), moved = begun;
	uint64_t ticks = 0;
	int status = 0;
	pid_t got;

	*ret_killed = false;
	while (!(got = waitpid(pid, &status, WNOHANG)) || (got < 0 && errno == EINTR)) {
		struct timespec pause = { 0, LOOK_MS * 1000000 };
		int64_t now = clock_ms(CLOCK_MONOTONIC);

		if (moves(pid, &ticks))
			moved = now;
		if (now - moved > LIMIT_STOP_STILL_MS || now - begun > LIMIT_STOP_MS) {
			*ret_killed = true;
			kill(pid, SIGKILL);
		}
		nanosleep(&pause, NULL);
	}
	return status;
}
