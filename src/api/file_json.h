/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file that is read (--read), in answers: a member "file" of an object that was begun. */
#ifndef CLEARTAP_API_FILE_JSON_H
#define CLEARTAP_API_FILE_JSON_H

struct jw;
struct pcap_stats;

/* Nothing where none is read. */
void file_put_json(struct jw *j, const struct pcap_stats *s);
/* Its name and how far it was read, for those who hear of it each second. */
void file_put_place(struct jw *j, const struct pcap_stats *s);

#endif
