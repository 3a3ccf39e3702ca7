/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc tells of a process. */
#ifndef CLEARTAP_PROCFS_H
#define CLEARTAP_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stat;
struct watch_mapping;

/* Path of the executable as the process sees it; "" when it is gone or a kernel thread. */
void procfs_exe(uint32_t tgid, char *out, size_t size);
/* The name of its main thread (comm), "" when it is gone. */
void procfs_comm(uint32_t tgid, char *out, size_t size);
/* Its parent, 0 when there is none or it has ended. */
uint32_t procfs_parent(uint32_t tgid);
/* The container id in the process's cgroup path (64 hex digits), "" outside of containers. */
void procfs_container(uint32_t tgid, char *out, size_t size);
/* The id in the text of /proc/PID/cgroup: docker, containerd, cri-o, podman. */
void procfs_container_in(const char *cgroup, char *out, size_t size);
/* Inode of its mount namespace, 0 when it is gone. */
ino_t procfs_mount_namespace(uint32_t tgid);

typedef void procfs_fn(void *ctx, uint32_t tgid);
typedef void procfs_mapping_fn(void *ctx, const struct watch_mapping *m);
/*
 * Every process there is, and every executable mapping of a file in it, a piece at a time: there
 * may be any number of them.
 */
struct procfs_walk;
struct procfs_walk_ops {
	void (*process)(void *ctx, uint32_t tgid);
	void (*mapping)(void *ctx, const struct watch_mapping *m);
	bool (*full)(void *ctx); /* no more for now */
};
/* NULL when out of memory. */
struct procfs_walk *procfs_walk_new(const struct procfs_walk_ops *ops, void *ctx);
void procfs_walk_free(struct procfs_walk *w);
/* Begin; while one is under way, once more after it. */
void procfs_walk_begin(struct procfs_walk *w);
/* Go on for LIMIT_TURN_PART_MS. False: it is done. */
bool procfs_walk_step(struct procfs_walk *w);
/* What is known of the file behind a mapping without opening it. 0, or -errno when it is gone. */
int procfs_stat_mapping(const struct watch_mapping *m, struct stat *ret);
/*
 * The file behind a mapping, also when it is deleted or lies in another mount namespace: a
 * descriptor that opens nothing (beneath.h), or -errno.
 */
int procfs_find_mapping(const struct watch_mapping *m);

#endif
