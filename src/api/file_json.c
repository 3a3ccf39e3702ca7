// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/file_json.h"

#include "base/json_write.h"
#include "source/pcap.h"

static void put_place(struct jw *j, const struct pcap_stats *s)
{
	jw_string(j, "name", s->name);
	jw_uint(j, "size", s->size);
	jw_uint(j, "read_bytes", s->offset);
	jw_bool(j, "ended", s->ended);
}

static void put_packets(struct jw *j, const struct pcap_stats *s)
{
	jw_uint(j, "packets", s->packets);
	jw_uint(j, "packets_cut", s->cut);
	jw_uint(j, "tcp", s->tcp);
	jw_uint(j, "udp", s->udp);
	jw_uint(j, "other", s->other);
	jw_uint(j, "fragments", s->fragments);
	jw_uint(j, "fragmented", s->datagrams.whole);
	jw_uint(j, "fragmented_lost", s->datagrams.given_up);
	jw_uint(j, "bad_packets", s->broken);
	jw_uint(j, "unread_links", s->unread_links);
	jw_uint(j, "skipped_blocks", s->too_large);
}

static void put_tcp(struct jw *j, const struct file_conns_counts *c)
{
	jw_uint(j, "connections", c->connections);
	jw_uint(j, "joined", c->joined);
	jw_uint(j, "gave_way", c->gave_way);
	jw_uint(j, "reordered", c->tcp.reordered);
	jw_uint(j, "sent_again_bytes", c->tcp.again);
	jw_uint(j, "sent_again_otherwise", c->tcp.differ);
	jw_uint(j, "gaps", c->tcp.gaps);
	jw_uint(j, "lost_bytes", c->tcp.lost);
	jw_uint(j, "reordered_too_far", c->tcp.gave_up);
	jw_uint(j, "out_of_window", c->tcp.out_of_window);
}

static void put_tls(struct jw *j, const struct tls_stream_counts *c, const struct key_log_counts *k)
{
	jw_uint(j, "tls_connections", c->connections);
	jw_uint(j, "tls_readable", c->readable);
	jw_uint(j, "records", c->records);
	jw_uint(j, "records_opened", c->opened);
	jw_uint(j, "records_failed", c->failed);
	jw_uint(j, "records_without_key", c->no_key);
	jw_uint(j, "records_not_held", c->not_held);
	jw_uint(j, "secrets", k->secrets);
	jw_uint(j, "bad_lines", k->bad_lines);
	jw_uint(j, "secrets_skipped", k->past_limit);
}

void file_put_json(struct jw *j, const struct pcap_stats *s)
{
	if (!s->name)
		return;
	jw_object(j, "file");
	put_place(j, s);
	jw_string(j, "damage", s->damage ? s->damage : "");
	put_packets(j, s);
	put_tcp(j, &s->conns);
	put_tls(j, &s->conns.tls, &s->keys);
	jw_end_object(j);
}

void file_put_place(struct jw *j, const struct pcap_stats *s)
{
	if (!s->name)
		return;
	jw_object(j, "file");
	put_place(j, s);
	jw_end_object(j);
}
