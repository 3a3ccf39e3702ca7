/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records as the kernel would send them, for tests and benchmarks of src/session/. */
#ifndef CLEARTAP_RECORDS_H
#define CLEARTAP_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "session/session.h"

/* From the time of a record to µs since 1970. */
#define RECORDS_CLOCK_US 1000000

/* One connection; records of it go on where the last one ended. */
struct wire {
	struct sessions *sessions;
	uint32_t tgid;
	uint64_t conn, gen;
	uint64_t offset[2];
	uint64_t ktime; /* of the next record, 1 ms later for each */
	uint64_t begin; /* of the call, 0: its ktime */
	uint16_t owner; /* whose program it is, 0 unknown */
};

/* src/wire/ has functions of the same names, which are not these. */
#define wire_open record_wire_open
#define wire_read record_wire_read
void wire_open(struct wire *w, const char *comm, uint8_t library, uint32_t netns);
/* The same of a connection that was in use before. */
void wire_join(struct wire *w, const char *comm, uint8_t library, uint32_t netns);
/* `span` bytes of a call, of which `len` are there; payload is copied to an own block. */
void wire_data(struct wire *w, uint8_t dir, const void *data, size_t len, uint32_t span,
	       uint16_t flags);
void wire_write(struct wire *w, const char *text);
void wire_read(struct wire *w, const char *text);
/* Addresses as text, "10.0.0.1" or "::1"; IPv4-mapped ones stay IPv6. */
void wire_bind(struct wire *w, const char *local, uint16_t local_port, const char *remote,
	       uint16_t remote_port, uint8_t how, uint8_t opened, bool strong);
void wire_close(struct wire *w);
void wire_exit(struct wire *w);

#endif
