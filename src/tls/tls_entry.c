// SPDX-License-Identifier: GPL-2.0-or-later
#include "tls/tls_entry.h"

#include <string.h>

#include "base/json_write.h"
#include "entry.h"
#include "tls/tls_info.h"
#include "tls/tls_json.h"
#include "tls/tls_names.h"
#include "tls/weak.h"

static const char *code_text(struct entry *e, enum tls_name_of kind, uint16_t code)
{
	const char *name = tls_name(kind, code);

	return name ? name : entry_printf(e, "0x%04x", code);
}

static const char *text_of(struct entry *e, struct text t)
{
	return t.data ? entry_text(e, t.data, t.len) : "";
}

void tls_entry_learn(struct entry *e, const struct tls_info *i)
{
	const struct tls_server_hello *s = &i->server;
	const struct tls_certificate *c = &i->certificate;
	char time[28];

	if (s->time_us) {
		e->tls_version = code_text(e, TLS_VERSIONS, s->version);
		e->tls_cipher = code_text(e, TLS_SUITES, s->suite);
		e->tls_alpn = text_of(e, s->alpn);
	}
	/* It is encrypted, and QUIC goes on with none that was not offered (RFC 9001 section 8.1).
	 */
	if (i->quic && i->server.time_us && i->hello.alpn.count == 1)
		e->tls_alpn = text_of(e, i->hello.alpn.list[0]);
	e->tls_sni = text_of(e, i->hello.sni);
	e->ja3 = entry_text(e, i->hello.ja3, strlen(i->hello.ja3));
	e->ja4 = entry_text(e, i->hello.ja4, strlen(i->hello.ja4));
	e->tls_subject = text_of(e, c->subject);
	if (c->not_after_us) {
		entry_format_time(c->not_after_us, time);
		e->tls_not_after = entry_text(e, time, strlen(time));
	}
}

static void set_weak(struct entry *e, uint32_t bits)
{
	const char *all = "";

	for (unsigned p = 0; p < TLS_WEAK_POINTS; p++)
		if (bits & 1U << p)
			all = entry_printf(e, "%s%s%s", all, *all ? ", " : "",
					   tls_weak_name((enum tls_weak_point)p));
	e->tls_weak = all;
}

/* Of the handshake, in order; 0 when nothing was seen. */
static int64_t first_seen(const struct tls_info *i)
{
	const int64_t times[] = { i->hello.time_us, i->retry.time_us, i->server.time_us,
				  i->alert[0].time_us, i->alert[1].time_us };
	int64_t first = 0;

	for (size_t n = 0; n < sizeof(times) / sizeof(*times); n++)
		if (times[n] && (!first || times[n] < first))
			first = times[n];
	return first;
}

static const char *what_misses(const struct tls_info *i)
{
	if (!i->hello.time_us)
		return i->server.time_us ? "its ClientHello was not seen" : "no hello was seen";
	if (!i->server.time_us)
		return "no ServerHello was seen";
	if (i->hello.cut || i->server.cut)
		return "a hello is broken, or longer than what is read";
	if (!i->done_us && !i->quic)
		return "its end was not seen";
	return "";
}

static void set_outcome(struct entry *e, const struct tls_info *i)
{
	const struct tls_alert *a = tls_info_failure(i);

	e->failed = a != NULL;
	e->status = a			? code_text(e, TLS_ALERTS, a->description)
		    : i->server.time_us ? e->tls_version
					: "";
	e->reason = a && i->hello.time_us && !i->hello.cut ? "" : what_misses(i);
	e->complete = !*e->reason;
}

static int put_detail(struct entry *e, const struct tls_info *i, const struct tls_weak *weak)
{
	struct jw j = jw_begin(&e->detail);

	jw_object(&j, NULL);
	jw_object(&j, "tls_info");
	tls_json_put(&j, i, weak);
	jw_end_object(&j);
	jw_array(&j, "events");
	tls_json_put_events(&j, i);
	jw_end_array(&j);
	jw_end_object(&j);
	return jw_done(&j);
}

struct entry *tls_entry_new(const struct tls_info *i)
{
	struct entry *e = entry_new();

	if (!e)
		return NULL;
	e->protocol = "tlsx";
	e->timestamp_us = first_seen(i);
	struct tls_weak weak = tls_weak_points(i, e->timestamp_us);
	tls_entry_learn(e, i);
	set_weak(e, weak.chosen);
	set_outcome(e, i);
	e->summary = e->tls_sni;
	e->version = !strncmp(e->tls_version, "TLS ", 4) ? e->tls_version + 4 : e->tls_version;
	e->elapsed_us = tls_info_elapsed(i);
	e->request_size = i->hello.size;
	e->response_size = i->server.size;
	if (put_detail(e, i, &weak)) {
		entry_free(e);
		return NULL;
	}
	return e;
}
