// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/ldap_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/utf8.h"

static const char hidden[] = "•••";

/* Tag and length; 0, 1: more bytes are needed, -1: not BER as LDAP has it. */
static int take_head(struct ber *b, uint8_t *tag, uint64_t *length)
{
	if (b->end - b->at < 2)
		return 1;
	*tag = *b->at++;
	unsigned n = *b->at++;
	*length = n;
	if (n < 0x80)
		return 0;
	n &= 0x7f;
	if (!n || n > 4)
		return -1;
	if ((size_t)(b->end - b->at) < n)
		return 1;
	for (*length = 0; n; n--)
		*length = *length << 8 | *b->at++;
	return 0;
}

/* The next element, cut off where the message is. */
static bool take(struct ber *b, uint8_t *tag, struct ber *value)
{
	uint64_t length;

	if (take_head(b, tag, &length))
		return false;
	size_t left = (size_t)(b->end - b->at);
	value->at = b->at;
	value->end = b->at + (length < left ? length : left);
	b->at = value->end;
	return true;
}

static bool take_tag(struct ber *b, uint8_t wanted, struct ber *value)
{
	uint8_t tag;

	return take(b, &tag, value) && tag == wanted;
}

static int64_t number_of(struct ber v)
{
	int64_t n = 0;

	for (; v.at < v.end && n < 1 << 24; v.at++)
		n = n << 8 | *v.at;
	return n;
}

static bool is_op(uint8_t op)
{
	bool last;

	return ldap_request_name(op) || ldap_answers(op, &last) || op == LDAP_INTERMEDIATE;
}

int64_t ldap_head(const uint8_t *data, size_t len, uint32_t *ret_id, uint8_t *ret_op)
{
	struct ber b = { data, data + len };
	uint64_t size, n;
	uint8_t tag;
	int r = take_head(&b, &tag, &size);

	if (len && *data != 0x30)
		return -EPROTO;
	if (r)
		return r > 0 ? 0 : -EPROTO;
	const uint8_t *start = b.at;
	r = take_head(&b, &tag, &n);
	if (r < 0 || (!r && (tag != 2 || !n || n > 4)))
		return -EPROTO;
	if (r || (uint64_t)(b.end - b.at) < n + 2)
		return 0;
	*ret_id = (uint32_t)number_of((struct ber){ b.at, b.at + n });
	b.at += n;
	*ret_op = *b.at;
	r = take_head(&b, &tag, &n);
	if (r > 0)
		return 0;
	if (r < 0 || !is_op(tag) || (uint64_t)(b.at - start) + n > size)
		return -EPROTO;
	return (int64_t)(start - data) + (int64_t)size;
}

struct ber ldap_body(const uint8_t *data, size_t len)
{
	struct ber b = { data, data + len }, message = b, value = b;
	uint8_t tag;

	if (take(&b, &tag, &message) && take(&message, &tag, &value) &&
	    take(&message, &tag, &value))
		return value;
	return (struct ber){ data, data };
}

static const struct operation {
	uint8_t op, done;
	const char *name;
} operations[] = {
	{ LDAP_BIND, LDAP_BIND_DONE, "bind" },
	{ LDAP_UNBIND, 0, "unbind" },
	{ LDAP_SEARCH, LDAP_SEARCH_DONE, "search" },
	{ LDAP_MODIFY, LDAP_MODIFY_DONE, "modify" },
	{ LDAP_ADD, LDAP_ADD_DONE, "add" },
	{ LDAP_DELETE, LDAP_DELETE_DONE, "delete" },
	{ LDAP_RENAME, LDAP_RENAME_DONE, "modifyDN" },
	{ LDAP_COMPARE, LDAP_COMPARE_DONE, "compare" },
	{ LDAP_ABANDON, 0, "abandon" },
	{ LDAP_EXTENDED, LDAP_EXTENDED_DONE, "extended" },
};

const char *ldap_request_name(uint8_t op)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		if (operations[i].op == op)
			return operations[i].name;
	return NULL;
}

