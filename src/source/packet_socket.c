// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/packet_socket.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "base/clock.h"
#include "base/limits.h"
#include "session/session.h"
#include "source/file_conns.h"
#include "source/layers.h"
#include "source/pcap_file.h"
#include "source/source.h"
#include "tls/decrypt.h"
#include "tls/key_log.h"
#include "wire/wire.h"

#define BLOCK_BYTES  (1 << 20)
#define BLOCKS	     16
#define RETIRE_MS    4 /* a block is handed over after this time even when it is not full */
#define TURN_BLOCKS  4 /* of one poll */
#define LINKTYPE_RAW 101

struct packet_socket {
	int fd;
	uint8_t *ring;
	unsigned next; /* block */
	uint64_t lost;
	struct fragments *fragments;
	struct key_log *keys; /* none: nothing is decrypted */
	struct decrypt_tools *tools;
	struct file_conns *conns;
};

/* TCP over IPv4, and all of IPv6, which may have headers before TCP's. */
static int set_filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 6, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0x40000),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = { sizeof(code) / sizeof(*code), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
}

static int set_ring(int fd)
{
	const int version = TPACKET_V3;
	const struct tpacket_req3 ring = { .tp_block_size = BLOCK_BYTES,
					   .tp_block_nr = BLOCKS,
					   .tp_frame_size = 2048,
					   .tp_frame_nr = BLOCK_BYTES / 2048 * BLOCKS,
					   .tp_retire_blk_tov = RETIRE_MS };

	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)))
		return -1;
	return setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring));
}

/* It is bound last, so that all that comes went through the filter and has its place in the ring.
 */
int packet_socket_open(void)
{
	const struct sockaddr_ll all = { .sll_family = AF_PACKET,
					 .sll_protocol = htons(ETH_P_ALL) };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (set_filter(fd) || set_ring(fd) ||
	    bind(fd, (const struct sockaddr *)&all, sizeof(all))) {
		int r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static void packets_close(void *state)
{
	struct packet_socket *p = state;

	if (!p)
		return;
	if (p->ring)
		munmap(p->ring, (size_t)BLOCK_BYTES * BLOCKS);
	file_conns_free(p->conns);
	fragments_free(p->fragments);
	decrypt_tools_free(p->tools);
	key_log_free(p->keys);
	free(p);
}

static uint32_t own_netns(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) ? 0 : (uint32_t)st.st_ino;
}

static int packets_open(const struct source_options *o, void **ret_state, char *error, size_t size)
{
	struct packet_socket *p = o->packet_fd > 0 ? calloc(1, sizeof(*p)) : NULL;
	int r = p ? 0 : -ENOMEM;

	if (o->packet_fd <= 0)
		return 0;
	if (p) {
		p->fd = o->packet_fd;
		p->fragments = fragments_new();
		p->keys = key_log_new();
		p->tools = p->keys ? decrypt_tools_new(p->keys) : NULL;
		p->conns = p->tools ? file_conns_new(NULL, p->tools, o->wire) : NULL;
		p->ring = mmap(NULL, (size_t)BLOCK_BYTES * BLOCKS, PROT_READ | PROT_WRITE,
			       MAP_SHARED, p->fd, 0);
		r = p->ring == MAP_FAILED ? -errno : p->conns && p->fragments ? 0 : -ENOMEM;
		p->ring = p->ring == MAP_FAILED ? NULL : p->ring;
		if (!r)
			file_conns_set_netns(p->conns, own_netns());
	}
	if (r) {
		snprintf(error, size, "map the packets of the wire: %s", strerror(-r));
		packets_close(p);
		return r;
	}
	*ret_state = p;
	return 0;
}

static int packets_fd(const void *state)
{
	return ((const struct packet_socket *)state)->fd;
}

/* What this machine sends is seen when it leaves, what comes to it when it arrives. */
static void take_packet(struct packet_socket *p, const struct tpacket3_hdr *h)
{
	const struct sockaddr_ll *from =
		(const void *)((const uint8_t *)h + TPACKET_ALIGN(sizeof(*h)));
	const struct pcap_piece piece = { .bytes = (const uint8_t *)h + h->tp_net,
					  .len = h->tp_snaplen,
					  .wire_len = h->tp_len,
					  .time_us =
						  (int64_t)h->tp_sec * 1000000 + h->tp_nsec / 1000,
					  .link = LINKTYPE_RAW };
	struct datagram g;

	if (from->sll_pkttype != PACKET_HOST && from->sll_pkttype != PACKET_OUTGOING)
		return;
	if (layers_read(p->fragments, &piece, &g) == LAYERS_TCP)
		file_conns_take_end(p->conns, piece.time_us, &g,
				    from->sll_pkttype == PACKET_OUTGOING);
}

/* The block that comes next: how many packets it had, -1: it is not the kernel's to give yet. */
static int take_block(struct packet_socket *p)
{
	struct tpacket_block_desc *b = (void *)(p->ring + (size_t)p->next * BLOCK_BYTES);
	_Atomic uint32_t *status = (void *)&b->hdr.bh1.block_status;

	if (!(atomic_load_explicit(status, memory_order_acquire) & TP_STATUS_USER))
		return -1;
	const uint8_t *at = (const uint8_t *)b + b->hdr.bh1.offset_to_first_pkt;
	uint32_t n = b->hdr.bh1.num_pkts;
	for (uint32_t i = 0; i < n; i++) {
		const struct tpacket3_hdr *h = (const void *)at;
		take_packet(p, h);
		at += h->tp_next_offset;
	}
	atomic_store_explicit(status, TP_STATUS_KERNEL, memory_order_release);
	p->next = (p->next + 1) % BLOCKS;
	return (int)n;
}

static int packets_poll(void *state, int timeout_ms, int64_t *ret_now_us)
{
	struct packet_socket *p = state;
	struct pollfd fd = { .fd = p->fd, .events = POLLIN };
	int sum = 0, n;

	if (timeout_ms)
		poll(&fd, 1, timeout_ms);
	for (int i = 0; i < TURN_BLOCKS && (n = take_block(p)) >= 0; i++)
		sum += n;
	*ret_now_us = clock_us(CLOCK_REALTIME);
	return sum;
}

static void packets_tick(void *state, int64_t now_us)
{
	struct packet_socket *p = state;
	struct tpacket_stats_v3 s;
	socklen_t len = sizeof(s);

	file_conns_tick(p->conns, now_us);
	if (!getsockopt(p->fd, SOL_PACKET, PACKET_STATISTICS, &s, &len)) /* since the last time */
		p->lost += s.tp_drops;
}

uint64_t packet_socket_lost(const void *state)
{
	return ((const struct packet_socket *)state)->lost;
}

const struct source source_packets = {
	.name = "packets",
	.open = packets_open,
	.fd = packets_fd,
	.poll = packets_poll,
	.tick = packets_tick,
	.close = packets_close,
};
