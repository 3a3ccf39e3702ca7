/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The records that the BPF programs send through the ring buffer, and the memory that kernel and
 * user space share. The only header included on both sides; HACKING, "Records", tells the meaning.
 */
#ifndef CLEARTAP_EVENT_H
#define CLEARTAP_EVENT_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* Of all that is below; the loader refuses kernel code that was built with another one. */
#define EV_VERSION 4

/* Payload bytes in one record at most; a longer call is sent in several. */
#define EV_CHUNK_MAX 16384
/* Chunks copied from one call at most; what is left is counted as truncated. */
#define EV_CALL_CHUNKS 256
#define EV_COMM_LEN    16

enum ev_type {
	EV_OPEN = 1,  /* first sight of a connection: struct ev_open */
	EV_DATA = 2,  /* plaintext, or only its length: struct ev_data */
	EV_BIND = 3,  /* the socket below a connection: struct ev_bind */
	EV_CLOSE = 4, /* the connection ended: struct ev_close */
	EV_EXIT = 5,  /* a process that had connections ended: struct ev_hdr alone */
};

enum ev_dir { EV_READ = 0, EV_WRITE = 1 };

/* Why the bytes of an ev_data beyond `len` are not in it. */
enum ev_data_flags {
	EV_F_BUDGET = 1 << 0, /* the message budget is spent */
	EV_F_FAULT = 1 << 1,  /* the program's memory could not be read */
	EV_F_PAUSED = 1 << 2, /* capture is paused */
};

/* EV_LIB_OPENSSL, ...: the rows of the table of libraries. */
enum ev_library {
#define LIBRARY(id, number, ...) EV_LIB_##id = number,
#include "trace/libraries.def"
#undef LIBRARY
};

/* How the socket is known (design section 5), and how sure. */
enum ev_bind_how { EV_HOW_GO = 1, EV_HOW_NESTED = 2, EV_HOW_BIO = 3 };

enum ev_opened { EV_OPENED_UNKNOWN = 0, EV_OPENED_LOCAL = 1, EV_OPENED_REMOTE = 2 };

/* Every record starts with this. A connection is (tgid, conn, gen). */
struct ev_hdr {
	__u16 type;
	__u16 flags;
	__u32 size;  /* of the record without ring-buffer padding; at least the struct */
	__u64 ktime; /* ns, CLOCK_MONOTONIC */
	__u32 tgid;
	__u32 tid;
	__u64 conn; /* address of the SSL or tls.Conn */
	__u64 gen;  /* ktime of the first sight of this use of the address */
};

struct ev_open {
	struct ev_hdr hdr;
	__u64 cgroup;
	__u64 target; /* the tracer's number for the probed file, 0 where cookies are missing */
	__u32 uid;
	__u32 netns;
	__u8 library; /* enum ev_library */
	__u8 pad[7];
	char comm[EV_COMM_LEN]; /* of the thread group leader */
};

/*
 * `offset` counts the bytes of all earlier calls in this direction, whether they were captured or
 * not, so the bytes [offset, offset + len) are here and [offset + len, offset + span) are missing.
 */
struct ev_data {
	struct ev_hdr hdr;
	__u64 offset;
	__u64 goid; /* goroutine, 0 when not Go or unknown */
	__u32 span; /* bytes of the call that this record accounts for */
	__u32 len;  /* bytes of payload that follow */
	__u8 dir;   /* enum ev_dir */
	__u8 pad[7];
	__u8 payload[];
};

struct ev_bind {
	struct ev_hdr hdr;
	__u64 cookie;			  /* of the socket, 0 before 5.8 or when never asked for */
	__u8 local_ip[16], remote_ip[16]; /* IPv4 in the first 4 bytes */
	__u16 local_port, remote_port;	  /* host order */
	__u32 netns;
	__u8 family; /* 4 or 6 */
	__u8 how;    /* enum ev_bind_how */
	__u8 opened; /* enum ev_opened */
	__u8 strong; /* 1: the length of the transfer fits the TLS records of the call */
	__u8 pad[4];
};

struct ev_close {
	struct ev_hdr hdr;
	__u64 offset[2]; /* final stream offset by enum ev_dir */
};

/* One page that user space maps: written by the tracer (paused) and the reader (wake). */
struct ev_control {
	__u32 paused;
	__u32 wake; /* the reader sleeps: the next record wakes it, whatever the ring holds */
};

/* Per-CPU counters: slot cpu * EV_C__COUNT + counter of one mapped array of __u64. */
enum ev_counter {
	EV_C_CALLS,	   /* successful reads and writes seen */
	EV_C_RING_FULL,	   /* records that found no room */
	EV_C_RING_BYTES,   /* payload bytes that found no room */
	EV_C_BUDGET_BYTES, /* payload bytes past the message budget */
	EV_C_FAULT,	   /* reads of program memory that failed */
	EV_C_CONNS_FULL,   /* calls without a place in the connection map */
	EV_C_THREADS_FULL, /* calls without a place in the thread map */
	EV_C_NESTED_DEEP,  /* calls nested too deep to follow */
	EV_C_ORPHAN,	   /* returns without an entry: begun before the attach */
	EV_C_FILTERED,	   /* calls that a filter left out */
	EV_C__COUNT = 16,
};
#define EV_CPUS_MAX 512
/* Probed files, numbered from 1. */
#define EV_TARGETS_MAX 4096

/* The rest is between the tracer and the kernel side: keys and values of maps. */

struct conn_key {
	__u64 conn;
	__u32 tgid;
	__u32 pad;
};

/* What src/trace/inspect.h found of a Go program; offsets are -1 when unknown. */
struct go_target {
	__s32 goid, conn_conn, fd_sysfd, conn_fd;
	__u32 register_abi;
	__u32 copy_frame; /* as in struct go_layout */
	__u64 itab;	  /* of *net.TCPConn as net.Conn; this and all below as linked */
	__u64 read_entry, read_copy, write[2]; /* probe points, 0: none */
	__u64 tls_slot; /* ABI0 on amd64: where the goroutine's place in thread-local storage is
			 * found, 0: right below the thread pointer */
};

/* A program file, for kernels without cookies. */
struct exe_key {
	__u64 inode;
	__u32 dev; /* as the kernel has it: major << 20 | minor */
	__u32 pad;
};

_Static_assert(sizeof(struct ev_hdr) == 40, "ev_hdr");
_Static_assert(sizeof(struct ev_open) == 88, "ev_open");
_Static_assert(sizeof(struct ev_data) == 72, "ev_data");
_Static_assert(sizeof(struct ev_bind) == 96, "ev_bind");
_Static_assert(sizeof(struct ev_close) == 56, "ev_close");
_Static_assert(sizeof(struct conn_key) == 16, "conn_key");
_Static_assert(sizeof(struct go_target) == 72, "go_target");
_Static_assert(sizeof(struct exe_key) == 16, "exe_key");

#endif
