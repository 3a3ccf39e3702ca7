// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/file_conn.h"

#include <string.h>

/* In a file the side that opened it, as if it were seen there. */
static int local_of(const struct file_conn *c)
{
	return c->opener == CLIENT_NO || c->is_end ? 0 : c->opener;
}

static enum dir dir_of(const struct file_conn *c, int side)
{
	return side == local_of(c) ? DIR_WRITE : DIR_READ;
}

/* Its ends, as seen from the one that opened it. */
static struct flow_socket socket_of(const struct file_conn *c)
{
	int local = local_of(c);
	struct flow_socket socket = {
		.cookie = c->flow.gen,
		.family = c->family,
		.netns = c->netns,
		.local_port = c->ends.port[local],
		.remote_port = c->ends.port[!local],
		.opener = c->opener == CLIENT_NO ? OPENER_UNKNOWN
			  : c->opener == local	 ? OPENER_LOCAL
						 : OPENER_REMOTE,
		.how = "file",
		.strong = true,
	};

	memcpy(socket.local_ip, c->ends.ip[local], 16);
	memcpy(socket.remote_ip, c->ends.ip[!local], 16);
	return socket;
}

static void open_flow(struct file_conns *t, struct file_conn *c)
{
	bool tls = c->mode == MODE_TLS;

	if (c->opened || c->is_end)
		return;
	c->opened = true;
	c->closed = tls && !tls_stream_readable(c->tls);
	const struct flow_open open = {
		.comm = "",
		.library = "",
		.lock = !tls	    ? LOCK_NONE
			: c->closed ? LOCK_CLOSED
				    : LOCK_OPEN,
		.tls = tls,
		.midway = tls ? tls_stream_client(c->tls) < 0 : c->joined,
	};
	const struct flow_socket socket = socket_of(c);
	flow_open(t->sessions, &c->flow, c->now_us, &open);
	flow_socket(t->sessions, &c->flow, c->now_us, &socket);
}

static void close_flow(struct file_conns *t, struct file_conn *c)
{
	uint64_t end[2];

	if (c->opened) {
		for (int side = 0; side < 2; side++)
			end[dir_of(c, side)] = c->sides[side].told;
		flow_close(t->sessions, &c->flow, c->now_us, end);
	}
	c->opened = false;
	c->sides[0].told = c->sides[1].told = 0;
}

static void tell_plain(void *way, int side, const uint8_t *bytes, size_t len)
{
	const struct file_way *w = way;
	struct file_conn *c = w->conn;

	open_flow(w->all, c);
	c->spoke |= c->mode != MODE_TLS;
	if (c->opened)
		flow_data(w->all->sessions, &c->flow, c->now_us,
			  &(struct flow_data){ .dir = dir_of(c, side),
					       .offset = c->sides[side].told,
					       .span = len,
					       .bytes = bytes,
					       .len = len });
	c->sides[side].told += len;
}

/* Where the lock is open the jump of the offset tells. */
static void tell_missing(void *way, int side, uint64_t len)
{
	const struct file_way *w = way;
	struct file_conn *c = w->conn;

	open_flow(w->all, c);
	if (c->closed)
		flow_data(w->all->sessions, &c->flow, c->now_us,
			  &(struct flow_data){ .dir = dir_of(c, side),
					       .why = GAP_TRUNCATED,
					       .offset = c->sides[side].told,
					       .span = len });
	c->sides[side].told += len;
}

static void tell_record(void *way, int side, const uint8_t *record, size_t len,
			const struct decrypted *d)
{
	const struct file_way *w = way;
	struct file_conn *c = w->conn;

	if (tls_stream_client(c->tls) >= 0 && !c->opened && !c->wire.open)
		c->opener = (int8_t)tls_stream_client(c->tls);
	const struct flow_socket socket = socket_of(c);
	file_wire_open(&c->wire, w->all->wire, c->now_us, &socket, local_of(c), c->flow.owner,
		       tls_stream_client(c->tls) < 0);
	file_wire_record(&c->wire, w->all->wire, side, c->now_us, record, len, d);
}

static void tls_bytes(struct file_way *w, int side, const uint8_t *bytes, size_t len)
{
	struct file_conn *c = w->conn;

	file_wire_stream(&c->wire, side, len);
	tls_stream_bytes(c->tls, w, side, c->now_us, bytes, len);
}

