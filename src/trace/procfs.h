/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc tells of a process. */
#ifndef CLEARTAP_PROCFS_H
#define CLEARTAP_PROCFS_H

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
/* Every process there is. */
void procfs_each(procfs_fn *fn, void *ctx);
/* Every executable mapping of a file in it. */
void procfs_each_mapping(uint32_t tgid, procfs_mapping_fn *fn, void *ctx);
/* What stat() says of the file behind a mapping. 0, or -errno when the mapping is gone. */
int procfs_stat_mapping(const struct watch_mapping *m, struct stat *ret);
/*
 * Open the file behind a mapping, also when it is deleted or lies in another mount namespace.
 * A descriptor, or -errno.
 */
int procfs_open_mapping(const struct watch_mapping *m);

#endif
