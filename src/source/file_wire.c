// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/file_wire.h"

#include <string.h>

#include "session/flow.h"
#include "tls/record.h"

#define TELL_US 1000000 /* of the file's time, while it goes on */

void file_wire_packet(struct file_wire *f, int side, int64_t now_us, size_t payload)
{
	struct wire_way *y = &f->way[side];

	y->packets++;
	y->bytes += payload;
	y->last_us = now_us > y->last_us ? now_us : y->last_us;
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
		.owner = owner,
		.opener_known = socket->opener != OPENER_UNKNOWN,
		.opener = DIR_WRITE,
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
	wire_open(w, &f->key, now_us, &open);
}

static void tell_counts(struct file_wire *f, struct wire *w, int64_t now_us)
{
	const struct wire_counts counts = {
		{ [DIR_WRITE] = f->way[f->local], [DIR_READ] = f->way[!f->local] }
	};

	f->told_us = now_us;
	wire_counts(w, &f->key, now_us, &counts);
}

/* As the kernel counts them (bpf/wire_records.bpf.h). */
static void add_app(struct file_wire *f, int side, int64_t now_us, size_t content)
{
	struct wire_way *y = &f->way[side];

	if (!y->app_records++)
		y->app_us = now_us;
	y->app_bytes += content;
	y->latest = (uint16_t)content;
	if (!f->way[!side].app_records) {
		y->early_records++;
		y->early_bytes += content;
	} else if (y->firsts < WIRE_FIRST) {
		y->first[y->firsts++] = (uint16_t)content;
	}
}

void file_wire_record(struct file_wire *f, struct wire *w, int side, int64_t now_us,
		      const uint8_t *record, size_t len)
{
	struct wire_way *y = &f->way[side];

	if (!f->open)
		return;
	f->followed[side] += len;
	if (*record == TLS_APPLICATION_DATA) {
		add_app(f, side, now_us, len - TLS_RECORD_HEAD);
		if (y->app_records == 1 || now_us - f->told_us >= TELL_US)
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
