/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A store in one SQLite database and a file of bodies beside it, on this machine. */
#ifndef CLEARTAP_SQLITE_OPS_H
#define CLEARTAP_SQLITE_OPS_H

struct store_ops;

extern const struct store_ops sqlite_ops;

#endif
