/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages to standard error: one line each, "cleartap: warning: ...". Names of files and all else
 * that others choose may stand in them: what could forge a line or steer a terminal is escaped
 * here.
 */
#ifndef CLEARTAP_LOG_H
#define CLEARTAP_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Messages above `level` are not written. Default: LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);
/*
 * Copy text as a line may hold it: control characters, marks that turn the direction of writing and
 * bytes that are no UTF-8 become \xNN, a newline \n. Cut to the room, which ends with a NUL;
 * returns the length.
 */
size_t log_escape(const char *text, char *ret, size_t room);
void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
