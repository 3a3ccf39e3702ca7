// SPDX-License-Identifier: GPL-2.0-or-later
#include "keep/keep_blocks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "keep/keep_files.h"

#define SECTION_HEADER	0x0a0d0d0a
#define ORDER		0x1a2b3c4d
#define INTERFACE	1
#define ENHANCED_PACKET 6
#define OPTION_COMMENT	1
#define OPTION_FLAGS	2 /* of a packet: 1 it came in, 2 it went out */
#define LINKTYPE_RAW	101
#define COMMENT		"kept by cleartap, file number %020" PRIu64
#define COMMENT_LEN	52
#define ALIGN(n)	(((n) + 3) & ~(size_t)3)

/* In the order of bytes of this machine, as all that is in memory. */
struct section {
	uint32_t type, total, order;
	uint16_t major, minor;
	uint64_t length;
	uint16_t option, option_len;
	char comment[COMMENT_LEN];
	uint32_t end, total_again;
};

struct interface_block {
	uint32_t type, total;
	uint16_t link, reserved;
	uint32_t limit, total_again;
};

struct packet_head {
	uint32_t type, total, interface, time_high, time_low, have, len;
};

struct packet_tail {
	uint16_t option, option_len;
	uint32_t flags, end, total_again;
};

_Static_assert(sizeof(struct section) == 24 + 4 + COMMENT_LEN + 8, "section");
_Static_assert(sizeof(struct interface_block) == 20 && sizeof(struct packet_head) == 28 &&
		       sizeof(struct packet_tail) == 16,
	       "blocks");
_Static_assert(sizeof(struct section) + sizeof(struct interface_block) <= KEEP_HEAD_MAX, "head");
_Static_assert(sizeof(struct packet_head) + sizeof(struct packet_tail) + LIMIT_KEEP_PACKET + 3 <=
		       KEEP_BLOCK_MAX,
	       "packet");

int keep_blocks_begin(uint64_t n, struct buf *out)
{
	struct section s = { .type = SECTION_HEADER,
			     .total = sizeof(s),
			     .order = ORDER,
			     .major = 1,
			     .length = UINT64_MAX,
			     .option = OPTION_COMMENT,
			     .total_again = sizeof(s) };
	const struct interface_block i = { INTERFACE, sizeof(i), LINKTYPE_RAW, 0, 0, sizeof(i) };
	char text[COMMENT_LEN + 1];

	s.option_len = (uint16_t)snprintf(text, sizeof(text), COMMENT, n);
	memcpy(s.comment, text, s.option_len);
	int r = buf_put(out, &s, sizeof(s));
	return r ? r : buf_put(out, &i, sizeof(i));
}

size_t keep_blocks_head(const void *data, size_t len, uint64_t *ret_n)
{
	char text[COMMENT_LEN + 1] = "";
	struct section s;

	if (len < sizeof(s) + sizeof(struct interface_block))
		return 0;
	memcpy(&s, data, sizeof(s));
	memcpy(text, s.comment, COMMENT_LEN);
	if (s.type != SECTION_HEADER || s.total != sizeof(s) || s.order != ORDER ||
	    sscanf(text, "kept by cleartap, file number %20" SCNu64, ret_n) != 1)
		return 0;
	return sizeof(s) + sizeof(struct interface_block);
}

int keep_blocks_put(const struct kept_packet *p, struct buf *out)
{
	static const char zeros[4];
	const uint64_t us = (uint64_t)p->time_us;
	const uint32_t total = (uint32_t)(sizeof(struct packet_head) + ALIGN(p->have) +
					  sizeof(struct packet_tail));
	const struct packet_head h = {
		.type = ENHANCED_PACKET,
		.total = total,
		.time_high = (uint32_t)(us >> 32),
		.time_low = (uint32_t)us,
		.have = p->have,
		.len = p->len,
	};
	const struct packet_tail t = {
		.option = OPTION_FLAGS,
		.option_len = 4,
		.flags = p->out ? 2 : 1,
		.total_again = total,
	};

	if (buf_reserve(out, total))
		return -ENOMEM;
	buf_put(out, &h, sizeof(h));
	buf_put(out, p->data, p->have);
	buf_put(out, zeros, ALIGN(p->have) - p->have);
	return buf_put(out, &t, sizeof(t));
}

size_t keep_blocks_get(const void *data, size_t len, struct kept_packet *ret)
{
	struct packet_head h;
	struct packet_tail t;

	if (len < sizeof(h) + sizeof(t))
		return 0;
	memcpy(&h, data, sizeof(h));
	if (h.type != ENHANCED_PACKET || h.have > LIMIT_KEEP_PACKET || h.total > len ||
	    h.total != sizeof(h) + ALIGN(h.have) + sizeof(t))
		return 0;
	memcpy(&t, (const char *)data + h.total - sizeof(t), sizeof(t));
	if (t.total_again != h.total)
		return 0;
	*ret = (struct kept_packet){
		.time_us = (int64_t)((uint64_t)h.time_high << 32 | h.time_low),
		.data = (const uint8_t *)data + sizeof(h),
		.have = h.have,
		.len = h.len,
		.out = t.flags == 2,
	};
	return h.total;
}
