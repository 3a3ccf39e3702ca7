// SPDX-License-Identifier: GPL-2.0-or-later
/* Masks values in a message: its target, its names and values, and its body. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "message.h"
#include "redact/redact_internal.h"
#include "redact/secret_scan.h"

/* One message on its way through the rules; the first error stays. */
struct masking {
	const struct redact *r;
	struct message *m;
	bool target_plain; /* nothing to mask in the target, nothing encoded in it */
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
	char *p = arena_alloc(&d->m->arena, from + MASK_SIZE);

	if (!d->error)
		d->error = p ? message_masks_add(&d->m->masks, kind, name) : -ENOMEM;
	if (!p)
		return;
	memcpy(p, t->data, from);
	mask_token(&d->r->key, t->data + from, t->len - from, p + from);
	*t = (struct text){ p, from + MASK_SIZE };
}

/* A text that may be or hold a URL, a list of parameters, a token. */
static void mask_text(struct masking *d, struct text *t, enum scan_mode mode)
{
	const struct scan_options o = { .names = &d->r->query, .kind = "query", .mode = mode };
	struct buf out = { 0 };
	struct masker k = mask_begin(t->data, t->len, &d->r->key, &out, &d->m->masks);
	int r = scan_text(&k, &o);

	if (r == -E2BIG)
		mask_value(&k, k.done, t->len, "value", "too long to look through");
	else
		d->error = d->error ? d->error : r;
	finish(d, t, &k);
}

