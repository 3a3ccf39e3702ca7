// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/pcap_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/unpack.h"

/* draft-ietf-opsawg-pcap, -pcapng; magic numbers as they stand in a file of the other order. */
#define MAGIC_US	0xa1b2c3d4
#define MAGIC_NS	0xa1b23c4d
#define MAGIC_PATCHED	0xa1b2cd34 /* Kuznetzov's: 8 more bytes with each packet */
#define NG_SECTION	0x0a0d0d0a /* the same in both orders */
#define NG_ORDER	0x1a2b3c4d
#define NG_INTERFACE	1
#define NG_PACKET_OLD	2
#define NG_PACKET_PLAIN 3
#define NG_PACKET	6
#define NG_SECRETS	10
#define SECRETS_TLS	0x544c534b
#define OPTION_UNIT	9
#define OPTION_OFFSET	14
#define HEAD_CLASSIC	24
#define MILLION		1000000
#define TIME_MAX	(253402300799LL * MILLION) /* the year 9999 */

#define READ_BYTES (256 << 10)

struct interface {
	uint16_t link;
	uint32_t snap;	/* bytes of a packet that are kept at most; 0 all */
	uint64_t units; /* of time in a second */
	int64_t offset_s;
};

struct pcap_file {
	int fd;
	uint8_t *buffer; /* [at, end) was read and not taken */
	size_t room, at, end;
	uint64_t offset; /* in the file, of `at` */
	uint64_t too_large;
	bool ng, swapped, patched, ended;
	const char *damage;
	int64_t time_us;
	struct interface *interfaces; /* of the section */
	size_t count;
};

static int grow(struct pcap_file *f, size_t room)
{
	if (room <= f->room)
		return 0;
	uint8_t *buffer = realloc(f->buffer, room);
	if (!buffer)
		return -ENOMEM;
	f->buffer = buffer;
	f->room = room;
	return 0;
}

/* Have `n` bytes at f->at: 1, 0 where the file has no more, -errno. */
static int need(struct pcap_file *f, size_t n)
{
	if (f->end - f->at >= n)
		return 1;
	if (f->at)
		memmove(f->buffer, f->buffer + f->at, f->end - f->at);
	f->end -= f->at;
	f->at = 0;
	int r = grow(f, n < READ_BYTES ? READ_BYTES : n);
	if (r)
		return r;
	while (f->end < n) {
		ssize_t got = read(f->fd, f->buffer + f->end, f->room - f->end);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : 0;
		f->end += (size_t)got;
	}
	return 1;
}

static void take(struct pcap_file *f, size_t n)
{
	f->at += n;
	f->offset += n;
}

static int end_here(struct pcap_file *f, const char *damage)
{
	f->ended = true;
	f->damage = damage;
	return PCAP_END;
}

static uint64_t number(const struct pcap_file *f, struct unpack *u, unsigned n)
{
	return f->swapped ? unpack_be(u, n) : unpack_le(u, n);
}

static struct unpack here(const struct pcap_file *f, size_t n)
{
	return unpack_at(f->buffer + f->at, n);
}

/* Times that no clock shows are the nearest that one does. */
static int64_t time_of(const struct interface *i, uint64_t ticks)
{
	__int128 us =
		(__int128)ticks * MILLION / (__int128)i->units + (__int128)i->offset_s * MILLION;

	return us < 0 ? 0 : us > TIME_MAX ? TIME_MAX : (int64_t)us;
}

static int add_interface(struct pcap_file *f, const struct interface *i)
{
	if (f->count >= LIMIT_PCAP_INTERFACES)
		return -E2BIG;
	struct interface *all = realloc(f->interfaces, (f->count + 1) * sizeof(*all));
	if (!all)
		return -ENOMEM;
	f->interfaces = all;
	all[f->count++] = *i;
	return 0;
}

static int open_classic(struct pcap_file *f, uint32_t magic)
{
	struct unpack u = here(f, HEAD_CLASSIC);
	struct interface i = { .units = magic == MAGIC_NS ? 1000000000 : MILLION };

	f->patched = magic == MAGIC_PATCHED;
	unpack_take(&u, 16);
	i.snap = (uint32_t)number(f, &u, 4);
	i.link = (uint16_t)number(f, &u, 4);
	take(f, HEAD_CLASSIC);
	return add_interface(f, &i);
}

