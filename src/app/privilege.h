/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Giving up power: the server process parses hostile bytes, so it keeps none. */
#ifndef CLEARTAP_PRIVILEGE_H
#define CLEARTAP_PRIVILEGE_H

#include <sys/types.h>

#define PRIVILEGE_USER "cleartap" /* the default of --user */

/*
 * The ids of a user; of nobody where PRIVILEGE_USER is asked for and not there. -ENOENT: there is
 * none, -EINVAL: it is root.
 */
int privilege_user(const char *name, uid_t *ret_uid, gid_t *ret_gid);
/*
 * Become that user for good: no supplementary groups, no capabilities, no_new_privs, not dumpable.
 * 0 or -errno.
 */
int privilege_drop(uid_t uid, gid_t gid);
/*
 * Allow only the system calls that serving needs; all others fail with EPERM, now and in threads
 * started later. 0 or -errno.
 */
int privilege_confine(void);

#endif
