/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixed-size messages over the socketpair (SOCK_SEQPACKET) between the tracer and the server. */
#ifndef CLEARTAP_TRACER_MESSAGE_H
#define CLEARTAP_TRACER_MESSAGE_H

#include <stdint.h>

enum message_type {
	MSG_TARGET = 1, /* tracer: a file, new or with a new state */
	MSG_PROCESS,	/* tracer: a process that maps a target */
	MSG_PROCESS_EXIT,
	MSG_READY,   /* tracer: the first probes are in */
	MSG_PAUSE,   /* server: stop copying */
	MSG_RESUME,  /* server */
	MSG_STATE,   /* tracer: state of capture after MSG_PAUSE or MSG_RESUME */
	MSG_STOP,    /* tracer: a wanted end; without it the end of the socket is a failure */
	MSG_SERVING, /* server: the store is open and the listeners are bound */
	MSG_SILENT,  /* server: a process sends records, and none of its calls is seen any more */
	MSG_REFUSED, /* tracer: what was not looked at: state, owner, count, reason */
};

/* Why the tracer leaves something out, or was late; the state of a MSG_REFUSED. */
enum refusal {
	REFUSED_QUEUE,	 /* too many files of this owner wait to be looked at */
	REFUSED_CHANGES, /* a file is written anew too often */
	REFUSED_HANGS,	 /* its file system does not answer */
	REFUSED_KIND,	 /* it is no regular file */
	REFUSED_SCAN,	 /* the disk of a container was not scanned, or not all of it */
	REFUSED_TABLE,	 /* no room among the probed files, or of this owner's share of them */
	REFUSED_PROCESS, /* processes that are not told of: too many at once */
	REFUSED_ENDED,	 /* a program had ended before the probes were in its file */
	REFUSED_GONE,	 /* it and its file were gone before they were looked at */
	REFUSED_LOST,	 /* more was mapped at once than the kernel could tell of */
	REFUSED_COUNT,
};

enum target_state { TARGET_ATTACHED = 1, TARGET_SKIPPED, TARGET_FAILED, TARGET_DETACHED };

struct tracer_message {
	uint32_t type;
	uint32_t target; /* number of the file, from 1 */
	uint32_t tgid;
	uint32_t state; /* enum target_state, or 1 = paused */
	uint32_t points;
	uint32_t missed; /* processes that had ended before the probes were in */
	uint32_t again;	 /* times that its probes were put in again, as they fired no more */
	uint32_t pad;
	uint64_t delay_us; /* from the first mapping to the probes, 0: it was there already */
	uint64_t dev, inode;
	uint64_t owner;	  /* MSG_REFUSED: user, or above 32 bits a mount namespace; the last one */
	uint64_t count;	  /* MSG_REFUSED: since the start */
	char library[16]; /* library_name() */
	char version[64];
	char path[256]; /* of the file, or of the process's executable; cut from the left */
	char plan[256];
	char reason[192];
	char container[72]; /* container id of the process */
	char comm[16];	    /* its name, as entries have it */
};

/*
 * The next message, whose texts end whoever sent it. 0; -EAGAIN: none is there; -EBADMSG: it was of
 * another size, and is gone; -EPIPE: the other side is gone; or -errno.
 */
int tracer_message_receive(int socket, struct tracer_message *ret);

#endif
