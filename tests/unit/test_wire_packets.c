// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the programs of the wire make of packets that no TCP would send: a real connection within a
 * network namespace of this test's own, and forged segments to its server's end, which the programs
 * see before TCP throws them away. As root, and where cgroup2 is mounted.
 */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <linux/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/limits.h"
#include "cleartap.skel.h"
#include "event.h"
#include "wire_programs.h"

#define HELLO 64
#define TWICE 3000 /* records that come twice at once */
#define SLOTS 2048
#define CROWD (2 * SLOTS) /* ends of connections */
#define SYNS  20000

#define WIRE_CLAIM (1ULL << 63) /* of a slot, bpf/wire.bpf.h: above all cookies */

static struct wire_programs wire;
static int listener, raw;
static struct sockaddr_in server;

struct pair {
	int client, accepted;
	uint32_t seq; /* of the client's first byte */
	uint16_t port;
	uint64_t cookie; /* of the accepted one */
};

static void set_loopback_up(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_return_code(ioctl(s, SIOCSIFFLAGS, &r), errno);
	close(s);
}

static void listen_anew(void)
{
	socklen_t len = sizeof(server);

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_return_code(listen(listener, 100), errno);
	assert_return_code(getsockname(listener, (struct sockaddr *)&server, &len), errno);
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static int begin(void **state)
{
	(void)state;
	if (wire_programs_open(SLOTS, &wire) == -ENOENT || geteuid())
		return 0; /* each test skips */
	assert_non_null(wire.skel);
	assert_return_code(unshare(CLONE_NEWNET), errno);
	set_loopback_up();
	raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	listen_anew();
	return 0;
}

static void rmdir_crowd(void)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/crowd", wire.cgroup);
	rmdir(path);
}

static int end(void **state)
{
	(void)state;
	if (wire.skel)
		rmdir_crowd();
	wire_programs_close(&wire);
	return 0;
}

static void need_wire(void)
{
	if (!wire.skel)
		skip();
}

/* Of the next byte that it sends. */
static uint32_t next_seq(int s)
{
	int on = 1, off = 0, queue = TCP_SEND_QUEUE;
	uint32_t seq;
	socklen_t len = sizeof(seq);

	assert_return_code(setsockopt(s, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)), errno);
	assert_return_code(setsockopt(s, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)),
			   errno);
	assert_return_code(getsockopt(s, IPPROTO_TCP, TCP_QUEUE_SEQ, &seq, &len), errno);
	assert_return_code(setsockopt(s, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off)), errno);
	return seq;
}

static struct pair connect_pair(void)
{
	struct pair p = { .client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	struct linger reset = { .l_onoff = 1 };
	struct sockaddr_in from;
	socklen_t len = sizeof(from), size = sizeof(p.cookie);

