// SPDX-License-Identifier: GPL-2.0-or-later
#include "redact/redact.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "redact/redact_internal.h"
#include "entry.h"
#include "items.h"
#include "message.h"
#include "base/limits.h"

static const char *const default_headers[] = {
	"authorization",
	"proxy-authorization",
	"cookie",
	"set-cookie",
	"cookie2",
	"set-cookie2",
	"authentication-info",
	"x-api-key",
	"api-key",
	"apikey",
	"x-auth-token",
	"x-auth-key",
	"x-access-token",
	"x-amz-security-token",
	"x-authorization",
	"x-client-secret",
	"x-csrf-token",
	"x-forwarded-access-token",
	"x-functions-key",
	"x-gitlab-token",
	"private-token",
	"job-token",
	"deploy-token",
	"x-goog-api-key",
	"x-id-token",
	"x-refresh-token",
	"session",
	"session-bin",
	"x-session",
	"x-session-token",
	"x-subject-token",
	"x-vault-token",
	"x-xsrf-token",
	"ocp-apim-subscription-key",
	"x-amz-content-sha256-hmac",
	"x-hub-signature",
	"x-hub-signature-256",
	"x-secret",
	"x-token",
};

/* In queries and bodies alike. */
static const char *const default_parameters[] = {
	"password",
	"passwd",
	"pwd",
	"passphrase",
	"new_password",
	"old_password",
	"current_password",
	"confirm_password",
	"password_confirmation",
	"password_confirm",
	"user_password",
	"user_pass",
	"secret",
	"client_secret",
	"app_secret",
	"secret_key",
	"shared_secret",
	"token",
	"access_token",
	"refresh_token",
	"id_token",
	"auth_token",
	"session_token",
	"bearer_token",
	"api_token",
	"csrf_token",
	"oauth_token",
	"oauth_token_secret",
	"oauth_signature",
	"oauth_verifier",
	"security_token",
	"x-amz-security-token",
	"x-amz-signature",
	"x-goog-signature",
	"api_key",
	"api_secret",
	"access_key",
	"secret_access_key",
	"aws_secret_access_key",
	"auth_key",
	"private_key",
	"credentials",
	"authorization",
	"client_assertion",
	"code_verifier",
	"device_code",
	"session_id",
	"jsessionid",
	"phpsessid",
	"sid",
	"sig",
	"one_time_password",
};

static int add_all(struct names *n, const char *const *list, size_t count)
{
	int error = 0;

	for (size_t i = 0; i < count && !error; i++)
		error = names_add(n, list[i]);
	return error;
}

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static int add_defaults(struct redact *r)
{
	r->headers.broad = r->query.broad = r->body.broad = true;
	int error = add_all(&r->headers, default_headers, COUNT(default_headers));

	error = error ? error : add_all(&r->query, default_parameters, COUNT(default_parameters));
	return error ? error : add_all(&r->body, default_parameters, COUNT(default_parameters));
}

static bool is_plain(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (name[i] <= ' ' || name[i] > '~' || strchr("\"\\", name[i]))
			return false;
	return n > 0 && n < NAME_MAX_BYTES;
}

static int add_rule(struct redact *r, const char *rule, char *error, size_t error_size)
{
	const struct {
		const char *prefix;
		struct names *names;
	} kinds[] = {
		{ "header:", &r->headers },
		{ "query:", &r->query },
		{ "body:", &r->body },
		{ "cookie:", &r->cookies },
	};

	for (size_t i = 0; i < COUNT(kinds); i++) {
		size_t n = strlen(kinds[i].prefix);
		if (strncmp(rule, kinds[i].prefix, n) != 0)
			continue;
		int result = is_plain(rule + n) ? names_add(kinds[i].names, rule + n) : -EINVAL;
		if (result == -EINVAL)
			snprintf(error, error_size,
				 "redaction rule \"%.100s\": the name is to be 1 to %d printable "
				 "characters, without blanks and quotes",
				 rule, NAME_MAX_BYTES - 1);
		return result;
	}
	snprintf(error, error_size,
		 "redaction rule \"%.100s\" is not header:NAME, query:NAME, "
		 "body:NAME, cookie:NAME or off",
		 rule);
	return -EINVAL;
}