/* What comes is TLS from here on; what was said before in clear is another flow. */
static void begin_tls(struct file_way *w)
{
	struct file_conn *c = w->conn;
	const struct tls_stream_to to = { .plain = tell_plain,
					  .missing = tell_missing,
					  .record = tell_record,
					  .tools = w->all->tools,
					  .counts = &w->all->counts.tls,
					  .share = c->share };

	c->wire.upgraded = c->spoke;
	close_flow(w->all, c);
	c->flow.gen = ++w->all->gen;
	c->tls = tls_stream_new(&to);
	c->mode = c->tls ? MODE_TLS : MODE_PLAIN;
}

/* What a connection is whose first bytes these are, of one side or the other. */
static enum tls_is is_tls(const struct file_conn *c, const uint8_t *bytes, size_t len)
{
	struct tls_record r;
	enum tls_is is = tls_record_begins(bytes, len);

	if (is == TLS_IS_NOT && c->joined && tls_record_head(bytes, len, &r) == TLS_IS)
		return TLS_IS;
	return is;
}

static void take_decided(struct file_way *w, int side, const uint8_t *bytes, size_t len)
{
	struct file_conn *c = w->conn;

	if (c->mode == MODE_PLAIN && *bytes >= TLS_CHANGE_CIPHER_SPEC &&
	    *bytes <= TLS_APPLICATION_DATA && len >= TLS_BEGIN_BYTES &&
	    is_tls(c, bytes, len) == TLS_IS)
		begin_tls(w);
	if (c->mode == MODE_TLS)
		tls_bytes(w, side, bytes, len);
	else
		tell_plain(w, side, bytes, len);
}

/* What was held until now. */
static void take_first(struct file_way *w)
{
	for (int i = 0; i < 2; i++) {
		struct file_side *s = &w->conn->sides[i];
		uint8_t n = s->have;

		s->have = 0;
		if (n && w->conn->mode == MODE_TLS)
			tls_bytes(w, i, s->first, n);
		else if (n)
			tell_plain(w, i, s->first, n);
	}
}

static void on_bytes(void *ctx, uint64_t offset, const uint8_t *bytes, size_t len)
{
	struct file_way *w = ctx;
	struct file_conn *c = w->conn;
	struct file_side *s = &c->sides[w->side];

	(void)offset;
	if (c->mode == MODE_UNDECIDED) {
		uint8_t first[TLS_BEGIN_BYTES];
		size_t more = sizeof(first) - s->have;

		more = more < len ? more : len;
		memcpy(first, s->first, s->have);
		memcpy(first + s->have, bytes, more);
		enum tls_is is = is_tls(c, first, s->have + more);
		if (is == TLS_IS_UNCLEAR) {
			memcpy(s->first, first, s->have + more);
			s->have += (uint8_t)more;
			return;
		}
		if (is == TLS_IS)
			begin_tls(w);
		else
			c->mode = MODE_PLAIN;
		take_first(w);
	}
	take_decided(w, w->side, bytes, len);
}

static void on_gap(void *ctx, uint64_t offset, uint64_t len)
{
	struct file_way *w = ctx;
	struct file_conn *c = w->conn;

	(void)offset;
	if (c->mode == MODE_UNDECIDED) {
		c->joined = true;
		c->mode = c->sides[w->side].have ? MODE_PLAIN : MODE_UNDECIDED;
		take_first(w);
	}
	file_wire_stream(&c->wire, w->side, c->mode == MODE_TLS ? len : 0);
	if (c->mode == MODE_TLS)
		tls_stream_gap(c->tls, w, w->side, len);
	else
		c->sides[w->side].told += len;
}

struct reassemble_to file_conn_to(struct file_way *w)
{
	return (struct reassemble_to){ .bytes = on_bytes,
				       .gap = on_gap,
				       .ctx = w,
				       .share = w->conn->share,
				       .counts = &w->all->counts.tcp };
}

void file_conn_end(struct file_conns *t, struct file_conn *c)
{
	int first = local_of(c);

	for (int i = 0; i < 2; i++) {
		struct file_way w = { t, c, first ^ i };
		const struct reassemble_to to = file_conn_to(&w);
		reassemble_end(&c->sides[w.side].in, &to);
		if (c->tls)
			tls_stream_end(c->tls, &w, w.side);
	}
	if (c->mode == MODE_UNDECIDED && (c->sides[0].have || c->sides[1].have)) {
		c->mode = MODE_PLAIN;
		take_first(&(struct file_way){ t, c, 0 });
	}
	close_flow(t, c);
	file_wire_end(&c->wire, t->wire, c->now_us);
	c->done = true;
	tls_stream_free(c->tls);
	c->tls = NULL;
	for (int i = 0; i < 2; i++)
		reassemble_free(&c->sides[i].in, c->share);
}