uint8_t ldap_answers(uint8_t op, bool *ret_last)
{
	*ret_last = op != LDAP_SEARCH_ENTRY && op != LDAP_SEARCH_REFERENCE;
	if (!*ret_last)
		return LDAP_SEARCH;
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		if (operations[i].done && operations[i].done == op)
			return operations[i].op;
	return 0;
}

static struct text text_of(struct ber v)
{
	return (struct text){ (const char *)v.at, (size_t)(v.end - v.at) };
}

static bool is_secret(struct text name)
{
	static const char *const words[] = { "password", "passwd", "pwd", "secret", "krbkey" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t n = strlen(words[i]);
		for (size_t at = 0; at + n <= name.len; at++)
			if (!strncasecmp(name.data + at, words[i], n))
				return true;
	}
	return false;
}

/* Text as it is, of other bytes how many. */
static void put_value(struct buf *out, struct text v)
{
	if (utf8_is_text(v.data, v.len))
		buf_put(out, v.data, v.len);
	else
		buf_printf(out, "<%zu bytes>", v.len);
}

static void put_named(struct buf *out, struct text name, struct text v)
{
	if (is_secret(name))
		buf_puts(out, hidden);
	else
		put_value(out, v);
}

/* "name: value" for each of a set. */
static void put_attribute(struct buf *out, struct ber a)
{
	struct ber name, values, value;
	uint8_t tag;

	if (!take_tag(&a, 0x04, &name) || !take_tag(&a, 0x31, &values))
		return;
	for (bool any = false; out->len < LIMIT_RENDERED_BYTES; any = true) {
		bool more = take(&values, &tag, &value);
		if (!more && any)
			return;
		put_value(out, text_of(name));
		buf_puts(out, ": ");
		if (more)
			put_named(out, text_of(name), text_of(value));
		buf_puts(out, "\n");
		if (!more)
			return;
	}
}

static void put_attributes(struct buf *out, struct ber list)
{
	struct ber a;
	uint8_t tag;

	while (out->len < LIMIT_RENDERED_BYTES && take(&list, &tag, &a))
		put_attribute(out, a);
}

static void put_assertion(struct buf *out, struct ber v, const char *sign)
{
	struct ber name, value;

	if (!take_tag(&v, 0x04, &name) || !take_tag(&v, 0x04, &value))
		return;
	put_value(out, text_of(name));
	buf_puts(out, sign);
	put_named(out, text_of(name), text_of(value));
}

static void put_substrings(struct buf *out, struct ber v)
{
	struct ber name, parts, part;
	uint8_t tag = 0;
	bool first = true;

	if (!take_tag(&v, 0x04, &name) || !take_tag(&v, 0x30, &parts))
		return;
	put_value(out, text_of(name));
	buf_puts(out, "=");
	while (take(&parts, &tag, &part)) {
		if (!first || tag != 0x80)
			buf_puts(out, "*");
		put_named(out, text_of(name), text_of(part));
		first = false;
	}
	if (tag != 0x82)
		buf_puts(out, "*");
}

/* A rule of its own: (attribute:rule:=value). */
static void put_extensible(struct buf *out, struct ber v)
{
	struct text name = { "", 0 }, rule = name, value = name;
	struct ber part;
	uint8_t tag;

	while (take(&v, &tag, &part)) {
		if (tag == 0x81)
			rule = text_of(part);
		else if (tag == 0x82)
			name = text_of(part);
		else if (tag == 0x83)
			value = text_of(part);
	}
	put_value(out, name);
	if (rule.len) {
		buf_puts(out, ":");
		put_value(out, rule);
	}
	buf_puts(out, ":=");
	put_named(out, name, value);
}