/* Which of the formats, and in which order of bytes? */
static int find_format(struct pcap_file *f)
{
	struct unpack u = here(f, 4);
	uint32_t magic = (uint32_t)unpack_le(&u, 4), other = __builtin_bswap32(magic);

	if (magic == NG_SECTION) {
		f->ng = true;
		return 0;
	}
	if (other == MAGIC_US || other == MAGIC_NS || other == MAGIC_PATCHED) {
		f->swapped = true;
		magic = other;
	}
	if (magic != MAGIC_US && magic != MAGIC_NS && magic != MAGIC_PATCHED)
		return -EPROTO;
	int r = need(f, HEAD_CLASSIC);
	return r > 0 ? open_classic(f, magic) : r ? r : -EPROTO;
}

int pcap_file_open(int fd, struct pcap_file **ret)
{
	struct pcap_file *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->fd = fd;
	int r = need(f, 4);
	if (r > 0)
		r = find_format(f);
	else if (!r)
		r = f->end ? -EPROTO : -ENODATA;
	if (r) {
		pcap_file_close(f);
		return r;
	}
	*ret = f;
	return 0;
}

void pcap_file_close(struct pcap_file *f)
{
	if (!f)
		return;
	free(f->buffer);
	free(f->interfaces);
	free(f);
}

static int next_classic(struct pcap_file *f, struct pcap_piece *ret)
{
	size_t head = f->patched ? 24 : 16;
	int r = need(f, head);

	if (r < 0)
		return r;
	if (!r)
		return end_here(f, f->end > f->at ? "it ends within the head of a packet" : NULL);
	struct unpack u = here(f, head);
	const struct interface *i = f->interfaces;
	uint64_t seconds = number(f, &u, 4), fraction = number(f, &u, 4);
	size_t len = number(f, &u, 4), wire_len = number(f, &u, 4);
	if (len > LIMIT_PCAP_PACKET)
		return end_here(f, "a packet has a length that none can have");
	r = need(f, head + len);
	if (r < 0)
		return r;
	if (!r)
		return end_here(f, "it ends within a packet");
	f->time_us = time_of(i, seconds * i->units + fraction);
	*ret = (struct pcap_piece){ .bytes = f->buffer + f->at + head,
				    .len = len,
				    .wire_len = wire_len > len ? wire_len : len,
				    .time_us = f->time_us,
				    .link = i->link };
	take(f, head + len);
	return PCAP_PACKET;
}

static uint64_t units_of(uint8_t option)
{
	uint64_t units = 1;

	if (option & 0x80)
		return 1ULL << (option & 0x3f);
	for (unsigned n = option < 19 ? option : 19; n; n--)
		units *= 10;
	return units;
}

/* Options: a code, a length, and so many bytes, up to a multiple of 4. */
static void read_options(const struct pcap_file *f, struct unpack *u, struct interface *i)
{
	while (u->left >= 4) {
		uint64_t code = number(f, u, 2), len = number(f, u, 2);
		struct unpack value = unpack_part(u, len);
		if (!code || value.failed)
			break;
		if (code == OPTION_UNIT && len == 1)
			i->units = units_of(*value.at);
		else if (code == OPTION_OFFSET && len == 8)
			i->offset_s = (int64_t)number(f, &value, 8);
		unpack_take(u, (4 - len % 4) % 4);
	}
	if (i->offset_s > TIME_MAX / MILLION || i->offset_s < -TIME_MAX / MILLION)
		i->offset_s = 0;
}

static int read_interface(struct pcap_file *f, struct unpack *u)
{
	struct interface i = { .units = MILLION };

	i.link = (uint16_t)number(f, u, 2);
	number(f, u, 2);
	i.snap = (uint32_t)number(f, u, 4);
	if (u->failed)
		return -EBADMSG;
	read_options(f, u, &i);
	return add_interface(f, &i);
}

/* The old form has the interface in 2 bytes, and drops in the next 2. */
static bool read_packet(struct pcap_file *f, uint32_t type, struct unpack *u,
			struct pcap_piece *ret)
{
	bool plain = type == NG_PACKET_PLAIN;
	uint64_t interface = plain ? 0 : number(f, u, type == NG_PACKET_OLD ? 2 : 4);

