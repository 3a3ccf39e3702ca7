// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Schemas that servers of gRPC tell of themselves (server reflection, v1 and v1alpha) and that were
 * seen on the wire. They name what goes to the server that told them, and to no other: whoever runs
 * a server may call fields as he likes, of his own messages.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "base/hash.h"
#include "base/limits.h"
#include "body/proto_set.h"
#include "body/proto_wire.h"
#include "entry.h"
#include "redact/redact_internal.h"

/* A FileDescriptorProto. */
struct reflected_file {
	uint64_t name, digest;
	struct buf bytes;
};

struct reflected_server {
	char address[64]; /* as entry.dst.ip has it */
	int32_t port;
	int64_t netns;	       /* of who calls it: the same address may be another server's */
	uint64_t used;	       /* when it was last asked for */
	struct proto_set *set; /* of all files; NULL: none, or they are past a bound */
	struct reflected_file files[LIMIT_SCHEMA_FILES];
	unsigned count, changes;
	size_t bytes; /* of all files */
};

struct reflected {
	struct reflected_server *servers[LIMIT_SCHEMA_SERVERS];
	uint64_t clock;
};

int reflected_new(struct reflected **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

static void free_server(struct reflected_server *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->count; i++)
		buf_free(&s->files[i].bytes);
	proto_set_free(s->set);
	free(s);
}

void reflected_free(struct reflected *l)
{
	for (unsigned i = 0; l && i < LIMIT_SCHEMA_SERVERS; i++)
		free_server(l->servers[i]);
	free(l);
}

static int64_t netns_of(const struct entry *e)
{
	return e->src.netns ? e->src.netns : e->dst.netns;
}

static bool same_host(const struct reflected_server *s, const struct entry *e)
{
	return !strcmp(s->address, e->dst.ip) && s->netns == netns_of(e);
}

static struct reflected_server *find_server(struct reflected *l, const struct entry *e)
{
	for (unsigned i = 0; i < LIMIT_SCHEMA_SERVERS; i++) {
		struct reflected_server *s = l->servers[i];
		if (s && same_host(s, e) && s->port == e->dst.port) {
			s->used = ++l->clock;
			return s;
		}
	}
	return NULL;
}

/*
 * A place: a free one, or that of the longest unused server; of one of the same host where that has
 * its share of them.
 */
static struct reflected_server **find_place(struct reflected *l, const struct entry *e)
{
	struct reflected_server **oldest = NULL, **own = NULL, **free = NULL;
	unsigned count = 0;

	for (unsigned i = 0; i < LIMIT_SCHEMA_SERVERS; i++) {
		struct reflected_server **s = &l->servers[i];
		if (!*s) {
			free = s;
			continue;
		}
		if (!oldest || (*s)->used < (*oldest)->used)
			oldest = s;
		if (!same_host(*s, e))
			continue;
		count++;
		if (!own || (*s)->used < (*own)->used)
			own = s;
	}
	return count >= LIMIT_SCHEMA_SERVERS / LIMIT_SHARE ? own : free ? free : oldest;
}

static struct reflected_server *add_server(struct reflected *l, const struct entry *e)
{
	struct reflected_server **place = find_place(l, e), *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	free_server(*place);
	*place = s;
	strcpy(s->address, e->dst.ip);
	s->port = e->dst.port;
	s->netns = netns_of(e);
	s->used = ++l->clock;
	return s;
}

static int put_head(struct buf *out, size_t len)
{
	int r = buf_putc(out, 1 << 3 | WIRE_LENGTH);

	for (; !r && len > 0x7f; len >>= 7)
		r = buf_putc(out, (char)(0x80 | (len & 0x7f)));
	return r ? r : buf_putc(out, (char)len);
}

/* Add one to a set, which takes several, each behind its length. */
static int add_to_set(struct proto_set *set, const void *data, size_t len)
{
	struct buf one = { 0 };
	char error[128];
	int r = put_head(&one, len);

	r = r ? r : buf_put(&one, data, len);
	r = r ? r : proto_set_add(set, one.data, one.len, error, sizeof(error));
	buf_free(&one);
	return r;
}

static int new_set(struct proto_set **ret)
{
	int r = proto_set_new(ret);

	if (!r)
		proto_set_bound(*ret, LIMIT_SCHEMA_SET);
	return r;
}

/* Is it one at all? */
static int judge(const void *data, size_t len)
{
	struct proto_set *set = NULL;
	int r = new_set(&set);

	r = r ? r : add_to_set(set, data, len);
	proto_set_free(set);
	return r;
}

