/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets of a pcap or pcapng file, from front to back: both byte orders, times in any unit,
 * several sections and interfaces. The file may be anybody's and broken anywhere: what is before
 * the damage is read.
 */
#ifndef CLEARTAP_PCAP_FILE_H
#define CLEARTAP_PCAP_FILE_H

#include <stddef.h>
#include <stdint.h>

struct pcap_file;

enum pcap_part {
	PCAP_END, /* of the file; pcap_file_damage() says whether it is whole */
	PCAP_PACKET,
	PCAP_SECRETS, /* lines of a TLS key log */
	PCAP_NOTHING  /* this time; there may be more */
};

struct pcap_piece {
	const uint8_t *bytes; /* valid until the next call */
	size_t len;	      /* that are in the file */
	size_t wire_len;      /* of the packet: more, when it was cut */
	int64_t time_us;      /* since 1970; of a packet without one that of the one before */
	uint16_t link;	      /* LINKTYPE_* */
};

/*
 * Reads from a descriptor, which is borrowed. 0, -EPROTO when this is neither pcap nor pcapng,
 * -ENODATA when it is empty, -ENOMEM, or -errno of reading.
 */
int pcap_file_open(int fd, struct pcap_file **ret);
void pcap_file_close(struct pcap_file *f);
/* The next packet or secrets; PCAP_END again and again. -errno of reading, -ENOMEM. */
int pcap_file_next(struct pcap_file *f, struct pcap_piece *ret);
/* How many bytes were read from the file, and why no more can be: NULL when it was whole. */
uint64_t pcap_file_offset(const struct pcap_file *f);
const char *pcap_file_damage(const struct pcap_file *f);
/* Blocks that were passed over for their size. */
uint64_t pcap_file_too_large(const struct pcap_file *f);

#endif