int redact_new(const char *const *rules, size_t n, bool defaults, struct redact **ret, char *error,
	       size_t error_size)
{
	struct redact *r = calloc(1, sizeof(*r));

	if (!r) {
		snprintf(error, error_size, "out of memory for the redaction rules");
		return -ENOMEM;
	}
	r->counters = calloc(1, sizeof(*r->counters));
	int result = r->counters ? reflected_new(&r->reflected) : -ENOMEM;

	if (!result && getrandom(&r->key, sizeof(r->key), 0) != sizeof(r->key)) {
		snprintf(error, error_size, "no random numbers for the tokens of secrets");
		result = -EIO;
	}
	for (size_t i = 0; i < n; i++)
		defaults &= strcmp(rules[i], "off") != 0;
	if (!result && n > LIMIT_REDACT_RULES) {
		snprintf(error, error_size, "%zu redaction rules, of at most %d", n,
			 LIMIT_REDACT_RULES);
		result = -EINVAL;
	}
	if (!result && defaults)
		result = add_defaults(r);
	for (size_t i = 0; i < n && !result; i++)
		if (strcmp(rules[i], "off") != 0)
			result = add_rule(r, rules[i], error, error_size);
	struct names *const sets[] = { &r->headers, &r->query, &r->body };
	for (size_t i = 0; i < COUNT(sets) && !result; i++)
		result = names_remember(sets[i]);
	if (result == -ENOMEM)
		snprintf(error, error_size, "out of memory for the redaction rules");
	if (result) {
		redact_free(r);
		return result;
	}
	*ret = r;
	return 0;
}

void redact_free(struct redact *r)
{
	if (!r)
		return;
	names_free(&r->headers);
	names_free(&r->query);
	names_free(&r->body);
	names_free(&r->cookies);
	reflected_free(r->reflected);
	free(r->counters);
	explicit_bzero(&r->key, sizeof(r->key));
	free(r);
}

void redact_keep_opaque(struct redact *r)
{
	r->keep_opaque = true;
}

void redact_name_fields(struct redact *r, const struct proto_set *set)
{
	r->set = set;
}

struct redact_stats redact_stats(const struct redact *r)
{
	return (struct redact_stats){ .over_budget = atomic_load(&r->counters->over_budget),
				      .not_decoded = atomic_load(&r->counters->not_decoded),
				      .opaque = atomic_load(&r->counters->opaque),
				      .no_memory = atomic_load(&r->counters->no_memory),
				      .schemas = atomic_load(&r->counters->schemas) };
}

/* A text of the entry: a URL, its query, or as people write. */
static int redact_text(const struct redact *r, struct entry *e, const char **text,
		       enum scan_mode mode)
{
	const struct text line = { *text, strlen(*text) };
	struct buf out = { 0 };
	bool changed = false;

	if (!line.len)
		return 0;
	int result = redact_line(r, line, mode, &out, NULL, &changed);
	if (!result && changed)
		*text = entry_text(e, out.data, out.len);
	buf_free(&out);
	return result;
}

static bool is_off(const struct redact *r)
{
	return !r->headers.count && !r->query.count && !r->body.count && !r->cookies.count &&
	       !r->query.broad;
}

/* Path, query and summary are parts of the target: what it holds no secret of, they do not. */
static int redact_texts(const struct redact *r, struct entry *e, const char *target)
{
	const struct message *q = e->message[0];

	if (target && q->target.data == target)
		return 0;
	const struct message *any = q ? q : e->message[1];
	enum scan_mode mode =
		any && any->rendered ? scan_mode_of(e->summary, strlen(e->summary)) : SCAN_URL;
	int result = redact_text(r, e, &e->summary, mode);
	result = result ? result : redact_text(r, e, &e->path, SCAN_URL);
	return result ? result : redact_text(r, e, &e->query_string, SCAN_QUERY);
}

static void say_why(struct entry *e, const char *side, const char *why, uint64_t bytes)
{
	e->truncated_bytes += (int64_t)bytes;
	e->complete = false;
	e->reason = entry_printf(e, "%s%s%s: %" PRIu64 " bytes of the body %s", e->reason,
				 *e->reason ? "; " : "", side, bytes, why);
}

