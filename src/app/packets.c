// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/packets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/options.h"
#include "app/serve.h"
#include "base/clock.h"
#include "base/log.h"
#include "keep/keep.h"
#include "source/ring.h"

/* Programs go on to write into it: what is there is read with each export. */
static int open_key_log(const char *path, int *ret_fd, char *error, size_t size)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r = fd < 0 || fstat(fd, &st) ? -errno : 0;

	if (!r && !S_ISREG(st.st_mode))
		r = -EINVAL;
	if (r)
		snprintf(error, size, "read %s: %s", path,
			 r == -EINVAL ? "it is no regular file" : strerror(-r));
	*ret_fd = fd;
	return r;
}

static int open_keep(const struct serve_options *s, const char *store, struct keep **ret,
		     char *error, size_t size)
{
	const struct keep_options options = {
		.files = { .store = store,
			   .size = s->options->keep_packets,
			   .max_age_s = s->options->max_age,
			   .uid = s->uid,
			   .gid = s->gid },
		.ring_fd = s->maps->packets_fd,
		.shares_fd = s->maps->packet_shares_fd,
		.slots_fd = s->maps->wire_fd,
		.ring_size = s->maps->size,
		.clock_offset_us = clock_us(CLOCK_REALTIME) - clock_us(CLOCK_MONOTONIC),
	};

	if (s->maps->packets_fd < 0)
		log_warn("no packets are kept: the wire is not watched at the root of cgroup2");
	if (store)
		return keep_open(&options, ret, error, size);
	snprintf(error, size, "--keep-packets: the store is in no file to keep them beside");
	return -ENOTSUP;
}

int packets_open(const struct serve_options *s, const char *store, struct keep **ret_keep,
		 int *ret_key_log, char *error, size_t size)
{
	const struct options *o = s->options;
	int r = 0;

	if (!o->keep_packets || o->read)
		return 0;
	if (o->keylog)
		r = open_key_log(o->keylog, ret_key_log, error, size);
	return r ? r : open_keep(s, store, ret_keep, error, size);
}
