/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scans of disks (disk_scan.h) in children: a few at once, owners take turns, each ends in time. */
#ifndef CLEARTAP_SCANNER_H
#define CLEARTAP_SCANNER_H

#include <stddef.h>
#include <stdint.h>

struct scanner;

enum { SCANNER_CUT = 2 }; /* exit status of a child that did not see everything */

struct scanner_ops {
	/* `fd` (O_PATH) is taken; `path` is the path beneath the root */
	void (*found)(void *ctx, int fd, const char *path, uint64_t owner);
	/* the scan of this owner's root saw not everything, or (busy) was not begun */
	void (*cut)(void *ctx, uint64_t owner, const char *why);
};

/* NULL when out of memory. */
struct scanner *scanner_new(const struct scanner_ops *ops, void *ctx);
/* Ends all children. */
void scanner_free(struct scanner *s);
/* Have a root directory (beneath_root(), taken) scanned. */
void scanner_add_take(struct scanner *s, int root, uint64_t owner);
/* Hand out what was found, begin and end children. */
void scanner_run(struct scanner *s);
/* Readable when there is something to run; how long a caller may sleep in ms, -1: for ever. */
int scanner_fd(const struct scanner *s);
int scanner_timeout(const struct scanner *s);
/* Scans that are not done. */
size_t scanner_pending(const struct scanner *s);

/* For the child: send a descriptor with its path. 0 or -errno. */
int scanner_send(int socket, int fd, const char *path);

#endif
