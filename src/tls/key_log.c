// SPDX-License-Identifier: GPL-2.0-or-later
#include "tls/key_log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/siphash.h"
#include "base/text.h"

#define RANDOM	    32
#define BUCKETS_MIN 64

struct known {
	struct known *next; /* with the same hash */
	uint8_t random[RANDOM];
	struct secret secrets[SECRET_KINDS]; /* len 0: not known */
};

struct key_log {
	struct known **buckets;
	size_t size, count;
	struct siphash_key key; /* of the hash: randoms are whatever a file says */
	struct key_log_counts counts;
};

static const char *const labels[SECRET_KINDS] = {
	[SECRET_MASTER] = "CLIENT_RANDOM",
	[SECRET_CLIENT_EARLY] = "CLIENT_EARLY_TRAFFIC_SECRET",
	[SECRET_CLIENT_HANDSHAKE] = "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
	[SECRET_SERVER_HANDSHAKE] = "SERVER_HANDSHAKE_TRAFFIC_SECRET",
	[SECRET_CLIENT_TRAFFIC] = "CLIENT_TRAFFIC_SECRET_0",
	[SECRET_SERVER_TRAFFIC] = "SERVER_TRAFFIC_SECRET_0",
};

struct key_log *key_log_new(void)
{
	struct key_log *k = calloc(1, sizeof(*k));

	if (k)
		k->buckets = calloc(BUCKETS_MIN, sizeof(struct known *));
	if (!k || !k->buckets || getrandom(&k->key, sizeof(k->key), 0) != (ssize_t)sizeof(k->key)) {
		key_log_free(k);
		return NULL;
	}
	k->size = BUCKETS_MIN;
	return k;
}

void key_log_free(struct key_log *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->size; i++) {
		for (struct known *n = k->buckets[i], *next; n; n = next) {
			next = n->next;
			explicit_bzero(n, sizeof(*n));
			free(n);
		}
	}
	free(k->buckets);
	free(k);
}

static struct known **slot(const struct key_log *k, const uint8_t *random)
{
	return &k->buckets[siphash(&k->key, random, RANDOM) & (k->size - 1)];
}

static struct known *find(const struct key_log *k, const uint8_t *random)
{
	struct known *n = *slot(k, random);

	while (n && memcmp(n->random, random, RANDOM) != 0)
		n = n->next;
	return n;
}

static void grow(struct key_log *k)
{
	struct known **old = k->buckets, **buckets = calloc(2 * k->size, sizeof(*buckets));
	size_t old_size = k->size;

	if (!buckets)
		return;
	k->buckets = buckets;
	k->size *= 2;
	for (size_t i = 0; i < old_size; i++) {
		for (struct known *n = old[i], *next; n; n = next) {
			struct known **at = slot(k, n->random);
			next = n->next;
			n->next = *at;
			*at = n;
		}
	}
	free(old);
}

static struct known *make(struct key_log *k, const uint8_t *random)
{
	struct known *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	if (k->count >= k->size)
		grow(k);
	struct known **at = slot(k, random);
	memcpy(n->random, random, RANDOM);
	n->next = *at;
	*at = n;
	k->count++;
	return n;
}

/* The bytes of hexadecimal digits; false when there are others, or more than `room`. */
static bool from_hex(struct text t, uint8_t *ret, size_t room)
{
	if (t.len % 2 || t.len / 2 > room)
		return false;
	for (size_t i = 0; i < t.len / 2; i++) {
		int high = hex_digit((unsigned char)t.data[2 * i]),
		    low = hex_digit((unsigned char)t.data[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* The next word of a line, which moves on behind it. */
static struct text word(struct text *line)
{
	size_t n = 0;

	while (n < line->len && line->data[n] != ' ' && line->data[n] != '\t')
		n++;
	const struct text w = { line->data, n };
	while (n < line->len && (line->data[n] == ' ' || line->data[n] == '\t'))
		n++;
	*line = (struct text){ line->data + n, line->len - n };
	return w;
}

static enum secret_kind kind_of(struct text label)
{
	int kind = 0;

	while (kind < SECRET_KINDS && (strlen(labels[kind]) != label.len ||
				       memcmp(labels[kind], label.data, label.len) != 0))
		kind++;
	return (enum secret_kind)kind;
}

static int add_line(struct key_log *k, struct text line)
{
	uint8_t random[RANDOM];
	struct secret s = { 0 };
	struct text rest = line, label = word(&rest);
	enum secret_kind kind = kind_of(label);

	if (!line.len || *line.data == '#')
		return 0;
	struct text name = word(&rest), value = word(&rest);
	if (line.len > LIMIT_KEYLOG_LINE || rest.len || name.len != 2 * RANDOM ||
	    !from_hex(name, random, RANDOM)) {
		/* RSA, PMS_CLIENT_RANDOM: the names of others have other lengths */
		k->counts.bad_lines += line.len > LIMIT_KEYLOG_LINE || !value.len || rest.len;
		return 0;
	}
	if (kind == SECRET_KINDS)
		return 0;
	if (!from_hex(value, s.bytes, sizeof(s.bytes)) ||
	    (value.len != 64 && value.len != 2 * KEY_LOG_SECRET) ||
	    (kind == SECRET_MASTER && value.len != 2 * KEY_LOG_SECRET)) {
		k->counts.bad_lines++;
		return 0;
	}
	s.len = (uint8_t)(value.len / 2);
	struct known *n = find(k, random);
	if (!n && k->count >= LIMIT_KEYLOG_CONNS) {
		k->counts.past_limit++;
		return 0;
	}
	n = n ? n : make(k, random);
	if (n && !n->secrets[kind].len) {
		n->secrets[kind] = s;
		k->counts.secrets++;
	}
	explicit_bzero(&s, sizeof(s));
	return n ? 0 : -ENOMEM;
}

int key_log_add(struct key_log *k, const char *text, size_t len)
{
	int r = 0;

	while (len && !r) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;
		r = add_line(k, (struct text){ text, n && text[n - 1] == '\r' ? n - 1 : n });
		n += end != NULL;
		text += n;
		len -= n;
	}
	return r;
}

const struct secret *key_log_find(const struct key_log *k, const uint8_t random[32],
				  enum secret_kind kind)
{
	const struct known *n = k ? find(k, random) : NULL;

	return n && n->secrets[kind].len ? &n->secrets[kind] : NULL;
}

static int put_hex(const uint8_t *bytes, size_t len, char end, struct buf *out)
{
	int r = 0;

	for (size_t i = 0; !r && i < len; i++)
		r = buf_printf(out, "%02x", bytes[i]);
	return r ? r : buf_putc(out, end);
}

int key_log_put(const struct key_log *k, const uint8_t random[32], struct buf *out)
{
	const struct known *n = find(k, random);
	int r = 0;

	for (size_t i = 0; n && !r && i < SECRET_KINDS; i++) {
		const struct secret *s = &n->secrets[i];
		if (!s->len)
			continue;
		r = buf_printf(out, "%s ", labels[i]);
		r = r ? r : put_hex(random, RANDOM, ' ', out);
		r = r ? r : put_hex(s->bytes, s->len, '\n', out);
	}
	return r;
}

struct key_log_counts key_log_counts(const struct key_log *k)
{
	return k->counts;
}