	assert_return_code(connect(p.client, (struct sockaddr *)&server, sizeof(server)), errno);
	p.accepted = accept4(listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
	assert_return_code(p.accepted, errno);
	p.port = ntohs(from.sin_port);
	assert_return_code(getsockopt(p.accepted, SOL_SOCKET, SO_COOKIE, &p.cookie, &size), errno);
	setsockopt(p.client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	setsockopt(p.accepted, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	return p;
}

static void close_pair(const struct pair *p)
{
	close(p->client);
	close(p->accepted);
}

static uint32_t add_words(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? bytes[i] : bytes[i] << 8;
	return sum;
}

/* The packet's length. */
static size_t make_segment(uint8_t *p, uint32_t from, uint16_t port, uint32_t seq, uint8_t flags,
			   const void *bytes, size_t len)
{
	struct iphdr *ip = (struct iphdr *)p;
	struct tcphdr *tcp = (struct tcphdr *)(p + 20);
	uint32_t sum = 6 + 20 + (uint32_t)len;

	memset(p, 0, 40);
	*ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP };
	ip->saddr = htonl(from);
	ip->daddr = htonl(INADDR_LOOPBACK);
	ip->tot_len = htons((uint16_t)(40 + len));
	tcp->source = htons(port);
	tcp->dest = server.sin_port;
	tcp->seq = htonl(seq);
	tcp->doff = 5;
	p[33] = flags;
	tcp->window = htons(1000);
	memcpy(p + 40, bytes, len);
	sum = add_words(add_words(sum, p + 12, 8), p + 20, 20 + len);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	tcp->check = htons((uint16_t)~sum);
	return 40 + len;
}

static void send_segment(uint32_t from, uint16_t port, uint32_t seq, uint8_t flags,
			 const void *bytes, size_t len)
{
	uint8_t packet[40 + 2000];
	size_t n = make_segment(packet, from, port, seq, flags, bytes, len);
	const struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = server.sin_addr };

	assert_int_equal(sendto(raw, packet, n, 0, (const struct sockaddr *)&to, sizeof(to)), n);
}

/* A segment of the client's, as if it had sent it: `at` bytes after its first one. */
static void forge(const struct pair *p, uint32_t at, const void *bytes, size_t len)
{
	send_segment(INADDR_LOOPBACK, p->port, p->seq + at, 0x18, bytes, len);
}

static size_t make_record(uint8_t *bytes, uint8_t type, uint16_t claims, size_t len, uint8_t fill)
{
	const uint8_t head[] = { type, 3, 3, claims >> 8, claims & 255 };

	memcpy(bytes, head, sizeof(head));
	memset(bytes + sizeof(head), fill, len);
	return sizeof(head) + len;
}

/* A connection on which both sides have said hello, and the client some records. */
#define BEGUN (HELLO + 8 * 15)
static struct pair begin_tls(void)
{
	struct pair p = connect_pair();
	uint8_t hello[HELLO] = { 22, 3, 1, 0, HELLO - 5, 1, 0, 0, HELLO - 9, 3, 3 }, app[15];

	p.seq = next_seq(p.client);
	forge(&p, 0, hello, sizeof(hello));
	for (uint32_t i = 0; i < 8; i++)
		forge(&p, HELLO + i * 15, app, make_record(app, 23, 10, 10, 0));
	return p;
}

/* Its slot; false: it has none. */
static bool slot_of(const struct pair *p, struct ev_wire *ret)
{
	uint32_t n;

	return !bpf_map_lookup_elem(bpf_map__fd(wire.skel->maps.wire_cookies), &p->cookie, &n) &&
	       !bpf_map_lookup_elem(bpf_map__fd(wire.skel->maps.wire_slots), &n, ret) && ret->gen;
}

static struct ev_wire_way received(const struct pair *p)
{
	struct ev_wire w;

