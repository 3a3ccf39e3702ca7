// SPDX-License-Identifier: GPL-2.0-or-later
/* ClientHello: RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2 and appendix E.2. */
#include <string.h>

#include "tls/fingerprint.h"
#include "tls/hello.h"
#include "tls/tls_names.h"

#define SCSV_RENEGOTIATION 0x00ff
#define SCSV_FALLBACK	   0x5600

/* A ClientHello while its extensions are read. */
struct hello_reading {
	struct tls_client_hello *h;
	struct tls_print *print;
	struct arena *arena;
};

static void read_sni(struct hello_reading *r, struct unpack *u)
{
	struct unpack list = tls_list(u, 2);
	uint64_t type = unpack_be(&list, 1);
	struct text name = unpack_text(&list, unpack_be(&list, 2));

	if (!list.failed && type == 0)
		r->h->sni = tls_text_copy(r->arena, name.data, name.len);
	u->failed |= list.failed;
}

static void read_max_fragment(struct hello_reading *r, struct unpack *u)
{
	uint64_t code = unpack_be(u, 1);

	r->h->max_fragment = code >= 1 && code <= 4 ? (uint16_t)(256 << code) : 0;
}

static void read_groups(struct hello_reading *r, struct unpack *u)
{
	r->print->groups = tls_list(u, 2);
	r->h->groups = tls_codes_read(r->arena, r->print->groups, 2);
}

static void read_point_formats(struct hello_reading *r, struct unpack *u)
{
	r->print->point_formats = tls_list(u, 1);
	r->h->point_formats = tls_codes_read(r->arena, r->print->point_formats, 1);
}

static void read_signatures(struct hello_reading *r, struct unpack *u)
{
	r->print->signatures = tls_list(u, 2);
	r->h->signatures = tls_codes_read(r->arena, r->print->signatures, 2);
}

static void read_cert_signatures(struct hello_reading *r, struct unpack *u)
{
	r->h->cert_signatures = tls_codes_read(r->arena, tls_list(u, 2), 2);
}

static void read_alpn(struct hello_reading *r, struct unpack *u)
{
	struct unpack list = tls_list(u, 2), first = list;

	r->h->alpn = tls_texts_read(r->arena, &list);
	r->print->alpn = unpack_text(&first, unpack_be(&first, 1));
	u->failed |= list.failed;
}

static void read_padding(struct hello_reading *r, struct unpack *u)
{
	r->h->padding = (uint16_t)u->left;
}

static void read_cert_compressions(struct hello_reading *r, struct unpack *u)
{
	r->h->cert_compressions = tls_codes_read(r->arena, tls_list(u, 1), 2);
}

static void read_record_size(struct hello_reading *r, struct unpack *u)
{
	r->h->record_size_limit = (uint16_t)unpack_be(u, 2);
}

static void read_ticket(struct hello_reading *r, struct unpack *u)
{
	r->h->ticket_supported = true;
	r->h->ticket_length = (uint16_t)u->left;
}

/* Identities are not kept, nor are the binders looked at. */
static void read_psk(struct hello_reading *r, struct unpack *u)
{
	struct unpack list = unpack_part(u, unpack_be(u, 2));

	while (list.left) {
		unpack_take(&list, unpack_be(&list, 2));
		unpack_take(&list, 4);
		if (!list.failed)
			r->h->psk_identities++;
	}
	u->failed |= list.failed;
}

static void read_versions(struct hello_reading *r, struct unpack *u)
{
	r->h->versions = tls_codes_read(r->arena, tls_list(u, 1), 2);
	for (unsigned i = 0; i < r->h->versions.count; i++)
		if (i == 0 || r->h->versions.list[i] > r->print->version)
			r->print->version = r->h->versions.list[i];
}

static void read_psk_modes(struct hello_reading *r, struct unpack *u)
{
	r->h->psk_modes = tls_codes_read(r->arena, tls_list(u, 1), 1);
}

static void read_key_shares(struct hello_reading *r, struct unpack *u)
{
	struct unpack list = tls_list(u, 2), walk = list;
	uint8_t groups[2 * LIMIT_TLS_LIST];
	size_t n = 0;

	while (walk.left && n < sizeof(groups)) {
		uint64_t group = unpack_be(&walk, 2);
		unpack_take(&walk, unpack_be(&walk, 2));
		if (walk.failed)
			break;
		groups[n++] = (uint8_t)(group >> 8);
		groups[n++] = (uint8_t)group;
	}
	r->h->key_shares = tls_codes_read(r->arena, unpack_at(groups, n), 2);
	u->failed |= walk.failed;
}

static void read_ech(struct hello_reading *r, struct unpack *u)
{
	uint64_t type = unpack_be(u, 1);

	r->h->ech = u->failed	? TLS_ECH_BROKEN
		    : type == 0 ? TLS_ECH_OUTER
		    : type == 1 ? TLS_ECH_INNER
				: TLS_ECH_BROKEN;
}

static void read_esni(struct hello_reading *r, struct unpack *u)
{
	(void)u;
	r->h->ech = TLS_ESNI;
}

/* Those that are only there or not. */
static bool read_flag(struct tls_client_hello *h, uint16_t type)
{
	switch (type) {
	case 5:
		h->status_request = true;
		return true;
	case 18:
		h->signed_timestamps = true;
		return true;
	case 22:
		h->encrypt_then_mac = true;
		return true;
	case 23:
		h->extended_master_secret = true;
		return true;
	case 42:
		h->early_data = true;
		return true;
	case 49:
		h->post_handshake_auth = true;
		return true;
	case 65281:
		h->secure_renegotiation = true;
		return true;
	default:
		return false;
	}
}

