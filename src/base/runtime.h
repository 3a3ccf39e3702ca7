/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /run/cleartap: what outlives a process but not the machine; root's alone. */
#ifndef CLEARTAP_RUNTIME_H
#define CLEARTAP_RUNTIME_H

#define RUNTIME_FOLDER "/run/cleartap"
/* What names of files there begin with; the number of the process follows. */
#define RUNTIME_TOKEN	   "token-"
#define RUNTIME_SOCKET	   "socket-"
#define RUNTIME_UNFINISHED ".new" /* and this, until they are whole */

/* Its descriptor, made when missing; -EPERM when it is not what it should be; or -errno. */
int runtime_open(void);
/* Remove what begins so and is of processes that have ended: of runs that were killed. */
void runtime_forget(int folder, const char *prefix);

#endif
