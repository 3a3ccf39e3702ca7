/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kept packets, in files beside the store. Each file is pcapng by itself; when all are full the
 * oldest is emptied and begun anew, so that no file is made or removed once privileges are gone.
 *
 * There are two rings of files. In the first, nobody holds more than one part in LIMIT_SHARE; what
 * somebody sends beyond that goes into the second, where those who send most push out each other.
 */
#ifndef CLEARTAP_KEEP_FILES_H
#define CLEARTAP_KEEP_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct keep_files;

struct keep_files_options {
	const char *store; /* the path that theirs begin with */
	uint64_t size;	   /* bytes of all files together */
	uint64_t max_age_s;
	uid_t uid; /* whose the files will be */
	gid_t gid;
};

/* From its IP header on. */
struct kept_packet {
	int64_t time_us;
	const uint8_t *data;
	uint32_t have, len; /* bytes that are here; that it had */
	bool out;	    /* it was sent by the process that it is kept for */
};

struct keep_files_stats {
	uint64_t packets, bytes; /* written since the start */
	uint64_t held;		 /* bytes of all files */
	uint64_t lost;		 /* packets that could not be written */
	int64_t first_us;	 /* the oldest packet; 0: there is none */
};

/* Opens all, and repairs what an unclean end has left. 0, or -errno with a sentence in error. */
int keep_files_open(const struct keep_files_options *o, struct keep_files **ret, char *error,
		    size_t size);
/* Takes NULL. */
void keep_files_close(struct keep_files *k);
/* One thread. What is put is written by keep_files_flush() at the latest. */
void keep_files_put(struct keep_files *k, uint16_t owner, const struct kept_packet *p);
/* 0, or -errno of the write that failed: what it was to write is counted as lost. */
int keep_files_flush(struct keep_files *k);
/* Empty what is older than max_age_s. */
void keep_files_expire(struct keep_files *k, int64_t now_us);
/* From any thread. */
struct keep_files_stats keep_files_stats(struct keep_files *k);

/* What is in the files when it is made, oldest first. From any thread; NULL when out of memory. */
struct keep_reader;
struct keep_reader *keep_reader_new(struct keep_files *k);
void keep_reader_free(struct keep_reader *r);
/*
 * The next packet, valid until the next call. False at the end; a file that was begun anew
 * meanwhile ends early, and so does one with damage.
 */
bool keep_reader_next(struct keep_reader *r, struct kept_packet *ret);

#endif
