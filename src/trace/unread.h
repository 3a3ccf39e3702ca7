/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TLS libraries that are known, and not read: they are told as what they are. */
#ifndef CLEARTAP_UNREAD_H
#define CLEARTAP_UNREAD_H

#include <stdbool.h>

struct elf_file;

/* Is a file of this name (last part of its path) expected to be one of them? */
bool unread_wants(const char *basename);
/* The name of the one that the file is, or has inside; NULL: none. */
const char *unread_find(const struct elf_file *e);

#endif
