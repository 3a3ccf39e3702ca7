/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TLS libraries that lie below a root directory, whether or not anything uses them yet: what
 * libraries.def says is installed, in the usual folders. A container may have made those folders
 * what it likes, so they are walked by a child of bounded time, number and memory.
 */
#ifndef CLEARTAP_DISK_SCAN_H
#define CLEARTAP_DISK_SCAN_H

#define DISK_SCAN_ROLE "scan"

/* A file found; `fd` (O_PATH) is borrowed, `path` is the one by which it was found. */
typedef void disk_scan_fn(void *ctx, int fd, const char *path);

/*
 * Walk the folders beneath `root`. 0, or -E2BIG when there were more than LIMIT_SCAN_ENTRIES names
 * or LIMIT_SCAN_FILES files: what was found until then has been handed out.
 */
int disk_scan_walk(int root, disk_scan_fn *fn, void *ctx);
/* The child (again.h): the root directory is descriptor 0, what it finds goes to socket 1. */
int disk_scan_main(int argc, char **argv);

#endif
