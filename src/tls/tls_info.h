/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the handshake of one connection tells. Numbers are IANA's (tls_names.h has their names);
 * GREASE (RFC 8701) is left out of all lists and counted. Nothing of it is secret: of session ids,
 * tickets, PSK identities and cookies only that they were there, and their length.
 */
#ifndef CLEARTAP_TLS_INFO_H
#define CLEARTAP_TLS_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/text.h"

/* In the order of the message. `omitted`: more than LIMIT_TLS_LIST. */
struct tls_codes {
	const uint16_t *list;
	uint16_t count, omitted;
	uint16_t grease; /* values that mean nothing, left out */
};

struct tls_texts {
	const struct text *list; /* bytes of the peer */
	uint16_t count, omitted;
};

/* RFC 9849. An outer hello may be GREASE: that is made to look the same. */
enum tls_ech { TLS_ECH_NONE, TLS_ECH_OUTER, TLS_ECH_INNER, TLS_ECH_BROKEN, TLS_ESNI };

struct tls_client_hello {
	int64_t time_us; /* of its last byte; 0: not seen */
	uint32_t size;	 /* of the message */
	bool ssl2;	 /* in the form of SSL 2 */
	bool cut;	 /* past LIMIT_TLS_MESSAGE, or broken: what is here came before */
	uint16_t record_version, legacy_version;
	uint8_t random[32];	   /* SSL 2's challenge in its last bytes */
	struct tls_codes versions; /* of supported_versions; without one it is empty */
	struct tls_codes suites, extensions, groups, key_shares, signatures, cert_signatures;
	struct tls_codes point_formats, psk_modes, cert_compressions;
	struct tls_texts alpn;
	struct text sni; /* data NULL: none */
	bool deflate;	 /* compression is offered */
	uint8_t session_id_length;
	bool ticket_supported;
	uint16_t ticket_length; /* one that is shown to be resumed */
	uint16_t psk_identities;
	bool early_data, post_handshake_auth, fallback; /* TLS_FALLBACK_SCSV */
	bool extended_master_secret, encrypt_then_mac, secure_renegotiation;
	bool status_request, signed_timestamps;
	enum tls_ech ech;
	uint16_t padding, record_size_limit;
	uint16_t max_fragment; /* bytes, of max_fragment_length; 0: none */
	uint16_t duplicated;   /* an extension that is there twice, plus one; 0: none */
	char ja3[33], ja4[37]; /* "": could not be made */
};

struct tls_server_hello {
	int64_t time_us;
	uint32_t size;
	bool cut;
	uint16_t legacy_version;
	uint8_t random[32];
	uint16_t version; /* the one that was chosen: of supported_versions, else legacy_version */
	uint16_t suite;
	uint16_t group; /* of key_share; of ServerKeyExchange up to TLS 1.2; 0: none or not seen */
	struct tls_codes extensions;
	struct text alpn; /* up to TLS 1.2 alone: it is encrypted afterwards; data NULL: none */
	bool deflate;
	uint8_t session_id_length;
	bool psk;	      /* a pre-shared key was accepted: TLS 1.3 */
	bool ticket_promised; /* the extension: up to TLS 1.2 */
	bool extended_master_secret, encrypt_then_mac, secure_renegotiation, status_request;
	uint16_t record_size_limit, max_fragment;
	bool downgrade; /* its random says that the server could do better (RFC 8446 4.1.3) */
	char ja3s[33];
};

struct tls_retry { /* HelloRetryRequest */
	int64_t time_us;
	uint16_t version, suite, group;
	bool cookie;
	int64_t second_hello_us; /* of the ClientHello that answers; 0: not seen */
};

/* Up to TLS 1.2, in clear. */
struct tls_certificate {
	bool seen, cut;
	const char *broken; /* why it could not be read: a constant; NULL */
	struct text subject, issuer, serial, key,
		signature;	/* "CN=a,O=b", hex, "RSA", "RSA-SHA256" */
	struct tls_texts names; /* subjectAltName: DNS, IP, mail, URI */
	int64_t not_before_us, not_after_us;
	uint32_t key_bits;
	uint32_t chain; /* certificates of the message */
	uint32_t size;	/* bytes of the first */
	bool self_signed, authority;
	bool rsa;	/* its key */
	bool md5, sha1; /* what it is signed with */
	char sha256[65];
};

struct tls_alert {
	int64_t time_us; /* 0: none */
	uint8_t level, description;
};

struct tls_info {
	int client; /* direction that sent the ClientHello; 0 while nobody knows */
	bool quic;
	uint32_t quic_version;
	bool joined; /* the first bytes of the connection were not seen */

	struct tls_client_hello hello;
	struct tls_retry retry;
	struct tls_server_hello server;
	struct tls_certificate certificate, client_certificate;
	uint16_t key_signature; /* of ServerKeyExchange: signature scheme; 0: none or not seen */
	uint16_t dh_bits;	/* of its finite-field group; 0: none */
	bool certificate_asked; /* CertificateRequest in clear */
	bool resumed;		/* the server took up a session or a PSK */
	bool ticket;		/* NewSessionTicket in clear */
	uint32_t ticket_lifetime;
	uint16_t ticket_length;

	/* By side: 0 the client's, 1 the server's. */
	struct tls_alert alert[2];   /* the first in clear that is fatal, else the first */
	int64_t change_cipher_us[2]; /* first ChangeCipherSpec */
	int64_t done_us;  /* of the Finished that ended it, as far as the wire tells; 0: not seen */
	uint32_t ignored; /* messages that did not belong there */

	struct arena arena; /* of the lists and texts */
};

/* How the record layer protects application data. */
struct tls_sealing {
	uint16_t version, suite;
	bool encrypt_then_mac, compressed;
};
struct tls_sealing tls_info_sealing(const struct tls_info *i);
/* Microseconds from the ClientHello to done_us; -1 unknown. */
int64_t tls_info_elapsed(const struct tls_info *i);
/* The highest version that the client offered; 0 unknown. */
uint16_t tls_info_offered(const struct tls_info *i);
/* The first alert that ended it before it was done; NULL: none. */
const struct tls_alert *tls_info_failure(const struct tls_info *i);

#endif
