/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /run/cleartap: what outlives a process but not the machine; root's alone. */
#ifndef CLEARTAP_RUNTIME_H
#define CLEARTAP_RUNTIME_H

#define RUNTIME_FOLDER "/run/cleartap"

/* Its descriptor, made when missing; -EPERM when it is not what it should be; or -errno. */
int runtime_open(void);

#endif
