/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Understand a binary: is it a TLS library or a program with one inside, and where do the probes
 * go? The file is hostile input, so all this runs in a child that holds the file's descriptor and
 * no privilege (inspect_child.h); inspect_fd() is the analysis itself, for tests and fuzzers.
 */
#ifndef CLEARTAP_INSPECT_H
#define CLEARTAP_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/limits.h"

/* What a probe point counts, and where the count of bytes is found on return. */
enum probe_kind {
	PROBE_SSL_READ,	   /* int return value */
	PROBE_SSL_READ_EX, /* size_t through the 4th argument when it returns 1 */
	PROBE_SSL_WRITE,
	PROBE_SSL_WRITE_EX,  /* 4th argument */
	PROBE_SSL_WRITE_EX2, /* 5th argument */
	PROBE_SSL_FREE,
	PROBE_SSL_CLEAR,
	PROBE_SSL_HANDSHAKE, /* SSL_do_handshake and what does its work without calling it */
	PROBE_SSL_FLUSH,
	PROBE_GO_READ_COPY,    /* where crypto/tls.(*Conn).Read copies to its caller, and */
	PROBE_GO_WRITE_RECORD, /* where (*Conn).Write hands the plaintext on; or else */
	PROBE_GO_READ,	       /* the entry of Read, */
	PROBE_GO_READ_RET,     /* its RETs */
	PROBE_GO_WRITE,	       /* and the entry of Write */
	PROBE_GO_CLOSE,
	PROBE_KIND_COUNT,
};

struct probe_point {
	uint64_t offset; /* in the file */
	uint32_t kind;	 /* enum probe_kind */
	uint32_t cheap;	 /* 1: an instruction that the kernel emulates */
};

/* As enum ev_library. */
enum inspect_family {
	INSPECT_NONE,
#define LIBRARY(id, number, ...) INSPECT_##id = number,
#include "trace/libraries.def"
#undef LIBRARY
};

/* Go: where things are, -1 unknown. Filled by gobin.c and dwarf.c. */
struct go_layout {
	int32_t goid;	       /* runtime.g.goid */
	int32_t conn_conn;     /* crypto/tls.Conn.conn, an interface */
	int32_t fd_sysfd;      /* net.netFD.pfd.Sysfd */
	int32_t conn_fd;       /* net.conn.fd */
	uint32_t register_abi; /* 1: arguments in registers (Go 1.17 on) */
	uint32_t copy_frame;   /* at PROBE_GO_READ_COPY: the caller's stack pointer less this one */
	uint64_t itab_tcp_conn; /* address of go:itab.*net.TCPConn,net.Conn, 0 unknown */
	uint64_t text_delta;	/* address of a probe point less its offset in the file */
	uint64_t tls_slot;	/* address of the word that goplan_tls_slot() tells of, or 0 */
};

/* inspection.failed: there was no room for the analysis; it may be asked for again. */
enum { INSPECT_NO_ROOM = 2 };

/* Plain data: it crosses a pipe from the child. */
struct inspection {
	uint32_t family; /* enum inspect_family */
	uint32_t points;
	uint32_t more;	  /* 1: to be attached at once; debug information may yet correct `go` */
	uint32_t failed;  /* 1: nobody knows what the file is; reason says why */
	uint32_t unread;  /* 1: a TLS library that is known, and not read */
	char version[64]; /* "OpenSSL 3.0.15", "go1.19.8", "" unknown */
	char module[96];  /* Go: path of the main package, "" unknown */
	char plan[256]; /* for /api/targets: "ssl_read_internal+0 push %rbp (SSL_read, SSL_read_ex)"
			 */
	char reason[192]; /* why there is nothing to probe, one sentence; "" otherwise */
	struct go_layout go;
	struct probe_point point[LIMIT_PROBE_POINTS];
};

/*
 * A glance without parsing: false when no analysis would find anything. Most files that are mapped
 * are no TLS libraries, and a child for each would keep a new program waiting behind them.
 */
bool inspect_may_find(int fd);

/* Analyse an open file. 0 (family NONE and a reason when there is nothing), or -errno. */
int inspect_fd(int fd, struct inspection *ret);
/* The same; what is known before debug information is read goes to `first`, with more = 1. */
typedef void inspect_first_fn(const struct inspection *in);
int inspect_staged(int fd, inspect_first_fn *first, struct inspection *ret);
/* Make an analysis to come shorter: what it needs of libraries is loaded and linked. */
void inspect_warm(void);

#endif
