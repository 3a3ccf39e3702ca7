// SPDX-License-Identifier: GPL-2.0-or-later
#include "tls/tls_json.h"

#include <stdio.h>
#include <string.h>

#include "base/json_write.h"
#include "entry.h"
#include "tls/tls_info.h"
#include "tls/tls_names.h"
#include "tls/weak.h"

static void put_code(struct jw *j, const char *name, enum tls_name_of kind, uint16_t code)
{
	const char *text = tls_name(kind, code);
	char hex[8];

	snprintf(hex, sizeof(hex), "0x%04x", code);
	jw_string(j, name, text ? text : hex);
}

static void put_known(struct jw *j, const char *name, enum tls_name_of kind, uint16_t code)
{
	if (code)
		put_code(j, name, kind, code);
}

static void put_number(struct jw *j, const char *name, uint64_t n)
{
	if (n)
		jw_uint(j, name, n);
}

static void put_flag(struct jw *j, const char *name, bool is)
{
	if (is)
		jw_bool(j, name, true);
}

static void put_bytes(struct jw *j, const char *name, struct text t)
{
	if (t.data)
		jw_text(j, name, t.data, t.len);
}

static void put_time(struct jw *j, const char *name, int64_t us)
{
	char text[28];

	if (!us)
		return;
	entry_format_time(us, text);
	jw_string(j, name, text);
}

static void put_codes(struct jw *j, const char *name, enum tls_name_of kind,
		      const struct tls_codes *c)
{
	if (!c->count)
		return;
	jw_array(j, name);
	for (unsigned n = 0; n < c->count; n++)
		put_code(j, NULL, kind, c->list[n]);
	jw_end_array(j);
}

static void put_texts(struct jw *j, const char *name, const struct tls_texts *t)
{
	if (!t->count)
		return;
	jw_array(j, name);
	for (unsigned n = 0; n < t->count; n++)
		jw_text(j, NULL, t->list[n].data, t->list[n].len);
	jw_end_array(j);
}

static void put_weak(struct jw *j, const char *name, uint32_t bits)
{
	if (!bits)
		return;
	jw_array(j, name);
	for (unsigned p = 0; p < TLS_WEAK_POINTS; p++)
		if (bits & 1U << p)
			jw_string(j, NULL, tls_weak_name((enum tls_weak_point)p));
	jw_end_array(j);
}

/* What was agreed, as far as the wire tells. */
static void put_chosen(struct jw *j, const struct tls_info *i)
{
	const struct tls_server_hello *s = &i->server;

	if (!s->time_us)
		return;
	put_code(j, "version", TLS_VERSIONS, s->version);
	put_code(j, "cipher", TLS_SUITES, s->suite);
	put_bytes(j, "alpn", s->alpn);
	put_known(j, "group", TLS_GROUPS, s->group);
	if (s->group)
		jw_bool(j, "post_quantum", tls_group_post_quantum(s->group));
	put_number(j, "dh_bits", i->dh_bits);
	put_known(j, "signature", TLS_SIGNATURES, i->key_signature);
	put_flag(j, "compressed", s->deflate);
	jw_bool(j, "resumed", i->resumed);
	put_flag(j, "encrypt_then_mac", s->encrypt_then_mac);
	put_flag(j, "extended_master_secret", s->extended_master_secret);
	put_flag(j, "secure_renegotiation", s->secure_renegotiation);
	put_flag(j, "downgrade_marked", s->downgrade);
	put_codes(j, "server_extensions", TLS_EXTENSIONS, &s->extensions);
	put_flag(j, "server_hello_cut", s->cut);
	if (*s->ja3s)
		jw_string(j, "ja3s", s->ja3s);
	put_flag(j, "certificate_asked", i->certificate_asked);
	put_number(j, "ticket_length", i->ticket_length);
	put_number(j, "ticket_lifetime_s", i->ticket_lifetime);
}

