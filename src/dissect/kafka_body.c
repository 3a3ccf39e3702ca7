// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What Kafka's requests and answers say: topics, partitions, records, errors. Each array is read
 * element by element for as long as there are bytes, so a count costs nothing by itself.
 */
#include <inttypes.h>
#include <string.h>

#include "base/coding.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "dissect/kafka.h"

#define RECORDS_HEAD 61 /* of a batch, to the first record */

static const char masked[] = "•••";

void kafka_skip_tags(struct unpack *u)
{
	uint64_t count = unpack_varint(u, 5);

	for (uint64_t i = 0; i < count && !u->failed; i++) {
		unpack_varint(u, 5);
		unpack_take(u, unpack_varint(u, 5));
	}
}

static void skip_tags(struct kafka_body *b)
{
	if (b->flexible)
		kafka_skip_tags(&b->u);
}

/* Elements of an array; 0 for null. */
static uint64_t take_count(struct kafka_body *b)
{
	uint64_t n = b->flexible ? unpack_varint(&b->u, 5) : unpack_be(&b->u, 4) + 1;

	return n && n <= 0x7fffffff ? n - 1 : 0;
}

static struct text take_string(struct kafka_body *b)
{
	uint64_t n = b->flexible ? unpack_varint(&b->u, 5) : unpack_be(&b->u, 2) + 1;

	return n && n <= (b->flexible ? 0x7fffffff : 0x8000) ? unpack_text(&b->u, n - 1)
							     : (struct text){ 0 };
}

static struct text take_bytes(struct kafka_body *b)
{
	uint64_t n = b->flexible ? unpack_varint(&b->u, 5) : unpack_be(&b->u, 4) + 1;

	if (!n || n > 0x7fffffff)
		return (struct text){ 0 };
	/* What is cut off is read as far as it goes. */
	return unpack_text(&b->u, n - 1 < b->u.left ? n - 1 : b->u.left);
}

static void skip(struct kafka_body *b, unsigned n)
{
	unpack_take(&b->u, n);
}

static bool since(const struct kafka_body *b, unsigned version)
{
	return b->x->version >= version;
}

static void note_error(struct kafka_body *b)
{
	int code = (int16_t)unpack_be(&b->u, 2);

	if (!b->x->error && !b->u.failed)
		b->x->error = code;
}

static void note_topic(struct kafka_body *b, struct text topic)
{
	if (!topic.len || b->topics.len > LIMIT_SUMMARY)
		return;
	if (b->topics.len)
		buf_puts(&b->topics, ", ");
	buf_put(&b->topics, topic.data, topic.len);
}

/* The name of a topic, or the id that newer versions have in its place. */
static struct text take_topic(struct kafka_body *b, unsigned ids_since, char id[static 37])
{
	if (!since(b, ids_since)) {
		struct text t = take_string(b);
		note_topic(b, t);
		return t;
	}
	const uint8_t *p = unpack_take(&b->u, 16);
	size_t n = 0;
	for (unsigned i = 0; p && i < 16; i++) {
		static const char digits[] = "0123456789abcdef";
		if (i == 4 || i == 6 || i == 8 || i == 10)
			id[n++] = '-';
		id[n++] = digits[p[i] >> 4];
		id[n++] = digits[p[i] & 15];
	}
	note_topic(b, (struct text){ id, n });
	return (struct text){ id, n };
}

static bool full(const struct kafka_body *b)
{
	return b->text.len >= LIMIT_RENDERED_BYTES;
}

static bool is_text(struct text t)
{
	for (size_t i = 0; i < t.len;) {
		size_t n = utf8_length((const unsigned char *)t.data + i, t.len - i);
		unsigned char c = (unsigned char)t.data[i];
		if (!n || (c < ' ' && c != '\t' && c != '\n' && c != '\r'))
			return false;
		i += n;
	}
	return true;
}

