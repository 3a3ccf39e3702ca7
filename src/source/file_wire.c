// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/file_wire.h"

#include <string.h>

#include "session/flow.h"
#include "tls/decrypt.h"
#include "tls/record.h"

#define TELL_US 1000000 /* of the file's time, while it goes on */

void file_wire_packet(struct file_wire *f, int side, int64_t now_us, size_t payload)
{
	struct wire_way *y = &f->way[side];

	y->packets++;
	y->bytes += payload;
	y->last_us = now_us > y->last_us ? now_us : y->last_us;
	if (!payload)
		return;
	unsigned at = f->packets++ % WIRE_PACKETS;
	f->packet[at] = (struct wire_packet){ .time_us = now_us,
					      .size = (uint32_t)payload,
					      .dir = (uint8_t)side };
	f->end[at] = f->stream[side] + payload;
}

/* The packets that brought a record: those of its side back to the one where it begins. */
static void mark_packets(struct file_wire *f, int side, uint8_t type)
{
	for (unsigned n = 1; n <= WIRE_PACKETS && n <= f->packets; n++) {
		unsigned at = (f->packets - n) % WIRE_PACKETS;
		if (f->packet[at].dir != side)
			continue;
		if (f->end[at] <= f->followed[side])
			break;
		f->packet[at].types |= (uint8_t)(1 << (type - TLS_CHANGE_CIPHER_SPEC));
	}
}

static void tell_packets(const struct file_wire *f, struct wire *w)
{
	unsigned n = f->packets < WIRE_PACKETS ? f->packets : WIRE_PACKETS;
	struct wire_packet list[WIRE_PACKETS];

	for (unsigned i = 0; i < n; i++) {
		list[i] = f->packet[(f->packets - n + i) % WIRE_PACKETS];
		list[i].dir = list[i].dir == f->local ? DIR_WRITE : DIR_READ;
	}
	wire_last_packets(w, &f->key, list, n);
}

void file_wire_stream(struct file_wire *f, int side, uint64_t len)
{
	f->stream[side] += len;
}

void file_wire_open(struct file_wire *f, struct wire *w, int64_t now_us,
		    const struct flow_socket *socket, int local, uint32_t owner, bool midway)
{
	struct wire_open open = {
		.family = socket->family,
		.local_port = socket->local_port,
		.remote_port = socket->remote_port,
		.netns = socket->netns,
		.owner = owner,
		.opener_known = socket->opener != OPENER_UNKNOWN,
		.opener = socket->opener == OPENER_REMOTE ? DIR_READ : DIR_WRITE,
		.midway = midway,
		.upgraded = f->upgraded,
	};

	if (!w || f->open)
		return;
	memcpy(open.local_ip, socket->local_ip, sizeof(open.local_ip));
	memcpy(open.remote_ip, socket->remote_ip, sizeof(open.remote_ip));
	f->key = (struct wire_key){ socket->cookie, 1 };
	f->open = true;
	f->local = local;
	for (unsigned i = 1; i < WIRE_PACKETS; i++) /* but for the newest: before it was TLS */
		f->end[(f->packets + WIRE_PACKETS - 1 - i) % WIRE_PACKETS] = 0;
	wire_open(w, &f->key, now_us, &open);
}

static void tell_counts(struct file_wire *f, struct wire *w, int64_t now_us)
{
	const struct wire_counts counts = {
		{ [DIR_WRITE] = f->way[f->local], [DIR_READ] = f->way[!f->local] }
	};

	f->told_us = now_us;
	wire_counts(w, &f->key, now_us, &counts);
	tell_packets(f, w);
}

/*
 * As the kernel counts them (bpf/wire_records.bpf.h), but what was in a record that was opened is
 * known: no end of a handshake, ticket or KeyUpdate counts.
 */
static void add_app(struct file_wire *f, int side, int64_t now_us, size_t content,
		    const struct decrypted *d)
{
	struct wire_way *y = &f->way[side];
	bool open = d->result == DECRYPT_OPEN;

	if (!f->spoke[side])
		y->app_us = now_us;
	f->spoke[side] = true;
	if (open && d->type != TLS_APPLICATION_DATA)
		return;
	y->app_records++;
	y->app_bytes += content;
	y->latest = (uint16_t)content;
	if (!open && !f->spoke[!side]) {
		y->early_records++;
		y->early_bytes += content;
	} else if (!open && y->firsts < WIRE_FIRST) {
		y->first[y->firsts++] = (uint16_t)content;
	}
}

void file_wire_record(struct file_wire *f, struct wire *w, int side, int64_t now_us,
		      const uint8_t *record, size_t len, const struct decrypted *d)
{
	struct wire_way *y = &f->way[side];

	if (!f->open)
		return;
	mark_packets(f, side, *record);
	f->followed[side] += len;
	if (*record == TLS_APPLICATION_DATA) {
		bool first = !f->spoke[side];
		add_app(f, side, now_us, len - TLS_RECORD_HEAD, d);
		if (first || now_us - f->told_us >= TELL_US)
			tell_counts(f, w, now_us);
		return;
	}
	y->handshakes += *record == TLS_HANDSHAKE;
	y->alerts += *record == TLS_ALERT;
	y->changes += *record == TLS_CHANGE_CIPHER_SPEC;
	wire_bytes(w, &f->key, now_us, side == f->local ? DIR_WRITE : DIR_READ, f->handed[side],
		   record, len);
	f->handed[side] += (uint32_t)len;
}

void file_wire_tick(struct file_wire *f, struct wire *w, int64_t now_us)
{
	if (f->open && now_us - f->told_us >= TELL_US)
		tell_counts(f, w, now_us);
}

void file_wire_end(struct file_wire *f, struct wire *w, int64_t now_us)
{
	if (!f->open)
		return;
	for (int side = 0; side < 2; side++)
		f->way[side].not_followed = f->stream[side] - f->followed[side];
	tell_counts(f, w, now_us);
	wire_end(w, &f->key, now_us, WIRE_CLOSED);
	f->open = false;
}