static const char *ech_text(enum tls_ech ech)
{
	static const char *const texts[] = {
		[TLS_ECH_NONE] = NULL,	     [TLS_ECH_OUTER] = "outer or GREASE",
		[TLS_ECH_INNER] = "inner",   [TLS_ECH_BROKEN] = "broken",
		[TLS_ESNI] = "draft (ESNI)",
	};

	return texts[ech];
}

static void put_resumption(struct jw *j, const struct tls_client_hello *h)
{
	put_number(j, "session_id_length", h->session_id_length);
	put_flag(j, "ticket_supported", h->ticket_supported);
	put_number(j, "ticket_offered_length", h->ticket_length);
	put_number(j, "psk_identities", h->psk_identities);
	put_codes(j, "psk_modes", TLS_PSK_MODES, &h->psk_modes);
	put_flag(j, "early_data", h->early_data);
}

/* Lists whose further values are not kept, and GREASE in any. */
static void put_left_out(struct jw *j, const struct tls_client_hello *h)
{
	const struct tls_codes *lists[] = { &h->versions,	&h->suites,	&h->extensions,
					    &h->groups,		&h->key_shares, &h->signatures,
					    &h->cert_signatures };
	unsigned grease = 0, omitted = 0;

	for (size_t n = 0; n < sizeof(lists) / sizeof(*lists); n++) {
		grease += lists[n]->grease;
		omitted += lists[n]->omitted;
	}
	put_number(j, "grease", grease);
	put_number(j, "values_omitted", omitted + h->alpn.omitted);
}

static void put_offered(struct jw *j, const struct tls_client_hello *h)
{
	if (!h->time_us)
		return;
	put_bytes(j, "sni", h->sni);
	if (h->versions.count) {
		put_codes(j, "versions", TLS_VERSIONS, &h->versions);
	} else {
		jw_array(j, "versions");
		put_code(j, NULL, TLS_VERSIONS, h->legacy_version);
		jw_end_array(j);
	}
	put_codes(j, "cipher_suites", TLS_SUITES, &h->suites);
	put_codes(j, "extensions", TLS_EXTENSIONS, &h->extensions);
	put_texts(j, "alpn_offered", &h->alpn);
	put_codes(j, "groups", TLS_GROUPS, &h->groups);
	put_codes(j, "key_shares", TLS_GROUPS, &h->key_shares);
	put_codes(j, "signatures", TLS_SIGNATURES, &h->signatures);
	put_codes(j, "certificate_signatures", TLS_SIGNATURES, &h->cert_signatures);
	put_codes(j, "point_formats", TLS_POINT_FORMATS, &h->point_formats);
	put_codes(j, "certificate_compressions", TLS_CERT_COMPRESSIONS, &h->cert_compressions);
	put_resumption(j, h);
	if (h->ech)
		jw_string(j, "ech", ech_text(h->ech));
	put_left_out(j, h);
	put_number(j, "padding", h->padding);
	put_number(j, "record_size_limit", h->record_size_limit);
	put_number(j, "max_fragment_length", h->max_fragment);
	put_flag(j, "compression_offered", h->deflate);
	put_flag(j, "ssl2_hello", h->ssl2);
	put_flag(j, "fallback", h->fallback);
	put_flag(j, "post_handshake_auth", h->post_handshake_auth);
	if (h->duplicated)
		put_code(j, "extension_twice", TLS_EXTENSIONS, (uint16_t)(h->duplicated - 1));
	jw_uint(j, "client_hello_size", h->size);
	put_flag(j, "client_hello_cut", h->cut);
	if (*h->ja3)
		jw_string(j, "ja3", h->ja3);
	if (*h->ja4)
		jw_string(j, "ja4", h->ja4);
}

static void put_retry(struct jw *j, const struct tls_retry *r)
{
	if (!r->time_us)
		return;
	jw_object(j, "hello_retry_request");
	put_known(j, "version", TLS_VERSIONS, r->version);
	put_known(j, "cipher", TLS_SUITES, r->suite);
	put_known(j, "group", TLS_GROUPS, r->group);
	put_flag(j, "cookie", r->cookie);
	jw_end_object(j);
}

