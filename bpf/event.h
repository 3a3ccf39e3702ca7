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
#define EV_VERSION 9

/* Payload bytes in one record at most; a longer call is sent in several. */
#define EV_CHUNK_MAX 16384
/* Chunks copied from one call at most; what is left is counted as truncated. */
#define EV_CALL_CHUNKS 256
#define EV_COMM_LEN    16
/* Record lengths and packets that are remembered of a wire connection. */
#define EV_WIRE_FIRST	6
#define EV_WIRE_PACKETS 16

enum ev_type {
	EV_OPEN = 1,  /* first sight of a connection: struct ev_open */
	EV_DATA = 2,  /* plaintext, or only its length: struct ev_data */
	EV_BIND = 3,  /* the socket below a connection: struct ev_bind */
	EV_CLOSE = 4, /* the connection ended: struct ev_close */
	EV_EXIT = 5,  /* a process that had connections ended: struct ev_hdr alone */
	/* Of the wire. In their ev_hdr conn is the socket's cookie, gen that of its slot. */
	EV_WIRE_OPEN = 6,    /* TLS was found on a socket: struct ev_wire_open */
	EV_WIRE_BYTES = 7,   /* payload with handshake records: struct ev_wire_bytes */
	EV_WIRE_PROCESS = 8, /* whose the socket is: struct ev_wire_process */
	EV_WIRE_END = 9,     /* it was closed, or gave way: struct ev_wire_end */
};

enum ev_dir { EV_READ = 0, EV_WRITE = 1 };

/* Why the bytes of an ev_data beyond `len` are not in it; EV_F_MORE says something else. */
enum ev_data_flags {
	EV_F_BUDGET = 1 << 0, /* the message budget is spent */
	EV_F_FAULT = 1 << 1,  /* the program's memory could not be read */
	EV_F_PAUSED = 1 << 2, /* capture is paused */
	EV_F_MORE = 1 << 3,   /* another record of the same call follows */
};

/* In an ev_open: it was in use before, so its first bytes may be the middle of something. */
enum ev_open_flags { EV_F_MIDWAY = 1 << 0 };

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
	__u8 type;
	__u8 flags;
	__u16 owner; /* whose share of the ring it takes: a number below EV_OWNERS */
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
 * A write begins when the program calls and a read ends when its call returns: hdr.ktime is the end
 * of the call, `begin` its begin. Reads have the end in both. Go's writes have the begin in both,
 * as nothing watches their return.
 *
 * `offset` counts the bytes of all earlier calls in this direction, whether they were captured or
 * not, so the bytes [offset, offset + len) are here and [offset + len, offset + span) are missing.
 * `reached` is the offset of the other direction, up to which all that has a record came before
 * this one: what of it did not come is missing, and was moved before this call was told.
 */
struct ev_data {
	struct ev_hdr hdr;
	__u64 begin; /* ns as in hdr.ktime */
	__u64 offset, reached;
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
	EV_C_RING_FULL,	   /* records that found no room in the whole ring */
	EV_C_RING_BYTES,   /* payload bytes that found no room */
	EV_C_BUDGET_BYTES, /* payload bytes past the message budget */
	EV_C_FAULT,	   /* reads of program memory that failed */
	EV_C_CONNS_FULL,   /* calls without a place in the connection map */
	EV_C_THREADS_FULL, /* calls without a place in the thread map */
	EV_C_NESTED_DEEP,  /* calls nested too deep to follow */
	EV_C_ORPHAN,	   /* returns without an entry: begun before the attach */
	EV_C_FILTERED,	   /* calls that a filter left out */
	EV_C_RING_SHARE,   /* records that found no room in their owner's share; bytes as above */
	EV_C_CONNS_SHARE,  /* calls without a place in their owner's share of connections */
	EV_C_CONNS_IDLE,   /* connections that gave way to others of their owner */
	EV_C_PROCS_SHARE,  /* calls of processes without a place in their owner's share */
	EV_C_ALLOWED_FULL, /* children of processes that the filter names, not followed */
	EV_C_BEGUN_ANEW,   /* connections with a call that could not be followed to its end */
	EV_C_KEEP_FULL,	   /* packets to be kept that found no room in their ring */
	EV_C_KEEP_SHARE,   /* and none in their owner's share of it */
	EV_C_KEEP_PENDING, /* and too many before it was known whose they are, with a filter */
	EV_C_WIRE_IDLE,	   /* wire connections that gave way to others */
	EV_C_WIRE_SHARE,   /* wire connections without a place */
	EV_C_WIRE_LOST,	   /* directions whose record boundary was lost */
	EV_C_WIRE_BYTES,   /* handshake bytes that were not copied, past a bound */
	EV_C__COUNT = 32,
};
#define EV_CPUS_MAX 512

