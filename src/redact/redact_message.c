// SPDX-License-Identifier: GPL-2.0-or-later
/* Masks values in a message: its target, its names and values, and its body. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "message.h"
#include "redact/redact_internal.h"

/* One message on its way through the rules; the first error stays. */
struct masking {
	const struct redact *r;
	struct message *m;
	int error;
};

static bool text_is(struct text t, const char *word)
{
	return t.len == strlen(word) && !strncasecmp(t.data, word, t.len);
}

/* What precedes the credentials of Authorization (the IANA registry, and what is widely used). */
static size_t scheme_length(struct text t)
{
	static const char *const schemes[] = {
		"basic",  "bearer",	  "digest",	      "dpop",
		"hoba",	  "mutual",	  "negotiate",	      "ntlm",
		"oauth",  "privatetoken", "scram-sha-1",      "scram-sha-256",
		"vapid",  "token",	  "apikey",	      "key",
		"hawk",	  "signature",	  "aws4-hmac-sha256", "sharedkey",
		"splunk",
	};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t n = strlen(schemes[i]);
		if (t.len > n + 1 && t.data[n] == ' ' && !strncasecmp(t.data, schemes[i], n))
			return n + 1;
	}
	return 0;
}

static void finish(struct masking *d, struct text *t, struct masker *k)
{
	int r = mask_end(k);

	if (!r && k->changed) {
		*t = message_text(d->m, k->out->data, k->out->len);
		r = t->data ? 0 : -ENOMEM;
	}
	d->error = d->error ? d->error : r;
	buf_free(k->out);
}

/* Replace what follows the first `from` bytes by the mask. */
static void mask_rest(struct masking *d, struct text *t, size_t from, const char *kind,
		      const char *name)
{
	static const struct text mask = { MASK, sizeof(MASK) - 1 };
	char *p = from ? arena_alloc(&d->m->arena, from + mask.len) : NULL;

	if (!d->error)
		d->error = message_masks_add(&d->m->masks, kind, name);
	if (!from) {
		*t = mask;
	} else if (p) {
		memcpy(p, t->data, from);
		memcpy(p + from, mask.data, mask.len);
		*t = (struct text){ p, from + mask.len };
	} else {
		d->error = -ENOMEM;
	}
}

static void mask_url_in(struct masking *d, struct text *t)
{
	struct buf out = { 0 };
	struct masker k = mask_begin(t->data, t->len, &out, &d->m->masks);

	mask_url(&k, &d->r->query);
	finish(d, t, &k);
}

/* a=1; b=2 keeps its names; of Set-Cookie only the first pair is a cookie. */
static void mask_cookie_field(struct masking *d, struct text *t, const char *header)
{
	struct buf out = { 0 };
	struct masker k = mask_begin(t->data, t->len, &out, &d->m->masks);
	const char *p = t->data;

	for (size_t i = 0, end; i < t->len; i = end + 1) {
		const char *semicolon = memchr(p + i, ';', t->len - i);
		end = semicolon ? (size_t)(semicolon - p) : t->len;
		i += p[i] == ' ';
		const char *equals = i < end ? memchr(p + i, '=', end - i) : NULL;
		size_t start = equals ? (size_t)(equals - p) + 1 : i;
		const char *name = header;
		if (!name)
			name = names_find(&d->r->cookies, p + i, equals ? start - 1 - i : 0);
		if (name && start < end)
			mask_value(&k, start, end, header ? "header" : "cookie", name);
		if (!d->m->request)
			break;
	}
	finish(d, t, &k);
}

static bool may_be_url(struct text t)
{
	return memchr(t.data, '?', t.len) || memchr(t.data, '#', t.len) ||
	       memchr(t.data, '@', t.len);
}