static void put_value(struct kafka_body *b, struct text t, bool null)
{
	if (null)
		buf_puts(&b->text, "null");
	else if (is_text(t))
		buf_put(&b->text, t.data, t.len);
	else
		buf_printf(&b->text, "(%zu bytes that are no text)", t.len);
}

/* Zigzag. */
static int64_t take_signed(struct unpack *u)
{
	uint64_t v = unpack_varint(u, 10);

	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* Its length, -1 for null, and so many bytes. */
static struct text take_field(struct unpack *u, bool *ret_null)
{
	int64_t n = take_signed(u);

	*ret_null = n < 0;
	return n < 0 ? (struct text){ 0 } : unpack_text(u, (uint64_t)n);
}

/* "topic[0]@17 key: value" and what headers it has. */
static void put_record(struct kafka_body *b, struct text topic, int32_t partition, int64_t base,
		       struct unpack r)
{
	bool no_key, no_value;

	unpack_take(&r, 1);
	take_signed(&r);
	int64_t offset = base + take_signed(&r);
	struct text key = take_field(&r, &no_key), value = take_field(&r, &no_value);
	if (r.failed || full(b))
		return;
	buf_put(&b->text, topic.data, topic.len);
	buf_printf(&b->text, "[%" PRId32 "]", partition);
	if (!b->msg->request)
		buf_printf(&b->text, "@%" PRId64, offset);
	buf_putc(&b->text, ' ');
	if (!no_key) {
		put_value(b, key, false);
		buf_puts(&b->text, ": ");
	}
	put_value(b, value, no_value);
	buf_putc(&b->text, '\n');
	int64_t count = take_signed(&r);
	for (int64_t i = 0; i < count && !r.failed && !full(b); i++) {
		struct text name = take_field(&r, &no_key), text = take_field(&r, &no_value);
		if (r.failed)
			break;
		buf_puts(&b->text, "  ");
		put_value(b, name, no_key);
		buf_puts(&b->text, ": ");
		put_value(b, text, no_value);
		buf_putc(&b->text, '\n');
	}
}

static void put_records(struct kafka_body *b, struct text topic, int32_t partition, int64_t base,
			uint64_t count, struct unpack u)
{
	for (; count && u.left && !u.failed && !full(b); count--) {
		int64_t n = take_signed(&u);
		struct unpack record = unpack_part(&u, n < 0 ? UINT64_MAX : (uint64_t)n);
		if (!record.failed)
			put_record(b, topic, partition, base, record);
	}
}

/* One batch (magic 2), whose count stands in its head whether it is compressed or not. */
static void read_batch(struct kafka_body *b, struct text topic, int32_t partition,
		       struct unpack batch)
{
	static const char *const names[] = { "", "gzip", "snappy", "lz4", "zstd" };
	struct unpack u = batch;
	struct buf plain = { 0 };
	int64_t base = (int64_t)unpack_be(&u, 8);

	unpack_take(&u, 4 + 4 + 1 + 4);
	unsigned coding = (unsigned)unpack_be(&u, 2) & 7;
	unpack_take(&u, RECORDS_HEAD - 4 - 23);
	uint64_t count = unpack_be(&u, 4);
	if (u.failed || count > 0x7fffffff)
		return;
	b->records += count;
	if (!coding) {
		put_records(b, topic, partition, base, count, u);
		return;
	}
	const char *name = names[coding < 5 ? coding : 0];
	bool undone = coding == 1 || coding == 4;
	if (undone)
		coding_decode(name, u.at, u.left, coding_limit(u.left, LIMIT_KAFKA_MESSAGE),
			      &plain);
	else
		buf_printf(&b->text, "%.*s[%" PRId32 "] %" PRIu64 " records, %s not undone\n",
			   (int)topic.len, topic.data ? topic.data : "", partition, count,
			   *name ? name : "compression");
	put_records(b, topic, partition, base, count, unpack_at(plain.data, plain.len));
	buf_free(&plain);
}

/* Batches one after the other; the last of a Fetch may be cut off. */
static void read_batches(struct kafka_body *b, struct text topic, int32_t partition,
			 struct text bytes)
{
	struct unpack u = unpack_at(bytes.data, bytes.len);

	while (u.left > 17) {
		struct unpack head = u;
		unpack_take(&head, 8);
		uint64_t length = unpack_be(&head, 4);
		uint8_t magic = u.at[16];
		struct unpack batch = unpack_part(&u, length + 12 < u.left ? length + 12 : u.left);
		if (magic == 2)
			read_batch(b, topic, partition, batch);
		else
			b->records++; /* a message of the old format, or a set of them */
	}
}

static void read_produce(struct kafka_body *b)
{
	char id[37];

	if (since(b, 3))
		take_string(b);
	int acks = (int16_t)unpack_be(&b->u, 2);
	message_add_number(b->msg, "acks", acks);
	b->one_way = !acks && !b->u.failed;
	skip(b, 4);
	for (uint64_t n = take_count(b); n && !b->u.failed; n--) {
		struct text topic = take_topic(b, 13, id);
		for (uint64_t m = take_count(b); m && !b->u.failed; m--) {
			int32_t partition = (int32_t)unpack_be(&b->u, 4);
			read_batches(b, topic, partition, take_bytes(b));
			skip_tags(b);
		}
		skip_tags(b);
	}
}

static void read_produce_answer(struct kafka_body *b)
{
	char id[37];

	for (uint64_t n = take_count(b); n && !b->u.failed; n--) {
		take_topic(b, 13, id);
		for (uint64_t m = take_count(b); m && !b->u.failed; m--) {
			skip(b, 4);
			note_error(b);
			skip(b, 8 + (since(b, 2) ? 8 : 0) + (since(b, 5) ? 8 : 0));
			for (uint64_t i = since(b, 8) ? take_count(b) : 0; i && !b->u.failed; i--) {
				skip(b, 4);
				take_string(b);
				skip_tags(b);
			}
			if (since(b, 8))
				take_string(b);
			skip_tags(b);
		}
		skip_tags(b);
	}
}

static void read_fetch(struct kafka_body *b)
{
	char id[37];

	skip(b, (since(b, 15) ? 0 : 4) + 8 + (since(b, 3) ? 4 : 0) + (since(b, 4) ? 1 : 0) +
			(since(b, 7) ? 8 : 0));
	for (uint64_t n = take_count(b); n && !b->u.failed; n--) {
		take_topic(b, 13, id);
		for (uint64_t m = take_count(b); m && !b->u.failed; m--) {
			skip(b, 4 + (since(b, 9) ? 4 : 0) + 8 + (since(b, 12) ? 4 : 0) +
					(since(b, 5) ? 8 : 0) + 4);
			skip_tags(b);
		}
		skip_tags(b);
	}
}

static void read_fetched(struct kafka_body *b, struct text topic)
{
	int32_t partition = (int32_t)unpack_be(&b->u, 4);

	note_error(b);
	skip(b, 8 + (since(b, 4) ? 8 : 0) + (since(b, 5) ? 8 : 0));
	for (uint64_t n = since(b, 4) ? take_count(b) : 0; n && !b->u.failed; n--) {
		skip(b, 16);
		skip_tags(b);
	}
	skip(b, since(b, 11) ? 4 : 0);
	struct text bytes = take_bytes(b);
	if (!b->u.failed)
		read_batches(b, topic, partition, bytes);
	skip_tags(b);
}

static void read_fetch_answer(struct kafka_body *b)
{
	char id[37];

	skip(b, since(b, 1) ? 4 : 0);
	if (since(b, 7)) {
		note_error(b);
		skip(b, 4);
	}
	for (uint64_t n = take_count(b); n && !b->u.failed; n--) {
		struct text topic = take_topic(b, 13, id);
		for (uint64_t m = take_count(b); m && !b->u.failed; m--)
			read_fetched(b, topic);
		skip_tags(b);
	}
}

static void read_metadata(struct kafka_body *b)
{
	for (uint64_t n = take_count(b); n && !b->u.failed; n--) {
		skip(b, since(b, 10) ? 16 : 0);
		note_topic(b, take_string(b));
		skip_tags(b);
	}
}

static void skip_numbers(struct kafka_body *b)
{
	unpack_take(&b->u, 4 * take_count(b));
}

static void put_brokers(struct kafka_body *b)
{
	for (uint64_t n = take_count(b); n && !b->u.failed; n--) {
		int32_t node = (int32_t)unpack_be(&b->u, 4);
		struct text host = take_string(b);
		int32_t port = (int32_t)unpack_be(&b->u, 4);
		if (since(b, 1))
			take_string(b);
		skip_tags(b);
		if (!b->u.failed && !full(b))
			buf_printf(&b->text, "broker %" PRId32 " %.*s:%" PRId32 "\n", node,
				   (int)host.len, host.data ? host.data : "", port);
	}
}

static void read_metadata_answer(struct kafka_body *b)
{
	skip(b, since(b, 3) ? 4 : 0);
	put_brokers(b);
	if (since(b, 2))
		take_string(b);
	skip(b, since(b, 1) ? 4 : 0);
	for (uint64_t n = take_count(b); n && !b->u.failed; n--) {
		note_error(b);
		struct text topic = take_string(b);
		note_topic(b, topic);
		skip(b, (since(b, 10) ? 16 : 0) + (since(b, 1) ? 1 : 0));
		uint64_t partitions = take_count(b);
		if (!b->u.failed && !full(b))
			buf_printf(&b->text, "%.*s: %" PRIu64 " partitions\n", (int)topic.len,
				   topic.data ? topic.data : "", partitions);
		for (; partitions && !b->u.failed; partitions--) {
			note_error(b);
			skip(b, 8 + (since(b, 7) ? 4 : 0));
			skip_numbers(b);
			skip_numbers(b);
			if (since(b, 5))
				skip_numbers(b);
			skip_tags(b);
		}
		skip(b, since(b, 8) ? 4 : 0);
		skip_tags(b);
	}
}

void kafka_read_request(struct kafka_body *b)
{
	switch (b->x->key) {
	case KAFKA_PRODUCE:
		read_produce(b);
		break;
	case KAFKA_FETCH:
		read_fetch(b);
		break;
	case KAFKA_METADATA:
		read_metadata(b);
		break;
	case KAFKA_SASL_HANDSHAKE:
		framed_text(b->msg, "mechanism", take_string(b));
		break;
	case KAFKA_SASL_AUTHENTICATE:
		framed_text(b->msg, "auth_bytes", (struct text){ masked, sizeof(masked) - 1 });
		break;
	default:
		if (b->x->api->group)
			framed_text(b->msg, "group", take_string(b));
	}
}

void kafka_read_answer(struct kafka_body *b)
{
	int error = b->x->api->error;

	if (b->x->key == KAFKA_PRODUCE)
		read_produce_answer(b);
	else if (b->x->key == KAFKA_FETCH)
		read_fetch_answer(b);
	else if (b->x->key == KAFKA_METADATA)
		read_metadata_answer(b);
	if (error == KAFKA_ERROR_ELSEWHERE)
		return;
	skip(b, error >= 0 && since(b, (unsigned)error) ? 4 : 0);
	note_error(b);
}

const char *kafka_error_name(int code)
{
	static const char *const names[] = {
#define ERROR(name) name,
#include "dissect/kafka_errors.def"
#undef ERROR
	};

	if (code == -1)
		return "UNKNOWN_SERVER_ERROR";
	return code > 0 && (size_t)code <= sizeof(names) / sizeof(*names) ? names[code - 1]
									  : "error";
}