static void put_certificate(struct jw *j, const char *name, const struct tls_certificate *c)
{
	if (!c->seen)
		return;
	jw_object(j, name);
	put_bytes(j, "subject", c->subject);
	put_texts(j, "names", &c->names);
	put_number(j, "names_omitted", c->names.omitted);
	put_bytes(j, "issuer", c->issuer);
	put_bytes(j, "serial", c->serial);
	put_time(j, "not_before", c->not_before_us);
	put_time(j, "not_after", c->not_after_us);
	put_bytes(j, "key", c->key);
	put_number(j, "key_bits", c->key_bits);
	put_bytes(j, "signature", c->signature);
	put_flag(j, "self_signed", c->self_signed);
	put_flag(j, "authority", c->authority);
	jw_uint(j, "chain", c->chain);
	put_number(j, "size", c->size);
	if (*c->sha256)
		jw_string(j, "sha256", c->sha256);
	if (c->broken)
		jw_string(j, "not_read", c->broken);
	put_flag(j, "cut", c->cut);
	jw_end_object(j);
}

static void put_alerts(struct jw *j, const struct tls_info *i)
{
	static const char *const from[] = { "client", "server" };

	if (!i->alert[0].time_us && !i->alert[1].time_us)
		return;
	jw_array(j, "alerts");
	for (int side = 0; side < 2; side++) {
		const struct tls_alert *a = &i->alert[side];
		if (!a->time_us)
			continue;
		jw_object(j, NULL);
		jw_string(j, "from", from[side]);
		jw_string(j, "level", a->level == 2 ? "fatal" : "warning");
		put_code(j, "alert", TLS_ALERTS, a->description);
		jw_end_object(j);
	}
	jw_end_array(j);
}

void tls_json_put(struct jw *j, const struct tls_info *i, const struct tls_weak *weak)
{
	put_chosen(j, i);
	put_offered(j, &i->hello);
	put_retry(j, &i->retry);
	put_bytes(j, "subject", i->certificate.subject);
	put_time(j, "not_after", i->certificate.not_after_us);
	put_certificate(j, "certificate", &i->certificate);
	put_certificate(j, "client_certificate", &i->client_certificate);
	put_alerts(j, i);
	put_weak(j, "weak", weak->chosen);
	put_weak(j, "weak_offered", weak->offered);
	if (i->quic) {
		char version[16];
		snprintf(version, sizeof(version), "0x%08x", i->quic_version);
		jw_string(j, "quic_version", version);
	}
	put_flag(j, "joined", i->joined);
	put_number(j, "messages_ignored", i->ignored);
}

struct tls_event {
	const char *name;
	int64_t time_us;
};

/* There are few. */
static void sort(struct tls_event *list, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct tls_event e = list[i];
		size_t at = i;
		for (; at && list[at - 1].time_us > e.time_us; at--)
			list[at] = list[at - 1];
		list[at] = e;
	}
}

void tls_json_put_events(struct jw *j, const struct tls_info *i)
{
	struct tls_event events[] = {
		{ "client_hello", i->hello.time_us },
		{ "hello_retry_request", i->retry.time_us },
		{ "second_client_hello", i->retry.second_hello_us },
		{ "server_hello", i->server.time_us },
		{ "client_change_cipher_spec", i->change_cipher_us[0] },
		{ "server_change_cipher_spec", i->change_cipher_us[1] },
		{ "client_alert", i->alert[0].time_us },
		{ "server_alert", i->alert[1].time_us },
		{ "handshake_done", i->done_us },
	};
	size_t n = sizeof(events) / sizeof(*events);

	sort(events, n);
	for (size_t at = 0; at < n; at++) {
		if (!events[at].time_us)
			continue;
		jw_object(j, NULL);
		jw_string(j, "name", events[at].name);
		jw_int(j, "time_us", events[at].time_us);
		jw_end_object(j);
	}
}