static const struct {
	uint16_t type;
	void (*read)(struct hello_reading *r, struct unpack *u);
} readers[] = {
	{ 0, read_sni },	  { 1, read_max_fragment },
	{ 10, read_groups },	  { 11, read_point_formats },
	{ 13, read_signatures },  { 16, read_alpn },
	{ 21, read_padding },	  { 27, read_cert_compressions },
	{ 28, read_record_size }, { 35, read_ticket },
	{ 41, read_psk },	  { 43, read_versions },
	{ 45, read_psk_modes },	  { 50, read_cert_signatures },
	{ 51, read_key_shares },  { 65037, read_ech },
	{ 65486, read_esni },
};

static void read_extension(struct hello_reading *r, uint16_t type, struct unpack *u)
{
	if (read_flag(r->h, type))
		return;
	for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++)
		if (readers[i].type == type) {
			readers[i].read(r, u);
			r->h->cut |= u->failed;
			return;
		}
}

/* Of one that is there twice, which none may be, the first counts. */
static void read_extensions(struct hello_reading *r, struct unpack u)
{
	uint8_t seen[65536 / 8] = { 0 };
	uint8_t types[2 * LIMIT_TLS_LIST];
	size_t n = 0;
	uint32_t omitted = 0;

	while (u.left) {
		uint16_t type = (uint16_t)unpack_be(&u, 2);
		struct unpack body = unpack_part(&u, unpack_be(&u, 2));
		if (u.failed)
			break;
		bool again = seen[type / 8] & 1 << type % 8;
		seen[type / 8] |= (uint8_t)(1 << type % 8);
		if (n < sizeof(types)) {
			types[n++] = (uint8_t)(type >> 8);
			types[n++] = (uint8_t)type;
		} else {
			omitted++;
		}
		if (!again)
			read_extension(r, type, &body);
		else if (!r->h->duplicated)
			r->h->duplicated = type + 1U;
	}
	r->h->extensions = tls_codes_read(r->arena, unpack_at(types, n), 2);
	r->h->extensions.omitted += (uint16_t)omitted;
	r->h->cut |= u.failed;
}

static void read_signals(struct tls_client_hello *h, struct unpack suites)
{
	while (suites.left >= 2) {
		uint64_t suite = unpack_be(&suites, 2);
		h->secure_renegotiation |= suite == SCSV_RENEGOTIATION;
		h->fallback |= suite == SCSV_FALLBACK;
	}
}

static void read_compressions(struct tls_client_hello *h, struct unpack u)
{
	while (u.left)
		h->deflate |= unpack_be(&u, 1) == 1;
}

void tls_client_hello_read(struct tls_info *i, const uint8_t *body, size_t len, size_t size)
{
	struct tls_client_hello *h = &i->hello;
	struct unpack u = unpack_at(body, len);
	struct tls_print print = { .quic = i->quic };
	struct hello_reading r = { h, &print, &i->arena };

	h->size = (uint32_t)size;
	print.legacy_version = print.version = h->legacy_version = (uint16_t)unpack_be(&u, 2);
	const uint8_t *random = unpack_take(&u, sizeof(h->random));
	if (random)
		memcpy(h->random, random, sizeof(h->random));
	h->session_id_length = (uint8_t)unpack_be(&u, 1);
	unpack_take(&u, h->session_id_length);
	print.suites = unpack_part(&u, unpack_be(&u, 2));
	h->suites = tls_codes_read(&i->arena, print.suites, 2);
	read_signals(h, print.suites);
	read_compressions(h, unpack_part(&u, unpack_be(&u, 1)));
	if (u.left) {
		size_t length = unpack_be(&u, 2);
		/* What is there of extensions that are cut off is read. */
		h->cut |= length != u.left;
		print.extensions = unpack_part(&u, length < u.left ? length : u.left);
		read_extensions(&r, print.extensions);
	}
	h->cut |= u.failed || len != size - 4;
	if (h->cut)
		return;
	tls_ja3(&print, h->ja3);
	tls_ja4(&print, h->ja4);
}

/* Suites of SSL 2 itself, which have three bytes, are left out. */
void tls_ssl2_hello_read(struct tls_info *i, const uint8_t *body, size_t len)
{
	struct tls_client_hello *h = &i->hello;
	struct unpack u = unpack_at(body, len);
	uint8_t suites[2 * LIMIT_TLS_LIST];
	size_t n = 0;

	unpack_be(&u, 1);
	h->ssl2 = true;
	h->size = (uint32_t)len;
	h->legacy_version = (uint16_t)unpack_be(&u, 2);
	uint64_t length = unpack_be(&u, 2);
	uint64_t session = unpack_be(&u, 2);
	uint64_t challenge = unpack_be(&u, 2);
	struct unpack list = unpack_part(&u, length);
	while (list.left >= 3 && n < sizeof(suites)) {
		uint64_t suite = unpack_be(&list, 3);
		if (suite > 0xffff)
			continue;
		suites[n++] = (uint8_t)(suite >> 8);
		suites[n++] = (uint8_t)suite;
	}
	h->suites = tls_codes_read(&i->arena, unpack_at(suites, n), 2);
	read_signals(h, unpack_at(suites, n));
	unpack_take(&u, session);
	h->session_id_length = (uint8_t)session;
	const uint8_t *random = unpack_take(&u, challenge);
	if (random && challenge <= sizeof(h->random))
		memcpy(h->random + sizeof(h->random) - challenge, random, challenge);
	h->cut = u.failed;
}