	if (type == NG_PACKET_OLD)
		number(f, u, 2);
	if (interface >= f->count)
		return false;
	const struct interface *i = &f->interfaces[interface];
	if (!plain) {
		uint64_t high = number(f, u, 4);
		f->time_us = time_of(i, high << 32 | number(f, u, 4));
	}
	size_t len = plain ? 0 : number(f, u, 4), wire_len = number(f, u, 4);
	if (plain) {
		len = wire_len < u->left ? wire_len : u->left;
		len = i->snap && i->snap < len ? i->snap : len;
	}
	const uint8_t *bytes = unpack_take(u, len);
	*ret = (struct pcap_piece){ .bytes = bytes,
				    .len = len,
				    .wire_len = wire_len > len ? wire_len : len,
				    .time_us = f->time_us,
				    .link = i->link };
	return !u->failed;
}

static bool read_secrets(struct pcap_file *f, struct unpack *u, struct pcap_piece *ret)
{
	uint64_t type = number(f, u, 4), len = number(f, u, 4);

	if (type != SECRETS_TLS || len > u->left)
		return false;
	*ret = (struct pcap_piece){ .bytes = u->at, .len = len, .time_us = f->time_us };
	return true;
}

/* A section begins: the order of its bytes, and it has no interfaces yet. */
static int begin_section(struct pcap_file *f)
{
	int r = need(f, 12);

	if (r <= 0)
		return r;
	struct unpack u = unpack_at(f->buffer + f->at + 8, 4);
	uint32_t order = (uint32_t)unpack_le(&u, 4);
	if (order != NG_ORDER && order != __builtin_bswap32(NG_ORDER))
		return -EBADMSG;
	f->swapped = order != NG_ORDER;
	f->count = 0;
	return 1;
}

/* Passes over a block that is too large to be held. 1, 0 where the file ends within it. */
static int skip_block(struct pcap_file *f, uint64_t len)
{
	f->too_large++;
	while (len) {
		size_t part = len < READ_BYTES ? (size_t)len : READ_BYTES;
		int r = need(f, part);
		if (r <= 0)
			return r;
		take(f, part);
		len -= part;
	}
	return 1;
}

/* The block at f->at, of type and length as its head says: PCAP_NOTHING when it is for nobody. */
static int read_block(struct pcap_file *f, uint32_t type, size_t len, struct pcap_piece *ret)
{
	struct unpack u = unpack_at(f->buffer + f->at + 8, len - 12);
	struct unpack end = unpack_at(f->buffer + f->at + len - 4, 4);
	int r = PCAP_NOTHING;

	if (number(f, &end, 4) != len)
		return end_here(f, "a block has two lengths");
	take(f, len);
	switch (type) {
	case NG_INTERFACE:
		r = read_interface(f, &u);
		return r == -EBADMSG ? end_here(f, "the block of an interface is too short")
		       : r == -E2BIG ? end_here(f, "a section has too many interfaces")
				     : (r ? r : PCAP_NOTHING);
	case NG_PACKET:
	case NG_PACKET_OLD:
	case NG_PACKET_PLAIN:
		return read_packet(f, type, &u, ret)
			       ? PCAP_PACKET
			       : end_here(f, "the block of a packet is broken");
	case NG_SECRETS:
		return read_secrets(f, &u, ret) ? PCAP_SECRETS : PCAP_NOTHING;
	}
	return r;
}

static int next_block(struct pcap_file *f, struct pcap_piece *ret)
{
	int r = need(f, 12);

	if (r < 0)
		return r;
	if (!r)
		return end_here(f, f->end > f->at ? "it ends within the head of a block" : NULL);
	struct unpack u = here(f, 8);
	uint32_t type = (uint32_t)number(f, &u, 4);
	if (type == NG_SECTION) {
		r = begin_section(f);
		if (r < 0)
			return r == -EBADMSG ? end_here(f, "a section has no order of bytes") : r;
	}
	uint64_t len = number(f, &u, 4);
	if (len < 12 || len % 4)
		return end_here(f, "a block has a length that none can have");
	bool large = len > LIMIT_PCAP_BLOCK;
	r = large ? skip_block(f, len) : need(f, (size_t)len);
	if (r < 0)
		return r;
	if (!r)
		return end_here(f, "it ends within a block");
	return large ? PCAP_NOTHING : read_block(f, type, (size_t)len, ret);
}

int pcap_file_next(struct pcap_file *f, struct pcap_piece *ret)
{
	if (f->ended)
		return PCAP_END;
	return f->ng ? next_block(f, ret) : next_classic(f, ret);
}

uint64_t pcap_file_offset(const struct pcap_file *f)
{
	return f->offset;
}

const char *pcap_file_damage(const struct pcap_file *f)
{
	return f->damage;
}

uint64_t pcap_file_too_large(const struct pcap_file *f)
{
	return f->too_large;
}