static void put_filter(struct buf *out, uint8_t tag, struct ber v, unsigned depth)
{
	static const char *const signs[] = { [3] = "=", [5] = ">=", [6] = "<=", [8] = "~=" };
	static const char junctions[] = "&|!";
	struct ber part;
	uint8_t kind = tag & 0x1f;

	buf_puts(out, "(");
	if (depth == LIMIT_LDAP_DEPTH || out->len > LIMIT_SUMMARY) {
		buf_puts(out, "…");
	} else if (kind < 3) {
		buf_put(out, junctions + kind, 1);
		while (out->len <= LIMIT_SUMMARY && take(&v, &tag, &part))
			put_filter(out, tag, part, depth + 1);
	} else if (kind == 4) {
		put_substrings(out, v);
	} else if (kind == 7) {
		put_value(out, text_of(v));
		buf_puts(out, "=*");
	} else if (kind == 9) {
		put_extensible(out, v);
	} else if (kind <= 8) {
		put_assertion(out, v, signs[kind]);
	}
	buf_puts(out, ")");
}

static void put_search(struct ber b, struct buf *filter, struct buf *text)
{
	static const char *const scopes[] = { "base", "one", "sub", "subordinate" };
	struct ber v, list;
	uint8_t tag;

	if (!take(&b, &tag, &v))
		return;
	int64_t scope = number_of(v);
	buf_printf(text, "scope: %s\n", scope >= 0 && scope < 4 ? scopes[scope] : "?");
	for (int i = 0; i < 4; i++) /* aliases, limits, types only */
		take(&b, &tag, &v);
	if (!take(&b, &tag, &v))
		return;
	put_filter(filter, tag, v, 0);
	buf_puts(text, "filter: ");
	buf_put(text, filter->data, filter->len);
	if (!take(&b, &tag, &list))
		list = (struct ber){ v.end, v.end };
	buf_puts(text, list.at < list.end ? "\nattributes:" : "");
	while (text->len < LIMIT_RENDERED_BYTES && take(&list, &tag, &v)) {
		buf_puts(text, " ");
		put_value(text, text_of(v));
	}
	buf_puts(text, "\n");
}

static void put_modify(struct ber b, struct buf *text)
{
	static const char *const kinds[] = { "add", "delete", "replace", "increment" };
	struct ber list, change, v;
	uint8_t tag;

	if (!take_tag(&b, 0x30, &list))
		return;
	while (text->len < LIMIT_RENDERED_BYTES && take(&list, &tag, &change)) {
		if (!take(&change, &tag, &v))
			return;
		int64_t kind = number_of(v);
		buf_printf(text, "changetype: %s\n", kind >= 0 && kind < 4 ? kinds[kind] : "?");
		if (take(&change, &tag, &v))
			put_attribute(text, v);
	}
}

/* Neither a simple password nor what SASL says is told. */
static void put_bind(struct ber b, struct buf *dn, struct buf *text)
{
	struct ber v, mechanism;
	uint8_t tag;

	if (!take(&b, &tag, &v)) /* version */
		return;
	if (take(&b, &tag, &v))
		put_value(dn, text_of(v));
	if (!take(&b, &tag, &v))
		return;
	if (tag == 0xa3 && take(&v, &tag, &mechanism)) {
		buf_puts(text, "authentication: SASL ");
		put_value(text, text_of(mechanism));
	} else {
		buf_puts(text, v.at < v.end ? "authentication: simple" : "authentication: none");
	}
	buf_puts(text, "\n");
}

