/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store: appends batches, answers pages newest first, keeps to its bounds. Which store is
 * behind it the scheme of the URI says (store_ops.h, stores.c); sqlite/ is the one there is.
 */
#ifndef CLEARTAP_STORE_H
#define CLEARTAP_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "outcome.h"

struct entry;
struct kfl;
struct kfl_error;
struct store;

struct store_options {
	const char *uri;    /* a path, or sqlite:PATH */
	uint64_t max_size;  /* bytes of all its files together; 0 no bound */
	uint64_t max_age_s; /* 0 no bound */
	unsigned readers;   /* connections for concurrent readers */
};

struct store_stats {
	int64_t first_id, last_id; /* 0, 0 when empty */
	int64_t first_us, last_us; /* smallest and largest timestamp; 0, 0 when empty */
	uint64_t entries, size, segments, dropped_entries; /* dropped by the bounds since start */
	uint64_t failed_batches, lost_entries; /* could not be written: disk full, ... */
	uint64_t open_exchanges;	       /* whose rows will be written again */
	uint64_t passed_over;		       /* versions of exchanges past LIMIT_LIVE_EXCHANGES */
};

/*
 * Open or create, bring the schema up to date, recover from an unclean end, get within the bounds.
 * All descriptors are opened here, so that the caller may drop its privileges (to `owner`, who
 * will own the files) afterwards; but in the process that goes on to use it, since locks do not
 * survive fork(). 0, or -errno with a sentence in error[error_size]: not a database (-EINVAL),
 * locked by another cleartap (-EBUSY), newer schema (-ENOTSUP), read-only (-EROFS), damaged
 * (-EBADMSG), disk full (-ENOSPC). max_size is at least 1 MiB. The caller closes *ret with
 * store_close().
 */
int store_open(const struct store_options *options, uid_t owner_uid, gid_t owner_gid,
	       struct store **ret, char *error, size_t error_size);
void store_close(struct store *s);

/*
 * Gives each entry its id, in the order of the batch, in one transaction or, where the bound of
 * the log asks for it, in several. One thread only. On failure what has been stored has its id and
 * the others 0; the store stays usable and the cause is kept for store_error(): -ENOSPC, -EROFS,
 * -EBUSY (another program keeps the log from being emptied), -EIO, ... An entry whose rows are
 * larger than an eighth of what --max-size sets aside for the log, or whose large bodies are more
 * than a sixteenth of it, loses its bodies, which it says itself; one whose texts alone are larger
 * is lost, and counted, without a failure. Also keeps the bounds, a
 * bounded piece of work at each call.
 *
 * Versions of one exchange (entry.live) have one id and one row, which the newest rewrites; `again`
 * is set where the id is not new. body_kept leaves a body as it is stored. At most
 * LIMIT_LIVE_EXCHANGES are followed; what of others still goes on gets no id (passed_over).
 */
int store_append(struct store *s, struct entry *const *batch, size_t count);
/* Bounds and checkpoints while there is nothing to append. Same thread as store_append(). */
void store_maintain(struct store *s, int64_t now_us);

/*
 * Can it run the filter? 0, -EINVAL with the error set (nested more deeply than it takes), -ENOMEM.
 * What it cannot run fails store_select() and store_count() with -EDOM.
 */
int store_check(struct store *s, const struct kfl *filter, struct kfl_error *ret_error);

/* kfl_compile() and store_check(). */
int store_compile(struct store *s, const char *query, size_t len, struct kfl **ret,
		  struct kfl_error *ret_error);

struct store_query {
	const struct kfl *filter; /* NULL: everything */
	int64_t before, after;	  /* ids, exclusive; 0 no bound */
	size_t limit;
	bool oldest_first;	/* for live streams and exports */
	bool with_payload;	/* fill detail and bodies */
	unsigned time_limit_ms; /* 0: none */
};

/* How a page ended. `next` continues it (as before, or as after when oldest_first); 0 at the end.
 */
struct store_page {
	size_t count;
	int64_t next;
	bool partial; /* the time limit ended it; `next` goes on from there */
};

/* The entry is borrowed for the call. Return false to stop. */
typedef bool store_row_fn(void *ctx, const struct entry *e);

/*
 * Readers may be called from any thread and never wait for the writer; at most
 * store_options.readers at once, further ones wait. 0, or -errno with a sentence in error: -EDOM
 * when the filter is to blame (a regex past its step limit), else an unreadable file, ...
 */
int store_select(struct store *s, const struct store_query *q, store_row_fn *row, void *ctx,
		 struct store_page *ret, char *error, size_t error_size);
/* One entry with its payload; the caller frees it. -ENOENT. */
int store_get(struct store *s, int64_t id, struct entry **ret);
struct store_stats store_stats(struct store *s);
/* Where it is, for files that lie beside it: an absolute path. NULL: it is in no file. */
const char *store_path(const struct store *s);

/* Entries counted by time. A bucket begins at a multiple of its width since 1970. */
struct store_histogram {
	const struct kfl *filter; /* NULL: everything */
	int64_t after;		  /* id, exclusive; 0: all */
	int64_t start_us;	  /* a multiple of bucket_us */
	int64_t bucket_us;
	size_t buckets;
	unsigned time_limit_ms; /* 0: none */
};
struct store_counted {
	uint64_t total;
	bool partial;	       /* the time limit ended it */
	int64_t whole_from_us; /* nothing is missing from here on */
};
/* The bucket, counted from 1970, that a time is in. */
static inline int64_t store_bucket(int64_t us, int64_t width)
{
	return us / width - (us % width < 0);
}
/*
 * Add to counts[buckets], newest entries first. Without a filter and with buckets of whole seconds
 * that takes no look at the entries. 0, or -errno with a sentence in error.
 */
int store_count(struct store *s, const struct store_histogram *q, uint64_t (*counts)[OUTCOMES],
		struct store_counted *ret, char *error, size_t error_size);

/* The last failure of store_append() as a sentence, "" after a success. Copies up to size. */
void store_error(struct store *s, char *out, size_t size);

#endif
