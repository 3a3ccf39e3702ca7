// SPDX-License-Identifier: GPL-2.0-or-later
#include "tls/record.h"

#include <errno.h>
#include <string.h>

#define RECORD_MOST ((1 << 14) + 2048)
#define SSL2_HEAD   2
#define HELLO_MOST  (1 << 17) /* a ClientHello of 64 KiB of suites and as much of extensions */

static unsigned be16(const uint8_t *p)
{
	return (unsigned)(p[0] << 8 | p[1]);
}

static bool length_fits(uint8_t type, unsigned length)
{
	static const uint8_t least[] = {
		[TLS_CHANGE_CIPHER_SPEC] = 1, [TLS_ALERT] = 2,	   [TLS_HANDSHAKE] = 1,
		[TLS_APPLICATION_DATA] = 0,   [TLS_HEARTBEAT] = 3,
	};

	return type >= TLS_CHANGE_CIPHER_SPEC && type <= TLS_HEARTBEAT && length >= least[type] &&
	       length <= RECORD_MOST;
}

enum tls_is tls_record_head(const uint8_t *bytes, size_t len, struct tls_record *ret)
{
	if (len && (bytes[0] < TLS_CHANGE_CIPHER_SPEC || bytes[0] > TLS_HEARTBEAT))
		return TLS_IS_NOT;
	if ((len > 1 && bytes[1] != 3) || (len > 2 && bytes[2] > 4))
		return TLS_IS_NOT;
	if (len < TLS_RECORD_HEAD)
		return TLS_IS_UNCLEAR;
	if (!length_fits(bytes[0], be16(bytes + 3)))
		return TLS_IS_NOT;
	*ret = (struct tls_record){ bytes[0], (uint16_t)be16(bytes + 1), be16(bytes + 3) };
	return TLS_IS;
}

/* Of the form of SSL 2 is one that offers TLS, or SSL 2 itself; all its lengths must agree. */
static enum tls_is ssl2_begins(const uint8_t *bytes, size_t len)
{
	if ((len > 2 && bytes[2] != 1) || (len > 3 && bytes[3] != 3 && bytes[3] != 0) ||
	    (len > 4 && (bytes[3] ? bytes[4] > 4 : bytes[4] != 2)))
		return TLS_IS_NOT;
	if (len < TLS_BEGIN_BYTES)
		return TLS_IS_UNCLEAR;
	unsigned suites = be16(bytes + 5), session = be16(bytes + 7), challenge = be16(bytes + 9);
	return suites && suites % 3 == 0 && (!session || session == 16) && challenge >= 16 &&
			       challenge <= 32 &&
			       (be16(bytes) & 0x7fff) == 9 + suites + session + challenge
		       ? TLS_IS
		       : TLS_IS_NOT;
}

/* `body`: what is there of the first record's content. */
static enum tls_is hello_begins(const struct tls_record *record, const uint8_t *body, size_t len)
{
	unsigned length = 0;

	if (len > record->length)
		len = record->length;
	if (len && body[0] != 1 && body[0] != 2)
		return TLS_IS_NOT;
	for (size_t i = 1; i < len && i < 4; i++)
		length = length << 8 | body[i];
	if ((len > 1 && body[1] > HELLO_MOST >> 16) ||
	    (len >= 4 && (length < 38 || length > HELLO_MOST)) || (len > 4 && body[4] != 3) ||
	    (len > 5 && body[5] > 4))
		return TLS_IS_NOT;
	return len >= 6 || len == record->length ? TLS_IS : TLS_IS_UNCLEAR;
}

enum tls_is tls_record_begins(const uint8_t *bytes, size_t len)
{
	struct tls_record record;

	if (len && bytes[0] & 0x80)
		return ssl2_begins(bytes, len);
	if (len && bytes[0] != TLS_HANDSHAKE && bytes[0] != TLS_ALERT)
		return TLS_IS_NOT;
	enum tls_is is = tls_record_head(bytes, len, &record);
	if (is != TLS_IS)
		return is;
	const uint8_t *body = bytes + TLS_RECORD_HEAD;
	len -= TLS_RECORD_HEAD;
	if (record.type == TLS_HANDSHAKE)
		return hello_begins(&record, body, len);
	if (record.length != 2 || (len && body[0] != 1 && body[0] != 2))
		return TLS_IS_NOT;
	return len >= 2 ? TLS_IS : TLS_IS_UNCLEAR;
}

/* One byte of a head. 1: it is whole; 0: more of it is to come; -EPROTO. */
static int take_head(struct tls_walk *w, uint8_t byte)
{
	w->head[w->have++] = byte;
	if (!w->begun && w->head[0] & 0x80) {
		if (w->have < SSL2_HEAD)
			return 0;
		w->record = (struct tls_record){ TLS_SSL2_HELLO, 0, be16(w->head) & 0x7fff };
	} else {
		enum tls_is is = tls_record_head(w->head, w->have, &w->record);
		if (is != TLS_IS)
			return is == TLS_IS_UNCLEAR ? 0 : -EPROTO;
	}
	w->begun = true;
	w->have = 0;
	w->left = w->record.length;
	w->records++;
	return 1;
}

int tls_walk_next(struct tls_walk *w, const uint8_t **bytes, size_t *len, struct tls_piece *ret)
{
	bool begins = false;

	while (!w->lost && !w->left && !begins) {
		if (!*len)
			return 0;
		int r = take_head(w, *(*bytes)++);
		--*len;
		w->lost = r < 0;
		begins = r > 0;
	}
	if (w->lost)
		return -EPROTO;
	if (!*len && !begins)
		return 0;
	size_t n = *len < w->left ? *len : w->left;
	w->left -= (uint32_t)n;
	*ret = (struct tls_piece){ w->record, *bytes, n, begins, !w->left };
	*bytes += n;
	*len -= n;
	return 1;
}

int tls_walk_skip(struct tls_walk *w, uint64_t len)
{
	if (w->lost || len > w->left) {
		w->lost = true;
		return -EPROTO;
	}
	w->left -= (uint32_t)len;
	return 0;
}
