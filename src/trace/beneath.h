/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that other users name: root opens nothing of theirs but regular files. A path is found
 * beneath a root directory, links inside of it, as a descriptor that opens nothing (O_PATH); what
 * it is is looked at; then the very same file is opened through the descriptor.
 */
#ifndef CLEARTAP_BENEATH_H
#define CLEARTAP_BENEATH_H

#include <stdint.h>

struct stat;

/* The root directory of a process, by the one magic link that is followed; 0: our own. O_PATH. */
int beneath_root(uint32_t tgid);
/*
 * What lies at `path` beneath the directory `root`, O_PATH; absolute links count from `root`, ".."
 * does not leave it. A descriptor or -errno.
 */
int beneath_find(int root, const char *path);
/* The same on kernels without openat2(), step by step. */
int beneath_walk(int root, const char *path);
/* What lies at an absolute path of ours, O_PATH, if the kernel knows that by heart: since 5.12. */
int beneath_find_cached(const char *path);
/* What a descriptor stands for; asks no file system that a user or another machine serves. */
int beneath_stat(int fd, struct stat *ret);
int beneath_stat_at(const char *path, struct stat *ret);
/*
 * Open for reading what a descriptor of beneath_find() stands for, which stays open. -EINVAL: it is
 * no regular file, or one of a file system whose files do things when they are opened (/proc, ...).
 * May hang with its file system.
 */
int beneath_open(int fd);

#endif
