/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries and texts as lines of a terminal: what others chose is escaped there, always. */
#ifndef CLEARTAP_CLI_LINE_H
#define CLEARTAP_CLI_LINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Parts of a line, and what they are coloured by. */
enum line_color { LINE_PLAIN, LINE_DIM, LINE_GOOD, LINE_WARN, LINE_BAD, LINE_STRONG };

void line_color(FILE *out, bool color, enum line_color which);
/* Text as a line may hold it (log_escape()). */
void line_text(FILE *out, const char *text);
/* Text of several lines: newlines and tabs stay, the rest as above; ends with a newline. */
void line_block(FILE *out, const char *text, size_t len);
/* An entry of the list (/api/entries): time, lock, who, what, outcome, a line. */
void line_entry(FILE *out, bool color, const json_t *entry);
/* A time in us, a number of bytes, in seven and six columns. */
void line_elapsed(FILE *out, json_int_t us);
void line_size(FILE *out, json_int_t bytes);
/* As JSON, a line. */
void line_json(FILE *out, const json_t *v);
/* Members of objects of objects: "" and 0 where there are none. */
const char *line_string(const json_t *v, const char *object, const char *name);
json_int_t line_number(const json_t *v, const char *object, const char *name);

#endif