static int redact_all(const struct redact *r, struct entry *e, const char *const types[2])
{
	struct buf *const bodies[2] = { &e->request_body, &e->response_body };
	const char *target = e->message[0] ? e->message[0]->target.data : NULL;
	int result = 0;

	for (int i = 0; i < 2 && !result; i++) {
		struct message *m = e->message[i];
		const char *why = NULL;
		if (m)
			result = redact_message(r, m, bodies[i], e->body_kept[i], types[i], &why);
		if (why)
			say_why(e, i ? "response" : "request", why, m->body_not_kept);
	}
	result = result ? result : redact_items(r, e->items, types);
	return result ? result : redact_texts(r, e, target);
}

/* What is no message of a protocol that is understood may hold anything. */
static void drop_opaque(const struct redact *r, struct entry *e)
{
	struct buf *const bodies[2] = { &e->request_body, &e->response_body };

	for (int i = 0; i < 2; i++) {
		struct message *m = e->message[i];
		if (!m || m->has_head || m->rendered || e->body_kept[i] || !bodies[i]->len)
			continue;
		redact_drop_body(r, m, bodies[i], "not kept (--keep-opaque)");
		atomic_fetch_add(&r->counters->opaque, 1);
	}
}

/* As `r`, with names for the messages of this call: --proto-set has them, or its server told. */
static struct redact with_names(const struct redact *r, const struct entry *e)
{
	struct redact with = *r;
	struct buf type = { 0 };

	if (redact_call_type(r, e, false, &type) || !memchr(type.data, ';', type.len))
		with.set = reflected_set(r->reflected, e);
	if (!with.set)
		with.set = r->set;
	buf_free(&type);
	return with;
}

static int learn(const struct redact *r, const struct entry *e)
{
	struct text coding = e->message[1] ? redact_coding(e->message[1]) : (struct text){ 0 };
	struct buf name = { 0 };
	int error = buf_put(&name, coding.data, coding.len);

	if (!error)
		atomic_fetch_add(&r->counters->schemas,
				 reflected_learn(r->reflected, e, buf_cstr(&name)));
	buf_free(&name);
	return error;
}

/* Messages of calls are decoded before they are looked through, and rendered afterwards. */
static int redact_call(const struct redact *r, struct entry *e)
{
	struct buf text[2] = { { 0 }, { 0 } };
	int result = redact_decode_items(e->items);

	for (int i = 0; i < 2 && !result; i++)
		result = redact_call_type(r, e, i, &text[i]);
	if (!result) {
		const char *const types[2] = { buf_cstr(&text[0]), buf_cstr(&text[1]) };
		result = types[0] && types[1] ? 0 : -ENOMEM;
		if (!result && !is_off(r))
			result = redact_all(r, e, types);
		if (!result)
			result = redact_render_items(r, e->items, types);
	}
	buf_free(&text[0]);
	buf_free(&text[1]);
	return result;
}

static int redact_content(const struct redact *r, struct entry *e)
{
	static const char *const none[2] = { NULL, NULL };

	if (!strcmp(e->protocol, "grpc")) {
		int error = learn(r, e);
		const struct redact with = with_names(r, e);
		return error ? error : redact_call(&with, e);
	}
	bool untouched = is_off(r) || !strcmp(e->protocol, "tls");
	return untouched ? 0 : redact_all(r, e, none);
}

int redact_entry(const struct redact *r, struct entry *e)
{
	int result = redact_content(r, e);

	if (!r->keep_opaque)
		drop_opaque(r, e);
	result = result ? result : entry_write_detail(e);
	if (!result)
		return 0;
	atomic_fetch_add(&r->counters->no_memory, 1);
	e->complete = false;
	e->reason = "out of memory: its content was not kept";
	e->summary = e->path = e->query_string = "";
	for (int i = 0; i < 2; i++) {
		message_free(e->message[i]);
		e->message[i] = NULL;
	}
	items_free(e->items);
	e->items = NULL;
	buf_reset(&e->detail);
	buf_reset(&e->request_body);
	buf_reset(&e->response_body);
	return result;
}