static uint64_t name_of(const uint8_t *data, size_t len)
{
	struct wire_field f;

	for (size_t at = 0; at < len && wire_field(data, len, at, &f); at = f.end)
		if (f.number == 1 && f.type == WIRE_LENGTH && !f.cut)
			return hash_bytes(data + f.data, f.end - f.data);
	return 0;
}

/* A file of the server, or what it says now of one that is known. False: it is not taken. */
static bool learn_file(struct reflected_server *s, const uint8_t *data, size_t len)
{
	uint64_t name = name_of(data, len), digest = hash_bytes(data, len);
	struct buf copy = { 0 };
	unsigned i = 0;

	while (i < s->count && s->files[i].name != name)
		i++;
	struct reflected_file *f = &s->files[i];
	size_t was = i < s->count ? f->bytes.len : 0;
	if (i < s->count && f->digest == digest)
		return true;
	if (i == LIMIT_SCHEMA_FILES || s->bytes - was + len > LIMIT_SCHEMA_BYTES ||
	    (i < s->count && s->changes >= LIMIT_SCHEMA_CHANGES) || judge(data, len) ||
	    buf_put(&copy, data, len))
		return false;
	if (i < s->count) {
		s->changes++;
		buf_free(&f->bytes);
	}
	s->count += i == s->count;
	s->bytes += len - was;
	*f = (struct reflected_file){ name, digest, copy };
	proto_set_free(s->set);
	s->set = NULL;
	return true;
}

/* ServerReflectionResponse: file_descriptor_response 4 {file_descriptor_proto 1, repeated} */
static unsigned learn_message(struct reflected_server *s, const uint8_t *data, size_t len)
{
	unsigned refused = 0;
	struct wire_field f, g;

	for (size_t at = 0; at < len && wire_field(data, len, at, &f) && !f.cut; at = f.end) {
		if (f.number != 4 || f.type != WIRE_LENGTH)
			continue;
		for (size_t i = f.data; i < f.end && wire_field(data, f.end, i, &g) && !g.cut;
		     i = g.end)
			if (g.number == 1 && g.type == WIRE_LENGTH && g.end > g.data)
				refused += !learn_file(s, data + g.data, g.end - g.data);
	}
	return refused;
}

/* The messages of an answer, each behind a flag and its length, up to the first missing byte. */
static unsigned learn_frames(struct reflected_server *s, const uint8_t *data, size_t len,
			     const char *coding)
{
	size_t left = LIMIT_SCHEMA_BYTES;
	unsigned refused = 0;

	while (len >= 5) {
		size_t n = (size_t)data[1] << 24 | (size_t)data[2] << 16 | (size_t)data[3] << 8 |
			   data[4];
		struct buf plain = { 0 };
		if (n > len - 5)
			break;
		if (!(*data & 1)) {
			refused += learn_message(s, data + 5, n);
		} else if (!coding_decode(coding, data + 5, n, left, &plain)) {
			refused += learn_message(s, (const uint8_t *)plain.data, plain.len);
			left -= plain.len;
		} else {
			refused++;
		}
		buf_free(&plain);
		data += 5 + n;
		len -= 5 + n;
	}
	return refused;
}

/* All files as one set, for there are names of one in another; else the server has none. */
static bool make_set(struct reflected_server *s)
{
	struct proto_set *set = NULL;

	if (s->set || !s->count)
		return true;
	int r = new_set(&set);
	for (unsigned i = 0; i < s->count && !r; i++)
		r = add_to_set(set, s->files[i].bytes.data, s->files[i].bytes.len);
	if (r) {
		proto_set_free(set);
		return false;
	}
	proto_set_sort(set);
	s->set = set;
	return true;
}

static bool is_reflection(const struct entry *e)
{
	return !strcmp(e->path, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo") ||
	       !strcmp(e->path, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
}

unsigned reflected_learn(struct reflected *l, const struct entry *e, const char *coding)
{
	const struct message *m = e->message[1];
	size_t len = e->response_body.len;

	if (!m || !len || !*e->dst.ip || strlen(e->dst.ip) >= sizeof(l->servers[0]->address) ||
	    !is_reflection(e))
		return 0;
	if (m->body.gap_count && m->body.gaps[0].offset < len)
		len = (size_t)m->body.gaps[0].offset;
	struct reflected_server *s = find_server(l, e);
	s = s ? s : add_server(l, e);
	if (!s)
		return 1;
	unsigned refused = learn_frames(s, (const uint8_t *)e->response_body.data, len, coding);
	return refused + !make_set(s);
}

const struct proto_set *reflected_set(struct reflected *l, const struct entry *e)
{
	const struct reflected_server *s = find_server(l, e);

	return s ? s->set : NULL;
}
