// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/pcap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "session/session.h"
#include "source/file_quic.h"
#include "source/pcap_file.h"
#include "source/source.h"
#include "tls/decrypt.h"
#include "wire/wire.h"

struct pcap {
	int fd;
	struct pcap_file *file;
	struct pcap_piece next; /* a packet that was read and is not told yet */
	bool waits;
	int64_t now_us; /* all before was told */
	struct key_log *keys;
	struct decrypt_tools *tools;
	struct fragments *fragments;
	struct file_conns *conns;
	struct file_quic *quic; /* NULL: nobody wants to know */
	struct wire *wire;	/* NULL: nobody */
	struct pcap_stats stats;
};

static void pcap_close(void *state)
{
	struct pcap *p = state;

	if (!p)
		return;
	file_conns_free(p->conns);
	file_quic_free(p->quic);
	fragments_free(p->fragments);
	decrypt_tools_free(p->tools);
	key_log_free(p->keys);
	pcap_file_close(p->file);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

/* A regular file: others may never end, or wait for somebody. */
static int open_regular(const char *path, uint64_t *ret_size, char *error, size_t size)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		int r = -errno;
		snprintf(error, size, "read %s: %s", path, strerror(errno));
		return r;
	}
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		snprintf(error, size, "read %s: it is no regular file", path);
		return -EINVAL;
	}
	*ret_size = (uint64_t)st.st_size;
	return fd;
}

static int read_all(int fd, char *bytes, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = read(fd, bytes + have, len - have);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n)
			return -EIO;
		have += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int read_key_log(struct pcap *p, const char *path, char *error, size_t size)
{
	uint64_t len = 0;
	int fd = open_regular(path, &len, error, size);

	if (fd < 0)
		return fd;
	int r = len > LIMIT_KEYLOG_BYTES ? -EFBIG : 0;
	char *text = r ? NULL : malloc(len + 1);
	r = r ? r : text ? read_all(fd, text, len) : -ENOMEM;
	r = r ? r : key_log_add(p->keys, text, len);
	close(fd);
	if (text)
		explicit_bzero(text, len);
	free(text);
	if (r)
		snprintf(error, size, "read %s: %s", path, strerror(-r));
	else if (!key_log_counts(p->keys).secrets)
		log_warn("%s has no secrets of TLS connections; going on without", path);
	return r;
}

static int open_file(struct pcap *p, const char *path, char *error, size_t size)
{
	p->fd = open_regular(path, &p->stats.size, error, size);
	if (p->fd < 0)
		return p->fd;
	int r = pcap_file_open(p->fd, &p->file);
	if (r)
		snprintf(error, size, "read %s: %s", path,
			 r == -EPROTO	 ? "it is neither pcap nor pcapng"
			 : r == -ENODATA ? "it is empty"
					 : strerror(-r));
	return r;
}

static int pcap_open(const struct source_options *o, void **ret_state, char *error, size_t size)
{
	struct pcap *p = o->file ? calloc(1, sizeof(*p)) : NULL;

	if (!o->file)
		return 0;
	if (p) {
		p->fd = -1;
		p->stats.name = o->file;
		p->wire = o->wire;
		p->fragments = fragments_new();
		p->keys = key_log_new();
		p->tools = p->keys ? decrypt_tools_new(p->keys) : NULL;
		p->conns = p->tools ? file_conns_new(o->sessions, p->tools, o->wire) : NULL;
		p->quic = o->wire ? file_quic_new(o->wire) : NULL;
	}
	int r = p && p->conns && p->fragments && (p->quic || !o->wire) ? 0 : -ENOMEM;
	if (r)
		snprintf(error, size, "out of memory");
	r = r ? r : open_file(p, o->file, error, size);
	if (!r && o->key_log)
		r = read_key_log(p, o->key_log, error, size);
	if (r) {
		pcap_close(p);
		return r;
	}
	*ret_state = p;
	return 0;
}

static int pcap_fd(const void *state)
{
	(void)state;
	return -1;
}

