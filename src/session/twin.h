/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both ends of one connection on this machine, and what they tell of the same exchange: twins,
 * which go on as one entry. pair.c makes them; here is which are the same, and when and how they
 * are told.
 */
#ifndef CLEARTAP_TWIN_H
#define CLEARTAP_TWIN_H

#include "session/connection.h"

enum pair_end { END_CLIENT, END_SERVER };

/* By which a twin is found (twin_index.c). */
struct twin_mark {
	struct twin_mark *next; /* in the same bucket */
	struct twin *twin;	/* NULL: it is in none */
	uint64_t value;
	uint8_t what;
};

/* An exchange that one end or both have told of, and that is not told whole yet. */
struct twin {
	TAILQ_ENTRY(twin) of_pair, of_waiting, of_sharer;
	struct pair *pair;
	/* All by enum pair_end; parts are request and response, as the entries have them. */
	struct entry *entry[2]; /* finished, and waits for the other */
	struct entry_part part[2][2];
	uint64_t live[2]; /* its dissector's number, 0: told once */
	bool begun[2];
	/* The client can have had no other answer between these two, so that the server can have
	 * read no other request. */
	int64_t before_us;
	bool alone;
	uint64_t shown;	  /* the number under which versions of it were told, 0: none was */
	uint64_t used;	  /* the same, once the end of it was told under it */
	uint8_t teller;	  /* whose versions those were */
	bool told, whole; /* one end was told as the end of it, all bytes there */
	bool opaque;
	bool dropped;  /* versions of the server's were left out, the client tells */
	uint8_t waits; /* in which list of the waiting plus one, 0: in none */
	int64_t since_us;
	size_t bytes;
	struct twin_mark place[2];  /* of its parts, as long as one end alone has told of it */
	struct twin_mark number[2]; /* live[] */
};

struct pair {
	struct sessions *all;
	struct sharer *sharer;	    /* the client's: he made the connection */
	struct session *session[2]; /* NULL: it ended */
	struct sight sight[2];	    /* of those that ended */
	TAILQ_HEAD(, twin) twins;
	size_t count;
	int64_t linked_us;
	/* What the client's connection is called, which is how both ends call theirs. */
	struct session_name name;
	int64_t shift[2];   /* offset at the client's end less that at the server's, by part */
	int64_t answer_us;  /* the last byte of an answer that the client had */
	bool from_start[2]; /* the protocol says that the end was seen from its beginning */
	bool ordered;	    /* session[] is by enum pair_end */
	bool aligned;	    /* shift is known */
	bool late;	    /* an end was not seen from its beginning */
	bool verified;	    /* an exchange had equal bytes at both ends */
	bool broken;	    /* the bytes contradict it: not the same connection */
};

/* pair_match.c: which exchanges of both ends are the same. */
const struct sight *pair_sight(const struct pair *p, enum pair_end end);
/* Is `e`, as told by `end`, what the other end told as `t`? */
bool twin_matches(const struct twin *t, enum pair_end end, const struct entry *e);
/* The same of two twins: `a` of the client, `b` of the server. */
bool twins_match(const struct twin *a, const struct twin *b);
/* Are they the ends of one connection beyond doubt? */
bool pair_is_certain(const struct pair *p);
/* Find out how the offsets of both ends relate, from a twin that an end has just finished. */
void pair_align(struct pair *p, const struct twin *t, enum pair_end end);
/* Are the bytes of both ends known, and different? */
bool twin_differs(const struct twin *t);
/* Are the bytes of both requests known, and equal? */
bool twin_verifies(const struct twin *t);
/* The end has bytes of all that is in these parts, as far as its session has come. */
bool pair_covers(const struct pair *p, enum pair_end end, const struct twin *t);

/* Why an exchange of a connection whose ends are both known goes on as that of one end. */
enum pair_cause { BY_TIME, BY_END, BY_LOSS, BY_LATE, BY_BYTES, BY_BOUND };

static inline bool sight_has_hole(const struct sight *s)
{
	return s->hole_end[0] || s->hole_end[1];
}

/* twin.c: when it goes on. Any of these may free the twin but for the first three. */
void twin_stop_waiting(struct twin *t);
/* What `end` has finished waits: in list 0 for the other to begin it, in 1 to end it. */
void twin_wait(struct twin *t, enum pair_end end, int list);
/* Takes a version of what goes on. One end's are told, the client's once it has some. */
void twin_tell_open(struct twin *t, enum pair_end end, struct entry *e);
void twin_free(struct twin *t);
/* Whatever of it is finished goes on by itself. */
void twin_tell_apart(struct twin *t, enum pair_cause cause);
/* Takes what an end tells when the other's version was told as the end of it. */
void twin_tell_late(struct twin *t, struct entry *e);
/* An end has finished it, or its twin was found. */
void twin_settle(struct twin *t);
void pair_tell_all(struct pair *p, enum pair_cause cause);
void pair_count_cause(struct session_stats *stats, enum pair_cause cause);
/* The oldest that wait of whoever has most make room. */
void pair_keep_bound(struct sessions *all);
/* Room for one more of an owner: where he is past his share one of his own that waits goes on. */
bool twin_make_place(struct sessions *all, struct sharer *of);
/* Takes an entry of one end alone; of a pair it is of the same connection as the others. */
void entry_send_alone(struct sessions *all, struct entry *e);
void pair_send_alone(struct pair *p, struct entry *e);

/* twin_index.c: finding them. */
int twin_table_init(struct twin_table *table);
void twin_table_free(struct twin_table *table);
/* What is known of it has changed: by that it is found from now on. */
void twin_index(struct twin *t);
void twin_unindex(struct twin *t);
/* The one to which an end's dissector gave this number; NULL. */
struct twin *twin_of_number(const struct pair *p, enum pair_end end, uint64_t live);
/*
 * The first that the other end alone has told of, and that lies where this end has `offset`; the
 * next. NULL: none, or it is not known where that is.
 */
struct twin *twin_at_place(const struct pair *p, enum pair_end end, int part, uint64_t offset);
struct twin *twin_next_there(const struct twin *t, int part);

/* pair_merge.c: one entry of two. */
/* Takes both entries of it; the one that is left has the better message of each part. */
struct entry *twin_merge(struct twin *t, bool differs);

#endif
