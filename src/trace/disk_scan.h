/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TLS libraries that lie below a root directory, whether or not anything uses them yet. */
#ifndef CLEARTAP_DISK_SCAN_H
#define CLEARTAP_DISK_SCAN_H

/* `fd` is open for reading and taken; `path` is the path below the root. */
typedef void scan_fn(void *ctx, int fd, const char *path);

/* Look in the usual library folders below root ("" or "/proc/PID/root"). */
void scan_root(const char *root, scan_fn *fn, void *ctx);

#endif
