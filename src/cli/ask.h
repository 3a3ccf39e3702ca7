/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions to the API over the unix socket: HTTP/1.0, one connection each, so that an answer ends
 * where the connection does. All failures are told here, as an error of the log.
 */
#ifndef CLEARTAP_ASK_H
#define CLEARTAP_ASK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/cli.h"

struct buf;

/* The bytes of an answer with status 200, as they come; NULL after a failure. fclose() ends it. */
FILE *ask_open(const struct cli *c, const char *target);
/* An answer as JSON, for json_decref(); NULL after a failure. */
json_t *ask_json(const struct cli *c, const char *target);
/*
 * The filter that the arguments make of the word and --since, percent-encoded for q=; "" where it
 * is everything. 0, or CLI_USAGE with its error told.
 */
int ask_filter(const struct cli *c, struct buf *ret);
/* An entry of an answer, as a line or (--json) as JSON. */
void ask_put_entry(const struct cli *c, const json_t *entry);
/* --lines, `preset` where it is not given; 0, or CLI_USAGE with its error told. */
int ask_lines(const struct cli *c, uint64_t preset, uint64_t most, uint64_t *ret);

#endif
