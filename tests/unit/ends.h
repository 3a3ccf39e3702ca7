/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Both ends of connections on one machine, in the order of one clock, and what is told of them. */
#ifndef CLEARTAP_ENDS_H
#define CLEARTAP_ENDS_H

#include <stdbool.h>

#include "records.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

#define TOLD_MOST 4100

struct entry;

struct told {
	struct sessions *sessions;
	uint64_t clock; /* ns */
	struct entry *entries[TOLD_MOST];
	size_t count;
};

struct ends {
	struct told *t;
	struct wire c, s;
};

int told_setup(void **state);
int told_setup_split(void **state);
int told_teardown(void **state);
struct session_stats told_stats(const struct told *t);
void told_pass(struct told *t, uint64_t ms);
void ends_now(struct told *t, struct wire *w);
void ends_open_one(struct told *t, struct wire *w, uint32_t tgid, uint64_t conn, bool client,
		   uint16_t port);
struct ends ends_open(struct told *t, uint64_t conn, uint16_t port);
void ends_write(struct told *t, struct wire *w, const char *text);
void ends_read(struct told *t, struct wire *w, const char *text);
const char *ends_get(int id);
const char *ends_answer(int id);
void ends_request(struct ends *e, int id);
void ends_respond(struct ends *e, int id);
void ends_exchange(struct ends *e, int id);
void told_expect(const struct told *t, size_t i, const char *path, const char *ends);
bool told_remarks(const struct entry *e, const char *what);

#endif