	assert_true(slot_of(p, &w));
	return w.way[EV_READ];
}

static uint64_t counter(enum ev_counter c)
{
	static struct {
		uint64_t value[EV_C__COUNT];
	} of_cpu;
	uint64_t sum = 0;

	for (uint32_t cpu = 0; cpu < 64; cpu++)
		if (!bpf_map_lookup_elem(bpf_map__fd(wire.skel->maps.counts), &cpu, &of_cpu))
			sum += of_cpu.value[c];
	return sum;
}

static unsigned entries(const struct bpf_map *map, uint64_t below)
{
	uint64_t key = 0, next;
	unsigned n = 0;

	for (void *at = NULL; !bpf_map_get_next_key(bpf_map__fd(map), at, &next); at = &key) {
		key = next;
		n += key < below;
	}
	return n;
}

static void assert_sums(const struct pair *p, uint64_t records, uint64_t bytes, uint64_t lost)
{
	struct ev_wire_way y = received(p);

	assert_int_equal(y.app_records, 8 + records);
	assert_int_equal(y.app_bytes, 80 + bytes);
	assert_int_equal(y.not_followed, lost);
}

/* A header is cut, and something that came before it comes again before its rest. */
static void test_cut_header(void **state)
{
	uint8_t a[55], b[45];

	(void)state;
	need_wire();
	struct pair p = begin_tls();
	make_record(a, 23, 50, 50, 0);
	make_record(b, 23, 40, 40, 0);
	for (size_t cut = 1; cut < 5; cut++) {
		uint32_t at = BEGUN + (uint32_t)(cut - 1) * 100;
		uint64_t lost = counter(EV_C_WIRE_LOST);
		uint8_t fake[60];
		forge(&p, at, a, 55);
		forge(&p, at + 55, b, cut);
		forge(&p, at, a, 55);
		forge(&p, at + 5, a + 5, 30);
		/* the same, a byte of the header with it, and that is another one */
		memcpy(fake, a, 55);
		fake[55] = 0x99;
		forge(&p, at, fake, 56);
		forge(&p, at + 55 + (uint32_t)cut, b + cut, 45 - cut);
		assert_int_equal(counter(EV_C_WIRE_LOST), lost);
		assert_sums(&p, cut * 2, cut * 90, 0);
	}
	close_pair(&p);
}

/* What comes again with other content changes nothing. */
static void test_fake_retransmission(void **state)
{
	uint8_t a[105], fake[105];

	(void)state;
	need_wire();
	struct pair p = begin_tls();
	make_record(a, 23, 100, 100, 0);
	for (uint32_t i = 0; i < 20; i++) {
		forge(&p, BEGUN + i * 105, a, 105);
		make_record(fake, 20 + i % 5, (uint16_t)(3000 * i), 100, 22);
		forge(&p, BEGUN + i * 105, fake, 105);
		forge(&p, BEGUN + i * 105 + 3, fake, 60);
		assert_sums(&p, i + 1, 100 * (i + 1), 0);
	}
	close_pair(&p);
}

/* A record may be empty; one of 65,535 bytes is none, and three that fit are believed again. */
static void test_lengths(void **state)
{
	uint8_t bytes[200];
	uint32_t at = BEGUN;

	(void)state;
	need_wire();
	struct pair p = begin_tls();
	for (int i = 0; i < 3; i++, at += 5)
		forge(&p, at, bytes, make_record(bytes, 23, 0, 0, 0));
	assert_sums(&p, 3, 0, 0);
	uint64_t lost = counter(EV_C_WIRE_LOST);
	forge(&p, at, bytes, make_record(bytes, 23, 65535, 100, 0xff));
	at += 105;
	assert_int_equal(counter(EV_C_WIRE_LOST), lost + 1);
	for (int i = 0; i < 5; i++, at += 55)
		forge(&p, at, bytes, make_record(bytes, 23, 50, 50, 0xff));
	struct ev_wire_way y = received(&p);
	assert_int_equal(y.app_records, 8 + 3 + 5);
	assert_int_equal(y.app_bytes, 80 + 250);
	assert_in_range(y.not_followed, 105, 105 + 3 * 55);
	/* a record of a handshake may not be empty */
	forge(&p, at, bytes, make_record(bytes, 22, 0, 0, 0));
	assert_int_equal(counter(EV_C_WIRE_LOST), lost + 2);
	close_pair(&p);
}

/* A port on which anything comes: no TLS is found, and soon nobody looks any more. */
static void test_random_bytes(void **state)
{
	uint8_t bytes[1200];

	(void)state;
	need_wire();
	srandom(19);
	for (int round = 0; round < 20; round++) {
		struct pair p = connect_pair();
		struct ev_wire w;
		for (uint32_t i = 0; i < 40; i++) {
			for (size_t n = 0; n < sizeof(bytes); n++)
				bytes[n] = (uint8_t)random();
			assert_int_equal(send(p.client, bytes, sizeof(bytes), 0), sizeof(bytes));
		}
		assert_false(slot_of(&p, &w));
		close_pair(&p);
	}
	assert_int_equal(entries(wire.skel->maps.wire_news, UINT64_MAX), 0);
}

static atomic_uint turn;
static struct pair twice;

/* Each record is sent by both threads at once, each on a processor of its own. */
static void *send_twice(void *me)
{
	unsigned who = (unsigned)(uintptr_t)me;
	uint8_t a[35];
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(who % (unsigned)sysconf(_SC_NPROCESSORS_ONLN), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	make_record(a, 23, 30, 30, 0);
	for (unsigned i = 0; i < TWICE; i++) {
		atomic_fetch_add(&turn, 1);
		while (atomic_load(&turn) < 2 * i + 2)
			sched_yield();
		forge(&twice, BEGUN + i * 35, a, 35);
	}
	return NULL;
}

static void test_two_processors(void **state)
{
	pthread_t other;

	(void)state;
	need_wire();
	twice = begin_tls();
	assert_int_equal(pthread_create(&other, NULL, send_twice, (void *)1), 0);
	send_twice((void *)0);
	pthread_join(other, NULL);
	assert_sums(&twice, TWICE, TWICE * 30, 0);
	close_pair(&twice);
}

/* Half-open connections cost nothing that anybody else would miss. */
static void test_half_open(void **state)
{
	struct ev_wire w;

	(void)state;
	need_wire();
	struct pair first = begin_tls();
	for (uint32_t i = 0; i < SYNS; i++)
		send_segment(0x7f000002 + i / 16384 * 65536, (uint16_t)(1024 + i % 16384), i, 2, "",
			     0);
	assert_int_equal(entries(wire.skel->maps.wire_news, UINT64_MAX), 0);
	assert_int_equal(entries(wire.skel->maps.wire_cookies, WIRE_CLAIM), 1);
	assert_true(slot_of(&first, &w));
	close_pair(&first);
	assert_int_equal(entries(wire.skel->maps.wire_cookies, UINT64_MAX), 0);
}

/*
 * In a cgroup of its own, both ends of many connections on which hello was said, held until the
 * other end of the pair is closed.
 */
static void crowd(const int pair[2])
{
	int waits = pair[1];
	uint8_t hello[HELLO] = { 22, 3, 1, 0, HELLO - 5, 1, 0, 0, HELLO - 9, 3, 3 };
	char one = 0;

	close(pair[0]);
	assert_int_equal(wire_programs_enter(&wire, "/crowd"), 0);
	listen_anew();
	for (unsigned i = 0; i < CROWD / 2; i++) {
		struct pair p = connect_pair();
		assert_int_equal(send(p.client, hello, HELLO, 0), HELLO);
	}
	assert_int_equal(write(waits, &one, 1), 1);
	_exit(read(waits, &one, 1));
}

static uint64_t gave_way(uint64_t *ret_of_owners)
{
	struct ev_owner o;

	*ret_of_owners = 0;
	for (uint32_t i = 0; i < EV_OWNERS; i++)
		if (!bpf_map_lookup_elem(bpf_map__fd(wire.skel->maps.owners), &i, &o))
			*ret_of_owners += o.idle;
	return counter(EV_C_WIRE_IDLE);
}

/*
 * More connections than there are slots, of one owner: his own that are idle give way, which is
 * counted; that of another owner stays, however idle.
 */
static void test_crowd(void **state)
{
	int waits[2], status;
	uint64_t of_owners;
	struct ev_wire w;
	char done;

	(void)state;
	need_wire();
	struct pair mine = begin_tls();
	assert_int_equal(gave_way(&of_owners), 0);
	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM, 0, waits), errno);
	pid_t pid = fork();
	if (!pid)
		crowd(waits);
	close(waits[1]);
	assert_int_equal(read(waits[0], &done, 1), 1);
	unsigned held = entries(wire.skel->maps.wire_cookies, WIRE_CLAIM);
	assert_int_equal(entries(wire.skel->maps.wire_cookies, UINT64_MAX), 2 * held);
	assert_int_equal(wire.skel->bss->wire_used, held);
	assert_in_range(held, SLOTS / LIMIT_SHARE, SLOTS);
	assert_int_equal(held + gave_way(&of_owners), CROWD + 1); /* one of mine has a slot */
	assert_int_equal(of_owners, gave_way(&of_owners));
	assert_true(slot_of(&mine, &w));
	close(waits[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close_pair(&mine);
	assert_int_equal(entries(wire.skel->maps.wire_cookies, UINT64_MAX), 0);
	assert_int_equal(wire.skel->bss->wire_used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_header),     cmocka_unit_test(test_fake_retransmission),
		cmocka_unit_test(test_lengths),	       cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_two_processors), cmocka_unit_test(test_half_open),
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests_name("wire_packets", tests, begin, end);
}
