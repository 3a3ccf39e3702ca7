// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: bench_wire [FLOWS] - what watching the wire costs a packet in the kernel, above an empty
 * program at the same place: both see the same packets, in a cgroup of this program's own, and the
 * kernel's clock says what each took. Flows take turns over loopback, so that each packet finds
 * its connection as cold as that many leave it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cleartap.skel.h"
#include "floor.skel.h"
#include "wire_programs.h"

#define FLOWS_MAX 8192
#define SECONDS	  2
#define SEND_MAX  (4 * 16389)
#define PROGRAMS  4 /* ours and the empty one, in and out */

static const struct kind {
	const char *name, *what;
	bool tls;
	uint32_t record; /* bytes of each; 0: of all that is sent */
	uint32_t send;	 /* bytes at once */
} kinds[] = {
	{ "plain", "no TLS, 200 bytes", false, 0, 200 },
	{ "tls", "records of 200 bytes", true, 200, 205 },
	{ "inside", "pieces of 1,400 bytes of records of 13,995", true, 13995, 1400 },
	{ "bulk", "records of 16,384 bytes, 64 KiB at once", true, 16384, 4 * 16389 },
};

struct flow {
	int fd[2];
	uint32_t into[2]; /* bytes of the record that was begun */
};

struct cost {
	uint64_t ns, runs;
};

static struct wire_programs wire;

static void die(const char *what)
{
	fprintf(stderr, "bench_wire: %s: %s\n", what, strerror(errno));
	wire_programs_close(&wire);
	exit(1);
}

static void load(struct bpf_program *ret_programs[PROGRAMS])
{
	struct floor_bpf *empty = floor_bpf__open_and_load();
	int err = wire_programs_open(LIMIT_WIRE_FLOWS, &wire);

	if (err || !empty) {
		fprintf(stderr, "bench_wire: load the programs: %s\n", strerror(-err));
		wire_programs_close(&wire);
		exit(1);
	}
	ret_programs[0] = wire.skel->progs.wire_in;
	ret_programs[1] = wire.skel->progs.wire_out;
	ret_programs[2] = empty->progs.floor_packet_in;
	ret_programs[3] = empty->progs.floor_packet;
	for (int i = 2; i < PROGRAMS; i++)
		if (!bpf_program__attach_cgroup(ret_programs[i], wire.fd))
			die("attach a program");
}

static struct cost cost_of(const struct bpf_program *p)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &size))
		die("read a program's statistics");
	return (struct cost){ info.run_time_ns, info.run_cnt };
}

static void send_some(struct flow *f, int side, const struct kind *k)
{
	static uint8_t bytes[SEND_MAX], sink[SEND_MAX];

	memset(bytes, 0, k->send);
	for (uint32_t at = 0; k->tls && at < k->send;) {
		uint32_t whole = k->record + 5, left = whole - f->into[side];
		/* what is sent at once is a part of a record, or several */
		if (!f->into[side])
			memcpy(bytes + at, (uint8_t[]){ 23, 3, 3, k->record >> 8, k->record & 255 },
			       5);
		uint32_t n = left < k->send - at ? left : k->send - at;
		f->into[side] = (f->into[side] + n) % whole;
		at += n;
	}
	if (send(f->fd[side], bytes, k->send, 0) != (ssize_t)k->send)
		die("send");
	for (uint32_t got = 0; got < k->send;) {
		ssize_t n = recv(f->fd[!side], sink, sizeof(sink), 0);
		if (n <= 0)
			die("receive");
		got += (uint32_t)n;
	}
}

/* Both hellos, of which the rest of a handshake is not missed. */
static void greet(struct flow *f)
{
	uint8_t hello[64] = { 22, 3, 1, 0, sizeof(hello) - 5, 1, 0, 0, sizeof(hello) - 9, 3, 3 };

	for (int side = 0; side < 2; side++) {
		hello[5] = side ? 2 : 1;
		if (send(f->fd[side], hello, sizeof(hello), 0) != sizeof(hello) ||
		    recv(f->fd[!side], hello, sizeof(hello), MSG_WAITALL) != sizeof(hello))
			die("greet");
	}
}

static void open_flow(int listener, struct flow *f)
{
	struct sockaddr_in to;
	socklen_t len = sizeof(to);
	int one = 1;

	f->into[0] = f->into[1] = 0;
	f->fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (f->fd[0] < 0 || getsockname(listener, (struct sockaddr *)&to, &len) ||
	    connect(f->fd[0], (struct sockaddr *)&to, len))
		die("connect");
	f->fd[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (f->fd[1] < 0)
		die("accept");
	for (int side = 0; side < 2; side++)
		setsockopt(f->fd[side], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void run(const struct kind *k, unsigned flows, struct bpf_program *const p[PROGRAMS])
{
	static struct flow all[FLOWS_MAX];
	struct cost was[PROGRAMS], is[PROGRAMS];
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listener < 0 || listen(listener, 128))
		die("listen");
	for (unsigned i = 0; i < flows; i++) {
		open_flow(listener, &all[i]);
		if (k->tls)
			greet(&all[i]);
	}
	/* once, so that what is not TLS is known to be that */
	for (unsigned round = 0; round < 40; round++)
		for (unsigned i = 0; i < flows; i++)
			for (int side = 0; side < 2; side++)
				send_some(&all[i], side, k);
	for (int i = 0; i < PROGRAMS; i++)
		was[i] = cost_of(p[i]);
	int64_t end = clock_ms(CLOCK_MONOTONIC) + SECONDS * 1000;
	while (clock_ms(CLOCK_MONOTONIC) < end)
		for (unsigned i = 0; i < flows; i++)
			for (int side = 0; side < 2; side++)
				send_some(&all[i], side, k);
	double each[PROGRAMS];
	for (int i = 0; i < PROGRAMS; i++) {
		is[i] = cost_of(p[i]);
		each[i] = (double)(is[i].ns - was[i].ns) / (double)(is[i].runs - was[i].runs);
	}
	printf("wire      %-6s %4u flows: %4.0f ns in, %4.0f ns out a packet above an empty "
	       "program "
	       "(%.1f and %.1f of one), %.0f packets; %s\n",
	       k->name, flows, each[0] - each[2], each[1] - each[3], each[0] / each[2],
	       each[1] / each[3], (double)(is[0].runs - was[0].runs), k->what);
	fflush(stdout);
	for (unsigned i = 0; i < flows; i++)
		for (int side = 0; side < 2; side++)
			close(all[i].fd[side]);
	close(listener);
}

int main(int argc, char **argv)
{
	struct bpf_program *programs[PROGRAMS];
	unsigned flows = argc > 1 ? (unsigned)atoi(argv[1]) : 100;
	struct rlimit files = { 2 * FLOWS_MAX + 100, 2 * FLOWS_MAX + 100 };

	if (!flows || flows > FLOWS_MAX) {
		fprintf(stderr, "usage: bench_wire [FLOWS]\n");
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	load(programs);
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (stats < 0)
		die("ask for statistics");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		run(&kinds[i], flows, programs);
	close(stats);
	wire_programs_close(&wire);
	return 0;
}
