/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A handshake as members of "tls_info" of an entry's detail (HACKING, "Detail"). */
#ifndef CLEARTAP_TLS_JSON_H
#define CLEARTAP_TLS_JSON_H

struct jw;
struct tls_info;
struct tls_weak;

/* Members of an object that was begun. */
void tls_json_put(struct jw *j, const struct tls_info *i, const struct tls_weak *weak);
/* Elements of "events", those that were seen, in their order in time. */
void tls_json_put_events(struct jw *j, const struct tls_info *i);

#endif