/*
 * Whose programs these are: nobody may take more than his share of what all have to share. Number 0
 * is not used. A number serves another owner when its first one has nothing left.
 */
#define EV_OWNERS	 1024
#define EV_OWNER_CGROUP	 (1ULL << 63) /* in an id: the rest is a cgroup, of root's programs */
#define EV_OWNER_PIDS(i) ((__u32)((i) >> 32)) /* else: pid namespace, 0 the machine's; below it */
#define EV_OWNER_UID(i)	 ((__u32)(i))	      /* the user */

enum ev_owned {
	EV_OWN_CONNS,
	EV_OWN_PROCS,
	EV_OWN_THREADS,
	EV_OWN_ALLOWED,
	EV_OWN_WIRE,
	EV_OWN__COUNT
};

/* Written by the kernel side alone. */
struct ev_owner {
	__u64 id;
	__u64 sent;			/* bytes put into the ring, ever */
	__u64 held[EV_OWN__COUNT];	/* places taken now */
	__u64 refused[EV_OWN__COUNT];	/* calls, or children, for which there was none */
	__u64 idle;			/* connections that gave way to others of his */
	__u64 lost_records, lost_bytes; /* past his share of the ring */
	__u64 lost_packets;		/* that were to be kept, by any of the causes above */
};

/* What the reader has taken off the ring, ever, by owner: bytes as in ev_owner.sent. */
#define EV_RING_BYTES(size) (((size) + 8 + 7) & ~7ULL)

/*
 * The wire. A socket on which TLS was found has a slot, which user space maps and the kernel side
 * alone writes. A slot may be another socket's at any moment: look at gen before and after.
 */
struct ev_wire_way {
	/* What each packet moves, in one line of the cache. */
	__u64 packets;	 /* segments, those of a super-packet each */
	__u64 bytes;	 /* of TCP payload; retransmissions count again */
	__u64 app_bytes; /* of application data records, without their headers */
	__u64 app_records;
	__u64 last;	    /* ns */
	__u64 early_bytes;  /* of them, what came before the first of the other direction */
	__u64 not_followed; /* payload bytes while the record boundary was not certain, at most */
	__u32 early_records;
	__u16 firsts;
	__u16 latest;			   /* length of the last one */
	__u64 app_at;			   /* ns, of the first of app_records */
	__u32 handshakes, alerts, changes; /* records of these types */
	__u16 first[EV_WIRE_FIRST]; /* lengths of the first of app_records that were not early */
	__u8 pad[32];
};

/* A packet: `what` has its payload's size, above 20 bits record types, above 27 the direction. */
struct ev_wire_packet {
	__u32 when; /* units of 65,536 ns since gen */
	__u32 what;
};
#define EV_WIRE_SIZE(what)  ((what)&0xfffff)
#define EV_WIRE_TYPES(what) ((what) >> 20 & 0x7f) /* bit n: type 20 + n */
#define EV_WIRE_DIR(what)   ((what) >> 27 & 1)

enum ev_wire_flags {
	EV_WIRE_MIDWAY = 1 << 0,   /* its first records were not seen */
	EV_WIRE_UPGRADED = 1 << 1, /* it spoke another protocol before */
	EV_WIRE_TOLD = 1 << 2,	   /* EV_WIRE_OPEN has been sent */
	EV_WIRE_SOUGHT = 1 << 3,   /* its process is asked at its next call */
	EV_WIRE_FILTERED = 1 << 4, /* its process is left out by a filter */
	EV_WIRE_QUIC = 1 << 5,	   /* it is QUIC: see ev_wire */
	EV_WIRE_ASKED = 1 << 6,	   /* it was, and is once more when data flows: kTLS */
};