static void take_packet(struct pcap *p)
{
	struct pcap_stats *s = &p->stats;
	uint64_t *const counts[] = {
		[LAYERS_TCP] = &s->tcp,	      [LAYERS_UDP] = &s->udp,
		[LAYERS_OTHER] = &s->other,   [LAYERS_FRAGMENT] = &s->fragments,
		[LAYERS_BROKEN] = &s->broken, [LAYERS_LINK] = &s->unread_links,
	};
	struct datagram g;
	enum layers_is is = layers_read(p->fragments, &p->next, &g);

	s->packets++;
	s->cut += p->next.wire_len > p->next.len;
	++*counts[is];
	if (is == LAYERS_TCP)
		file_conns_take(p->conns, p->next.time_us, &g);
	else if (is == LAYERS_UDP && p->quic)
		file_quic_take(p->quic, p->next.time_us, &g);
	s->last_us = p->next.time_us > s->last_us ? p->next.time_us : s->last_us;
	p->waits = false;
}

static void say_end(const struct pcap *p)
{
	const struct pcap_stats *s = &p->stats;
	const struct file_conns_counts c = file_conns_counts(p->conns);

	if (s->damage)
		log_warn("%s: %s (byte %" PRIu64 " of %" PRIu64 "); what is before it is loaded",
			 s->name, s->damage, s->offset, s->size);
	log_info("%s is read to its end: %" PRIu64 " packets, %" PRIu64
		 " TCP connections; TLS: %" PRIu64 " connections with data, %" PRIu64
		 " of them with secrets",
		 s->name, s->packets, c.connections, c.tls.connections, c.tls.readable);
}

static void end(struct pcap *p)
{
	file_conns_end(p->conns);
	if (p->quic)
		file_quic_end(p->quic);
	if (p->wire) /* its time stands still from here on */
		wire_end_all(p->wire);
	p->stats.ended = true;
	p->stats.damage = pcap_file_damage(p->file);
	say_end(p);
}

/* A packet to tell: 1; 0 for what is none, or when the file has ended. */
static int read_next(struct pcap *p)
{
	int r = pcap_file_next(p->file, &p->next);

	p->stats.offset = pcap_file_offset(p->file);
	p->stats.too_large = pcap_file_too_large(p->file);
	if (r == PCAP_SECRETS)
		return key_log_add(p->keys, (const char *)p->next.bytes, p->next.len);
	if (r == PCAP_END)
		end(p);
	if (r != PCAP_PACKET)
		return r < 0 ? r : 0;
	/* 0 is for what is not known */
	p->next.time_us = p->next.time_us ? p->next.time_us : 1;
	p->waits = true;
	if (!p->stats.first_us)
		p->stats.first_us = p->now_us = p->next.time_us;
	return 1;
}

/*
 * So many bytes of the file at once, and no packet past the time at which the sessions want to be
 * told what time it is.
 */
static int pcap_poll(void *state, int timeout_ms, int64_t *ret_now_us)
{
	struct pcap *p = state;
	uint64_t until = p->stats.offset + LIMIT_PCAP_TURN;
	int64_t begun_us = p->now_us;
	int n = 0;

	if (p->stats.ended)
		poll(NULL, 0, timeout_ms);
	while (!p->stats.ended && p->stats.offset < until) {
		int r = p->waits ? 1 : read_next(p);
		if (r < 0)
			return r;
		n++;
		if (!r)
			continue;
		if (p->next.time_us > p->now_us)
			p->now_us = p->next.time_us;
		if (begun_us && p->now_us - begun_us >= SESSION_TICK_US)
			break;
		take_packet(p);
	}
	if (p->now_us)
		*ret_now_us = p->now_us;
	return n;
}

void pcap_stats_take(const void *state, struct pcap_stats *ret)
{
	const struct pcap *p = state;

	*ret = p->stats;
	ret->datagrams = fragments_counts(p->fragments);
	ret->conns = file_conns_counts(p->conns);
	ret->keys = key_log_counts(p->keys);
}

const struct source source_pcap = {
	.name = "pcap",
	.open = pcap_open,
	.fd = pcap_fd,
	.poll = pcap_poll,
	.close = pcap_close,
};
