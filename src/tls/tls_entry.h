/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a handshake to entries. */
#ifndef CLEARTAP_TLS_ENTRY_H
#define CLEARTAP_TLS_ENTRY_H

struct entry;
struct tls_info;

/*
 * An entry of protocol tlsx: summary (the SNI), status (the version that was chosen, or the alert),
 * times, sizes, the fields of dissect/tls.def and the detail. Ends, connection, node and process
 * are the caller's to fill in; e->src is the side of direction 0. NULL when out of memory.
 */
struct entry *tls_entry_new(const struct tls_info *i);
/* What any entry of the connection learns: version, cipher, SNI, ALPN, JA3, JA4, certificate. */
void tls_entry_learn(struct entry *e, const struct tls_info *i);

#endif