/*
 * A connection of QUIC has a number of its own in place of the cookie, datagrams in place of
 * records, and counts those with all keys as application data: short headers (RFC 9000
 * section 17.3).
 */
struct ev_wire {
	__u64 gen; /* ns of CLOCK_MONOTONIC when TLS was found; 0: free */
	__u64 cookie;
	__u64 cgroup;
	__u32 owner;
	__u32 copied;		       /* bytes of its handshake */
	__u32 packets;		       /* in the ring below, ever */
	__u16 local_port, remote_port; /* host order */
	__u8 family;		       /* 4 or 6 */
	__u8 opened;		       /* enum ev_opened */
	__u8 flags;
	__u8 pad[21];
	__u8 local_ip[16], remote_ip[16]; /* IPv4 in the first 4 bytes */
	__u32 quic_cid;			  /* the begin of the first connection id */
	__u32 pending; /* bytes of packets that were kept before its process was known */
	__u8 pad2[24];
	struct ev_wire_way way[2]; /* by enum ev_dir */
	struct ev_wire_packet packet[EV_WIRE_PACKETS];
};

struct ev_wire_open {
	struct ev_hdr hdr;
	__u64 cgroup;
	__u32 slot;
	__u8 local_ip[16], remote_ip[16];
	__u16 local_port, remote_port;
	__u8 family, opened, flags;
	__u8 pad;
};

struct ev_wire_bytes {
	struct ev_hdr hdr;
	__u32 seq; /* TCP sequence number of the first byte; of QUIC: bytes of each datagram in it
		    */
	__u32 len;
	__u8 dir;
	__u8 pad[7];
	__u8 payload[];
};

struct ev_wire_process {
	struct ev_hdr hdr;
	__u64 cgroup;
	__u32 netns;
	__u8 opened;
	__u8 filtered; /* hdr.tgid is 0 */
	__u8 ktls;     /* the kernel encrypts it */
	__u8 pad[1];
	char comm[EV_COMM_LEN]; /* of the thread group leader */
};

struct ev_wire_end {
	struct ev_hdr hdr;
	struct ev_wire wire;
};

/*
 * A packet that is to be kept (--keep-packets), from its IP header on; in a ring of its own. What
 * is past LIMIT_KEEP_PACKET is left out.
 */
struct ev_packet {
	__u64 ktime;
	__u64 gen; /* of the slot */
	__u32 slot;
	__u32 len;  /* of the packet */
	__u32 have; /* bytes of it that follow */
	__u16 owner;
	__u8 dir;
	__u8 pending; /* its process is not known, and a filter may leave it out */
	__u8 payload[];
};

/* Bytes of that ring by owner, as ev_owner.sent: written by the kernel side, and by the reader. */
struct ev_packet_share {
	__u64 sent, taken;
};

/* Where an owner's connections and threads are found, to choose one that gives way. */
struct ev_lot {
	__u64 what; /* connection, or thread as tgid << 32 | tid */
	__u32 tgid;
	__u32 owner; /* 0: free */
};
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
_Static_assert(sizeof(struct ev_data) == 88, "ev_data");
_Static_assert(sizeof(struct ev_bind) == 96, "ev_bind");
_Static_assert(sizeof(struct ev_close) == 56, "ev_close");
_Static_assert(sizeof(struct ev_owner) == 128, "ev_owner");
_Static_assert(sizeof(struct ev_lot) == 16, "ev_lot");
_Static_assert(sizeof(struct ev_wire_way) == 128, "ev_wire_way");
_Static_assert(sizeof(struct ev_wire) == 512, "ev_wire");
_Static_assert(sizeof(struct ev_wire_open) == 96, "ev_wire_open");
_Static_assert(sizeof(struct ev_wire_bytes) == 56, "ev_wire_bytes");
_Static_assert(sizeof(struct ev_wire_process) == 72, "ev_wire_process");
_Static_assert(sizeof(struct ev_wire_end) == 552, "ev_wire_end");
_Static_assert(sizeof(struct ev_packet) == 32, "ev_packet");
_Static_assert(sizeof(struct ev_packet_share) == 16, "ev_packet_share");
_Static_assert(sizeof(struct conn_key) == 16, "conn_key");
_Static_assert(sizeof(struct go_target) == 72, "go_target");
_Static_assert(sizeof(struct exe_key) == 16, "exe_key");

#endif
