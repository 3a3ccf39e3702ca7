// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/export/kept.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/export/block.h"
#include "api/index.h"
#include "api/request.h"
#include "api/state.h"
#include "base/limits.h"
#include "base/log.h"
#include "entry.h"
#include "keep/keep_files.h"
#include "tls/key_log.h"

#define PORTION_BYTES (1 << 20) /* written, or looked through, at once */
#define IP4_SIZE      20
#define IP6_SIZE      40
#define TCP_SIZE      20
#define TCP	      6
#define HELLO_RANDOM  11  /* where it is in a record that begins with a ClientHello */
#define NAMES_MAX     512 /* bytes of a comment */

/* Both ends of a connection, the client's first. */
struct kept_socket {
	uint8_t src[16], dst[16];
	uint16_t ports[2];
};

struct kept {
	struct keep_reader *reader;
	struct key_log *keys; /* NULL: none are asked for */
	bool all;	      /* not only packets of connections that were looked at */
	struct index sockets; /* of struct kept_socket */
	struct buf names;     /* of char *, by its number: whose it is */
	struct buf lines;
	uint64_t packets;    /* in the file */
	uint64_t past_limit; /* entries whose connection is not told apart */
};

static int read_whole(int fd, char *text, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = pread(fd, text + have, len - have, (off_t)have);
		if (n <= 0)
			return n ? -errno : -EIO;
		have += (size_t)n;
	}
	return 0;
}

/* Whole lines: programs write the next one meanwhile. */
static int read_keys(struct kept *k, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	size_t len = (size_t)st.st_size;
	char *text = len > LIMIT_KEYLOG_BYTES ? NULL : malloc(len + 1);
	int r = text ? read_whole(fd, text, len) : len > LIMIT_KEYLOG_BYTES ? -EFBIG : -ENOMEM;
	while (!r && len && text[len - 1] != '\n')
		len--;
	r = r ? r : key_log_add(k->keys, text, len);
	if (text)
		explicit_bzero(text, (size_t)st.st_size);
	free(text);
	return r;
}

static int open_keys(struct kept *k, int fd)
{
	k->keys = key_log_new();
	int r = k->keys ? read_keys(k, fd) : -ENOMEM;

	if (r)
		log_warn("read the file of --keylog for an export: %s", strerror(-r));
	return r;
}

struct kept *kept_new(struct request *r)
{
	const char *q = request_param(r, "q"), *keys = request_param(r, "keys");
	struct kept *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->all = !q || !*q;
	k->reader = keep_reader_new(r->api->source.packets);
	int err = k->reader ? 0 : -ENOMEM;
	if (!err && keys && *keys == '1')
		err = open_keys(k, r->api->source.key_log);
	if (!err)
		return k;
	kept_free(k);
	return NULL;
}

void kept_free(struct kept *k)
{
	if (!k)
		return;
	keep_reader_free(k->reader);
	key_log_free(k->keys);
	index_free(&k->sockets);
	for (size_t i = 0; i < k->names.len / sizeof(char *); i++)
		free(((char **)(void *)k->names.data)[i]);
	buf_free(&k->names);
	if (k->lines.data)
		explicit_bzero(k->lines.data, k->lines.cap);
	buf_free(&k->lines);
	free(k);
}

static bool socket_of(const struct entry *e, struct kept_socket *ret)
{
	int family = strchr(e->src.ip, ':') ? AF_INET6 : AF_INET;

	memset(ret, 0, sizeof(*ret));
	ret->ports[0] = e->src.port;
	ret->ports[1] = e->dst.port;
	return inet_pton(family, e->src.ip, ret->src) == 1 &&
	       inet_pton(family, e->dst.ip, ret->dst) == 1;
}

static int put_end(const struct endpoint *e, struct buf *out)
{
	if (!*e->process)
		return buf_puts(out, "unknown");
	int r = buf_printf(out, "%s (pid %d", e->process, e->pid);
	if (!r && *e->container)
		r = buf_printf(out, ", container %s", e->container);
	return r ? r : buf_puts(out, ")");
}

/*
 * Of the same addresses and ports there may be another connection later: then all are named, as far
 * as there is room.
 */
static int add_names(char **names, const struct entry *e)
{
	struct buf text = { 0 };
	char *all = NULL;
	int r = put_end(&e->src, &text);

	r = r ? r : buf_puts(&text, " to ");
	r = r ? r : put_end(&e->dst, &text);
	const char *new = r ? NULL : buf_cstr(&text);
	if (!new) {
		r = -ENOMEM;
	} else if (!*names) {
		*names = strdup(new);
		r = *names ? 0 : -ENOMEM;
	} else if (!strstr(*names, new) && strlen(*names) + text.len < NAMES_MAX) {
		r = asprintf(&all, "%s, or %s", *names, new) < 0 ? -ENOMEM : 0;
		free(r ? NULL : *names);
		*names = r ? *names : all;
	}
	buf_free(&text);
	return r;
}

