/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A store that lives as long as the run: in a folder of its own, beside the file that is read. */
#ifndef CLEARTAP_OWN_STORE_H
#define CLEARTAP_OWN_STORE_H

#include <limits.h>

#define OWN_STORE_MAX (PATH_MAX + 32)

/*
 * Makes the folder beside `file`, or where that may not be written to among temporary files.
 * ret_path is where the store is to be. 0 or -errno.
 */
int own_store_make(const char *file, char ret_path[static OWN_STORE_MAX]);
/* What own_store_make() made, and the store in it. */
void own_store_remove(const char *path);

#endif
