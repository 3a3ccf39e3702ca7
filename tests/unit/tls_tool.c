// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: tls_tool [CUT [SECONDS]] <TRANSCRIPT
 * Reads a connection, "c HEX" or "s HEX" a line (what client and server sent, in order; "C" and "S"
 * for datagrams of QUIC), in pieces of CUT bytes (0: a line at once), and writes its tlsx entry and
 * detail as one JSON object. Line n is n milliseconds after SECONDS since 1970. Exit status 1:
 * there was no handshake.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hex.h"
#include "entry.h"
#include "tls/handshake.h"
#include "tls/quic_initial.h"
#include "tls/tls_entry.h"

static size_t read_hex(char *line)
{
	size_t n = 0;

	for (const char *p = line + 2; hex_digit((unsigned char)p[0]) >= 0; p += 2)
		line[n++] = (char)(hex_digit((unsigned char)p[0]) << 4 |
				   hex_digit((unsigned char)p[1]));
	return n;
}

static void feed(struct tls_handshake *h, int dir, int64_t now, const char *bytes, size_t len,
		 size_t cut)
{
	for (size_t at = 0, n; at < len; at += n) {
		n = cut && len - at > cut ? cut : len - at;
		/* A block of its own, so that reading past it is seen. */
		char *piece = malloc(n);
		memcpy(piece, bytes + at, n);
		tls_handshake_feed(h, dir, now, piece, n);
		free(piece);
	}
}

static int print(const struct tls_handshake *h)
{
	struct buf out = { 0 };

	if (!tls_handshake_seen(h))
		return 1;
	struct entry *e = tls_entry_new(tls_handshake_info(h));
	buf_puts(&out, "{\"entry\":");
	entry_put_json(e, &out);
	buf_puts(&out, ",\"detail\":");
	buf_put(&out, e->detail.data, e->detail.len);
	printf("%.*s}\n", (int)out.len, out.data);
	buf_free(&out);
	entry_free(e);
	return 0;
}

int main(int argc, char **argv)
{
	size_t cut = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, room = 0, held = 0;
	struct tls_handshake *h = tls_handshake_new(&held);
	struct quic_initial *q = quic_initial_new(h, &held);
	char *line = NULL;

	int64_t now = argc > 2 ? strtoll(argv[2], NULL, 10) * 1000000 : 0;
	while (getline(&line, &room, stdin) > 2) {
		now += 1000;
		char who = line[0];
		size_t len = read_hex(line);
		if (who == 'c' || who == 's')
			feed(h, who == 's', now, line, len, cut);
		else
			quic_initial_feed(q, who == 'S', now, (uint8_t *)line, len);
	}
	int r = print(h);
	quic_initial_free(q);
	tls_handshake_free(h);
	free(line);
	if (held)
		fprintf(stderr, "tls_tool: %zu bytes are still held\n", held);
	return held ? 2 : r;
}