static void mask_field(struct masking *d, struct message_pair *f)
{
	const char *found = names_find(&d->r->headers, f->name.data, f->name.len);

	if (!f->value.len)
		return;
	bool cookie = (found || d->r->cookies.count) &&
		      text_is(f->name, d->m->request ? "cookie" : "set-cookie");
	if (cookie)
		mask_cookie_field(d, &f->value, found);
	else if (found)
		mask_rest(d, &f->value, scheme_length(f->value), "header", found);
	else if (may_be_url(f->value))
		mask_url_in(d, &f->value);
}

static void mask_fields(struct masking *d, struct message_pairs *p)
{
	for (size_t i = 0; i < p->count && !d->error; i++)
		mask_field(d, &p->list[i]);
}

static void mask_cookies(struct masking *d)
{
	const char *header = d->m->request ? "cookie" : "set-cookie";
	const char *all =
		d->m->cookies.count ? names_find(&d->r->headers, header, strlen(header)) : NULL;

	for (size_t i = 0; i < d->m->cookies.count && !d->error; i++) {
		struct message_pair *c = &d->m->cookies.list[i];
		const char *found =
			all ? NULL : names_find(&d->r->cookies, c->name.data, c->name.len);
		/* A cookie without a name stands in the place of one. */
		if (all && (c->value.len || c->name.len))
			mask_rest(d, c->value.len ? &c->value : &c->name, 0, "header", all);
		else if (found && c->value.len)
			mask_rest(d, &c->value, 0, "cookie", found);
	}
}

static void mask_query(struct masking *d)
{
	for (size_t i = 0; i < d->m->query.count && !d->error; i++) {
		struct message_pair *q = &d->m->query.list[i];
		const char *found = names_find(&d->r->query, q->name.data, q->name.len);
		if (found && q->value.len)
			mask_rest(d, &q->value, 0, "query", found);
	}
}

static void mask_head(struct masking *d)
{
	if (d->m->target.len)
		mask_url_in(d, &d->m->target);
	mask_query(d);
	mask_fields(d, &d->m->headers);
	mask_cookies(d);
	mask_fields(d, &d->m->trailers);
	for (struct message_member *p = d->m->own; p && !d->error; p = p->next)
		if (p->text.len)
			mask_url_in(d, &p->text);
	for (struct message_interim *i = d->m->interim; i && !d->error; i = i->next)
		mask_fields(d, &i->headers);
}

/* A text with a NUL, for functions that want one; `b` is its memory. */
static const char *text_cstr(struct text t, struct buf *b)
{
	return !t.len ? "" : buf_put(b, t.data, t.len) ? NULL : buf_cstr(b);
}

static void mask_body(struct masking *d, struct buf *body)
{
	struct buf type_text = { 0 }, encoding_text = { 0 };
	const char *type = text_cstr(d->m->content_type, &type_text);
	const char *encoding = text_cstr(d->m->content_encoding, &encoding_text);
	struct body_result result = { 0 };

	d->error = !type || !encoding ? -ENOMEM : redact_body(d->r, type, encoding, body, &result);
	if (!d->error && result.changed) {
		d->m->body_masked = true;
		d->m->body_decoded = result.decoded;
		buf_free(body);
		*body = result.text;
		result.text = (struct buf){ 0 };
	}
	for (size_t i = 0; i < result.masks.count && !d->error; i++)
		d->error = message_masks_add(&d->m->masks, result.masks.list[i].kind,
					     result.masks.list[i].name);
	struct message_stored *s = d->m->stored;
	if (s) {
		free(s->masks.list);
		s->masks = result.masks;
		result.masks = (struct message_masks){ 0 };
	}
	free(result.masks.list);
	buf_free(&result.text);
	buf_free(&type_text);
	buf_free(&encoding_text);
}

int redact_message(const struct redact *r, struct message *m, struct buf *body, bool kept)
{
	struct masking d = { .r = r, .m = m };

	mask_head(&d);
	if (!d.error && body->len && !kept)
		mask_body(&d, body);
	return d.error;
}
