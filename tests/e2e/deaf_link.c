// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cleartap whose probes stop firing, for tests/e2e/deaf.sh: once there is a file DEAF_FILE, all
 * links that were made are gone, and the tracer does not know. The linker puts this link_uprobes()
 * before that of src/trace/link.c.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define LINKS	1000
#define STEP_US 20000
#define STEPS	15000 /* five minutes */

int __real_link_uprobes(int prog_fd, uint32_t type, const char *path, const uint64_t *offsets,
			size_t count, uint64_t cookie, bool at_return);
int __wrap_link_uprobes(int prog_fd, uint32_t type, const char *path, const uint64_t *offsets,
			size_t count, uint64_t cookie, bool at_return);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int links[LINKS];
static size_t made;

/* Their descriptors stay, of something else. */
static void *cut_links(void *file)
{
	for (int i = 0; i < STEPS && access(file, F_OK); i++)
		usleep(STEP_US);
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < made; i++)
		dup3(nothing, links[i], O_CLOEXEC);
	made = LINKS; /* those to come stay */
	pthread_mutex_unlock(&lock);
	close(nothing);
	return NULL;
}

int __wrap_link_uprobes(int prog_fd, uint32_t type, const char *path, const uint64_t *offsets,
			size_t count, uint64_t cookie, bool at_return)
{
	static bool begun;
	char *file = getenv("DEAF_FILE");
	pthread_t thread;
	int fd = __real_link_uprobes(prog_fd, type, path, offsets, count, cookie, at_return);

	if (fd < 0 || !file)
		return fd;
	pthread_mutex_lock(&lock);
	if (!begun && !pthread_create(&thread, NULL, cut_links, file))
		pthread_detach(thread);
	begun = true;
	if (made < LINKS)
		links[made++] = fd;
	pthread_mutex_unlock(&lock);
	return fd;
}
