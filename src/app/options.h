/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of src/options.def, from the command line and the configuration file. */
#ifndef CLEARTAP_OPTIONS_H
#define CLEARTAP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct buf;

#define OPTION_TYPE_FLAG bool
#define OPTION_TYPE_TEXT char *	  /* any text */
#define OPTION_TYPE_PATH char *	  /* NULL when empty */
#define OPTION_TYPE_SIZE uint64_t /* bytes */
#define OPTION_TYPE_TIME uint64_t /* seconds */
#define OPTION_TYPE_LIST char **  /* ends with NULL, NULL when empty */

struct options {
#define OPTION(name, argument, kind, field, value, help) OPTION_TYPE_##kind field;
#include "app/options.def"
#undef OPTION
};

/*
 * Defaults, then the configuration file, then the command line. 0, or -EINVAL (or -errno of the
 * file) with a sentence in error. options_free() releases, also after a failure.
 */
int options_parse(int argc, const char *const *argv, struct options *ret, char *error,
		  size_t error_size);
/* Is this option (no FLAG, no LIST) as it is where nobody says anything? */
bool options_is_default(const struct options *o, const char *name);
/* The options that leave programs out, as given, with a NUL; short of memory in part. */
void options_put_scope(const struct options *o, struct buf *out);
void options_free(struct options *o);
void options_print_help(FILE *out);

#endif