static const char *extension_name(struct text oid)
{
	static const struct {
		const char *oid, *name;
	} known[] = {
		{ "1.3.6.1.4.1.1466.20037", "StartTLS" },
		{ "1.3.6.1.4.1.4203.1.11.1", "Password Modify" },
		{ "1.3.6.1.4.1.4203.1.11.3", "Who am I?" },
		{ "1.3.6.1.1.8", "Cancel" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strlen(known[i].oid) == oid.len && !memcmp(known[i].oid, oid.data, oid.len))
			return known[i].name;
	return NULL;
}

/* The value may be a password: it is not told. */
static void put_extended(struct ber b, struct buf *dn)
{
	struct ber v;

	if (!take_tag(&b, 0x80, &v))
		return;
	const char *name = extension_name(text_of(v));
	if (name)
		buf_puts(dn, name);
	else
		put_value(dn, text_of(v));
}

void ldap_put_request(uint8_t op, struct ber body, struct buf *dn, struct buf *filter,
		      struct buf *text)
{
	struct ber v;
	uint8_t tag;

	if (op == LDAP_BIND) {
		put_bind(body, dn, text);
	} else if (op == LDAP_EXTENDED) {
		put_extended(body, dn);
	} else if (op == LDAP_DELETE) {
		put_value(dn, text_of(body));
	} else if (op == LDAP_ABANDON) {
		buf_printf(dn, "message %lld", (long long)number_of(body));
	} else if (op != LDAP_UNBIND && take(&body, &tag, &v)) {
		put_value(dn, text_of(v));
		if (op == LDAP_SEARCH)
			put_search(body, filter, text);
		else if (op == LDAP_MODIFY)
			put_modify(body, text);
		else if (op == LDAP_ADD && take(&body, &tag, &v))
			put_attributes(text, v);
		else if (op == LDAP_COMPARE && take(&body, &tag, &v))
			put_assertion(text, v, ": ");
		else if (op == LDAP_RENAME && take(&body, &tag, &v))
			put_value(text, text_of(v));
	}
}

void ldap_put_answer(uint8_t op, struct ber body, struct buf *text, int *ret_code,
		     struct text *ret_message)
{
	struct ber v;
	uint8_t tag;

	*ret_code = -1;
	*ret_message = (struct text){ "", 0 };
	if (op == LDAP_INTERMEDIATE || !take(&body, &tag, &v))
		return;
	if (op == LDAP_SEARCH_ENTRY) {
		buf_puts(text, "dn: ");
		put_value(text, text_of(v));
		buf_puts(text, "\n");
		if (take(&body, &tag, &v))
			put_attributes(text, v);
	} else if (op == LDAP_SEARCH_REFERENCE) {
		buf_puts(text, "ref: ");
		put_value(text, text_of(v));
		buf_puts(text, "\n");
	} else {
		*ret_code = (int)number_of(v);
		if (take(&body, &tag, &v) && take(&body, &tag, &v))
			*ret_message = text_of(v);
	}
}

const char *ldap_result_name(int code, char out[static 16])
{
	static const char *const names[] = {
		[0] = "success",
		[1] = "operationsError",
		[2] = "protocolError",
		[3] = "timeLimitExceeded",
		[4] = "sizeLimitExceeded",
		[5] = "compareFalse",
		[6] = "compareTrue",
		[7] = "authMethodNotSupported",
		[8] = "strongerAuthRequired",
		[10] = "referral",
		[11] = "adminLimitExceeded",
		[12] = "unavailableCriticalExtension",
		[13] = "confidentialityRequired",
		[14] = "saslBindInProgress",
		[16] = "noSuchAttribute",
		[17] = "undefinedAttributeType",
		[18] = "inappropriateMatching",
		[19] = "constraintViolation",
		[20] = "attributeOrValueExists",
		[21] = "invalidAttributeSyntax",
		[32] = "noSuchObject",
		[33] = "aliasProblem",
		[34] = "invalidDNSyntax",
		[36] = "aliasDereferencingProblem",
		[48] = "inappropriateAuthentication",
		[49] = "invalidCredentials",
		[50] = "insufficientAccessRights",
		[51] = "busy",
		[52] = "unavailable",
		[53] = "unwillingToPerform",
		[54] = "loopDetect",
		[64] = "namingViolation",
		[65] = "objectClassViolation",
		[66] = "notAllowedOnNonLeaf",
		[67] = "notAllowedOnRDN",
		[68] = "entryAlreadyExists",
		[69] = "objectClassModsProhibited",
		[71] = "affectsMultipleDSAs",
		[80] = "other",
	};

	if (code >= 0 && (size_t)code < sizeof(names) / sizeof(*names) && names[code])
		return names[code];
	snprintf(out, 16, "%d", code);
	return out;
}

bool ldap_result_failed(int code)
{
	return code > 0 && code != 5 && code != 6 && code != 10 && code != 14;
}
