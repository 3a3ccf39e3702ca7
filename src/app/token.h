/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The access token: 32 hexadecimal digits from the kernel's random numbers. */
#ifndef CLEARTAP_TOKEN_H
#define CLEARTAP_TOKEN_H

#include <stddef.h>

#define TOKEN_MAX 256

/*
 * Read the token from a file, or make one and write it there (mode 0600); NULL: only make one. A
 * file that others own, can read or have linked to is refused. 0, or -errno with a sentence in
 * error.
 */
int token_get(const char *file, char ret[static TOKEN_MAX], char *error, size_t error_size);
/*
 * Write it to a file of the runtime folder (mode 0600) that is this run's alone; its path goes to
 * ret. 0 or -errno.
 */
int token_keep(const char *token, char *ret, size_t room);

#endif