/* a=1; b=2 keeps its names; of Set-Cookie only the first pair is a cookie. */
static void mask_cookie_field(struct masking *d, struct text *t, const char *header)
{
	struct buf out = { 0 };
	struct masker k = mask_begin(t->data, t->len, &d->r->key, &out, &d->m->masks);
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

static bool holds(struct text t, const char *word)
{
	return memmem(t.data, t.len, word, strlen(word)) != NULL;
}

/* Subprotocols of WebSocket are no secrets but for what clients hand over that cannot set fields:
 * "graphql-ws, <token>", "base64url.bearer.authorization.k8s.io.<token>". */
static void mask_subprotocols(struct masking *d, struct text *t)
{
	struct buf out = { 0 };
	struct masker k = mask_begin(t->data, t->len, &d->r->key, &out, &d->m->masks);
	bool announced = false;

	for (size_t i = 0, end; i < t->len; i = end + 1) {
		const char *comma = memchr(t->data + i, ',', t->len - i);
		end = comma ? (size_t)(comma - t->data) : t->len;
		while (i < end && t->data[i] == ' ')
			i++;
		struct text word = { t->data + i, end - i };
		bool named = holds(word, "bearer.") || holds(word, "key.") || holds(word, "token.");
		const char *dot = named ? memrchr(word.data, '.', word.len) : NULL;
		size_t prefix = dot ? (size_t)(dot - word.data) + 1 : 0;
		if (word.len > prefix &&
		    (announced || named || shape_is_random(word.data, word.len) ||
		     (word.len > 20 && !memcmp(word.data, "eyJ", 3))))
			mask_value(&k, i + prefix, end, "header", "subprotocol");
		announced = text_is(word, "bearer") || text_is(word, "token") ||
			    text_is(word, "authorization") || text_is(word, "access_token") ||
			    text_is(word, "jwt") || text_is(word, "auth");
	}
	finish(d, t, &k);
}

/* Fields that every message has, and that hold nothing but what their names say. */
static bool is_dull(struct text name)
{
	static const struct {
		size_t len;
		const char *text;
	} dull[] = { { 4, "Date" },
		     { 4, "ETag" },
		     { 4, "Host" },
		     { 4, "Vary" },
		     { 6, "Accept" },
		     { 6, "Server" },
		     { 7, "Expires" },
		     { 10, "Connection" },
		     { 10, "User-Agent" },
		     { 13, "Last-Modified" },
		     { 14, "Content-Length" },
		     { 15, "Accept-Encoding" },
		     { 15, "Accept-Language" } };

	for (size_t i = 0; i < sizeof(dull) / sizeof(*dull); i++)
		if (name.len == dull[i].len && ((name.data[0] ^ dull[i].text[0]) & 31) == 0 &&
		    !strncasecmp(name.data, dull[i].text, name.len))
			return true;
	return false;
}

static void mask_plain_field(struct masking *d, struct message_pair *f)
{
	struct text *t = &f->value;
	bool may = t->len >= SHAPE_LEAST || memchr(t->data, '=', t->len) ||
		   memchr(t->data, '@', t->len);

	if (!may || (is_dull(f->name) && !memchr(t->data, '@', t->len)))
		return;
	if (d->r->query.broad && text_is(f->name, "sec-websocket-protocol"))
		mask_subprotocols(d, t);
	else if (may)
		mask_text(d, t, scan_mode_of(t->data, t->len));
}

/* Fastly-Key, X-Mashape-Key and what others will call it; other keys say what they are of. */
static bool is_key(const struct message_pair *f)
{
	static const char *const others[] = { "sec-websocket-key", "idempotency-key",
					      "x-idempotency-key", "surrogate-key",
					      "x-cache-key",	   "cache-key",
					      "x-routing-key",	   "x-partition-key" };
	size_t len = f->name.len;

	if (len < 5 || strncasecmp(f->name.data + len - 4, "-key", 4) != 0 ||
	    !shape_is_random(f->value.data, f->value.len))
		return false;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (text_is(f->name, others[i]))
			return false;
	return true;
}

static void mask_field(struct masking *d, struct message_pair *f)
{
	const char *found = NULL;

	if (!f->value.len || !f->name.len)
		return;
	enum name_kind kind = names_judge(&d->r->headers, f->name.data, f->name.len, &found);
	if (kind == NAME_WEAK || (kind == NAME_PART && scan_is_plain(f->value.data, f->value.len)))
		found = NULL;
	if (!found && d->r->headers.broad && is_key(f))
		found = "key";
	bool cookie = (found || d->r->cookies.count) &&
		      text_is(f->name, d->m->request ? "cookie" : "set-cookie");
	if (cookie)
		mask_cookie_field(d, &f->value, found);
	else if (found)
		mask_rest(d, &f->value, scheme_length(f->value), "header", found);
	else
		mask_plain_field(d, f);
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

/* The pairs of the query are the target's, decoded. */
static void mask_query(struct masking *d)
{
	for (size_t i = 0; i < d->m->query.count && !d->error && !d->target_plain; i++) {
		struct message_pair *q = &d->m->query.list[i];
		const char *found = NULL;
		enum name_kind kind =
			q->name.len ? names_judge(&d->r->query, q->name.data, q->name.len, &found)
				    : NAME_NO;
		if (!q->value.len)
			continue;
		bool secret = kind == NAME_STRONG ||
			      (kind == NAME_PART && !scan_is_plain(q->value.data, q->value.len)) ||
			      (kind == NAME_WEAK && (!strcmp(found, "key") ||
						     shape_is_random(q->value.data, q->value.len)));
		if (secret)
			mask_rest(d, &q->value, 0, "query", found);
		else
			mask_text(d, &q->value, scan_mode_of(q->value.data, q->value.len));
	}
}

static void mask_target(struct masking *d)
{
	struct text *t = &d->m->target;
	bool encoded = t->len && (memchr(t->data, '%', t->len) || memchr(t->data, '+', t->len));
	const char *before = t->data;

	if (t->len)
		mask_text(d, t, SCAN_URL);
	d->target_plain = !encoded && t->data == before;
}

static void mask_head(struct masking *d)
{
	mask_target(d);
	mask_query(d);
	mask_fields(d, &d->m->headers);
	mask_cookies(d);
	mask_fields(d, &d->m->trailers);
	for (struct message_member *p = d->m->own; p && !d->error; p = p->next)
		if (p->text.len)
			mask_text(d, &p->text, scan_mode_of(p->text.data, p->text.len));
	for (struct message_interim *i = d->m->interim; i && !d->error; i = i->next)
		mask_fields(d, &i->headers);
	if (d->m->content_type.len && memchr(d->m->content_type.data, '=', d->m->content_type.len))
		mask_text(d, &d->m->content_type, SCAN_TEXT);
}

/* A text with a NUL, for functions that want one; `b` is its memory. */
static const char *text_cstr(struct text t, struct buf *b)
{
	return !t.len ? "" : buf_put(b, t.data, t.len) ? NULL : buf_cstr(b);
}

/* What a digest of lost bytes may tell is guarded by the key, as the tokens are. */
void redact_drop_body(const struct redact *r, struct message *m, struct buf *body, const char *why)
{
	m->body_why = why;
	m->body_not_kept = body->len;
	m->body_digest = siphash(&r->key, body->data, body->len);
	buf_free(body);
}

static void take_masks(struct masking *d, struct message_masks *masks)
{
	for (size_t i = 0; i < masks->count && !d->error; i++)
		d->error =
			message_masks_add(&d->m->masks, masks->list[i].kind, masks->list[i].name);
	struct message_stored *s = d->m->stored;
	if (!s) {
		free(masks->list);
		return;
	}
	free(s->masks.list);
	s->masks = *masks;
}

struct text redact_coding(const struct message *m)
{
	for (size_t i = 0; i < m->headers.count; i++)
		if (text_is(m->headers.list[i].name, "grpc-encoding"))
			return m->headers.list[i].value;
	return (struct text){ 0 };
}

static void mask_body(struct masking *d, struct buf *body, const char *frames, const char **ret_why)
{
	struct buf type_text = { 0 }, encoding_text = { 0 }, coding_text = { 0 };
	struct body_text text = { .type = text_cstr(d->m->content_type, &type_text),
				  .encoding = text_cstr(d->m->content_encoding, &encoding_text),
				  .bytes = body,
				  .payload = &d->m->body,
				  .frames = frames,
				  .coding = text_cstr(redact_coding(d->m), &coding_text) };
	struct body_result result = { 0 };

	d->error = !text.type || !text.encoding || !text.coding ? -ENOMEM
								: redact_body(d->r, &text, &result);
	if (!d->error && result.why) {
		redact_drop_body(d->r, d->m, body, result.why);
		*ret_why = result.why;
	} else if (!d->error && result.changed) {
		d->m->body_masked = true;
		d->m->body_decoded = result.decoded;
		buf_free(body);
		*body = result.text;
		result.text = (struct buf){ 0 };
	}
	take_masks(d, &result.masks);
	buf_free(&result.text);
	buf_free(&type_text);
	buf_free(&encoding_text);
	buf_free(&coding_text);
}

int redact_line(const struct redact *r, struct text line, enum scan_mode mode, struct buf *out,
		struct message_masks *masks, bool *ret_changed)
{
	const struct scan_options o = { .names = &r->query, .kind = "query", .mode = mode };
	struct masker m = mask_begin(line.data, line.len, &r->key, out, masks);
	int result = scan_text(&m, &o);

	if (result == -E2BIG)
		mask_value(&m, m.done, m.len, "value", "too long to look through");
	else if (result)
		return result;
	result = mask_end(&m);
	*ret_changed = m.changed;
	return result;
}

int redact_message(const struct redact *r, struct message *m, struct buf *body, bool kept,
		   const char *frames, const char **ret_why)
{
	struct masking d = { .r = r, .m = m };

	mask_head(&d);
	if (d.error || !(m->has_head || m->rendered))
		return d.error;
	if (kept && m->stored) {
		m->body_not_kept = m->stored->not_kept;
		*ret_why = m->stored->why;
	} else if (!kept && body->len) {
		mask_body(&d, body, frames, ret_why);
	}
	return d.error;
}