int kept_look(struct kept *k, const struct entry *e)
{
	char *none = NULL;
	struct kept_socket s;

	if (!socket_of(e, &s))
		return 0;
	if (k->sockets.count >= LIMIT_EXPORT_NAMES &&
	    index_find(&k->sockets, (const char *)&s, sizeof(s)) < 0) {
		k->past_limit++;
		return 0;
	}
	size_t known = k->sockets.count;
	int64_t n = index_of(&k->sockets, (const char *)&s, sizeof(s));
	if (n < 0 || (k->sockets.count > known && buf_put(&k->names, &none, sizeof(none))))
		return -ENOMEM;
	return add_names((char **)(void *)k->names.data + n, e);
}

/* Where its TCP payload begins; 0: it is no packet of TCP, or is cut before that. */
static size_t read_head(const struct kept_packet *p, struct kept_socket *ret)
{
	const uint8_t *d = p->data;
	bool v6 = p->have && d[0] >> 4 == 6;
	size_t at = v6 ? IP6_SIZE : p->have ? (d[0] & 15) * 4u : 0;

	if (at < IP4_SIZE || p->have < at + TCP_SIZE || d[v6 ? 6 : 9] != TCP)
		return 0;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->src, d + (v6 ? 8 : 12), v6 ? 16 : 4);
	memcpy(ret->dst, d + (v6 ? 24 : 16), v6 ? 16 : 4);
	ret->ports[0] = (uint16_t)(d[at] << 8 | d[at + 1]);
	ret->ports[1] = (uint16_t)(d[at + 2] << 8 | d[at + 3]);
	return at + (d[at + 12] >> 4) * 4u;
}

/* Of the connection that the packet is of, in either direction; NULL: it was not looked at. */
static const char *names_of(const struct kept *k, const struct kept_socket *s)
{
	struct kept_socket back = { .ports = { s->ports[1], s->ports[0] } };

	int64_t n = index_find(&k->sockets, (const char *)s, sizeof(*s));
	if (n < 0) {
		memcpy(back.src, s->dst, sizeof(back.src));
		memcpy(back.dst, s->src, sizeof(back.dst));
		n = index_find(&k->sockets, (const char *)&back, sizeof(back));
	}
	return n < 0 ? NULL : ((char *const *)(const void *)k->names.data)[n];
}

/* A ClientHello names the connection in the key log: its secrets go before it. */
static int put_keys(struct kept *k, const struct kept_packet *p, size_t at, struct block *b,
		    struct buf *out)
{
	const uint8_t *d = p->data + at;

	if (!at || p->have < at + HELLO_RANDOM + 32 || d[0] != 22 || d[5] != 1)
		return 0;
	buf_reset(&k->lines);
	int r = key_log_put(k->keys, d + HELLO_RANDOM, &k->lines);
	if (r || !k->lines.len)
		return r;
	block_number(&b->w, SECRETS_TLS, 4);
	block_number(&b->w, k->lines.len, 4);
	writer_put(&b->w, k->lines.data, k->lines.len);
	return block_end(b, DECRYPTION_SECRETS, out);
}

static int put_packet(const struct kept_packet *p, const char *names, struct block *b,
		      struct buf *out)
{
	const uint32_t flags = p->out ? 2 : 1;

	block_number(&b->w, 0, 4);
	block_time(&b->w, p->time_us);
	block_number(&b->w, p->have, 4);
	block_number(&b->w, p->len, 4);
	writer_put(&b->w, p->data, p->have);
	writer_put(&b->w, "\0\0\0", -p->have & 3);
	if (names)
		block_comment(&b->w, names);
	block_option(&b->w, OPTION_FLAGS, &flags, sizeof(flags));
	block_option(&b->w, 0, "", 0);
	return block_end(b, ENHANCED_PACKET, out);
}

static int put_sums(const struct kept *k, struct block *b, struct buf *out)
{
	char comment[200];

	snprintf(comment, sizeof(comment),
		 "%" PRIu64 " packets; %" PRIu64
		 " entries are of connections past those that are told apart",
		 k->packets, k->past_limit);
	block_number(&b->w, 0, 4);
	block_number(&b->w, 0, 8); /* no time of the statistics */
	block_comment(&b->w, comment);
	block_option(&b->w, 0, "", 0);
	return block_end(b, INTERFACE_STATISTICS, out);
}

int kept_put(struct kept *k, struct block *b, struct buf *out, bool *ret_done)
{
	struct kept_packet p;
	struct kept_socket s;
	size_t looked = 0;
	int r = 0;

	*ret_done = false;
	while (!r && out->len < PORTION_BYTES && looked < PORTION_BYTES) {
		if (!keep_reader_next(k->reader, &p)) {
			*ret_done = true;
			return put_sums(k, b, out);
		}
		looked += p.have;
		size_t at = read_head(&p, &s);
		const char *names = at ? names_of(k, &s) : NULL;
		if (!names && !k->all)
			continue;
		if (k->keys)
			r = put_keys(k, &p, at, b, out);
		r = r ? r : put_packet(&p, names, b, out);
		k->packets++;
	}
	return r;
}
