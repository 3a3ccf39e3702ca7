// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/dns_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAME_LABELS 127
#define CLASS_IN    1

enum {
	TYPE_A = 1,
	TYPE_NS = 2,
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	TYPE_PTR = 12,
	TYPE_MX = 15,
	TYPE_TXT = 16,
	TYPE_AAAA = 28,
	TYPE_SRV = 33,
	TYPE_DNAME = 39,
	TYPE_OPT = 41,
	TYPE_SPF = 99
};

/* A place in the message; -1 of a function says that what is there is broken. */
struct dns_cursor {
	const struct dns_message *m;
	size_t at, end;
};

static int take(struct dns_cursor *c, size_t n, uint32_t *ret)
{
	if (c->end - c->at < n)
		return -1;
	for (*ret = 0; n; n--)
		*ret = *ret << 8 | c->m->data[c->at++];
	return 0;
}

static size_t put_label(const uint8_t *p, size_t n, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] < 0x21 || p[i] > 0x7e) {
			len += (size_t)sprintf(out + len, "\\%03u", p[i]);
			continue;
		}
		if (strchr(".\\\"();@$", p[i]))
			out[len++] = '\\';
		out[len++] = (char)p[i];
	}
	out[len++] = '.';
	return len;
}

/* A name, with pointers, which lead back only, so each label is passed once. `out` of 1024. */
static int take_name(struct dns_cursor *c, char *out)
{
	size_t at = c->at, len = 0, bytes = 0, before = SIZE_MAX;
	bool followed = false;

	for (int labels = 0; labels <= NAME_LABELS; labels++) {
		if (at >= c->m->len)
			return -1;
		uint8_t n = c->m->data[at];
		if (n >> 6 == 3) {
			if (at + 2 > c->m->len)
				return -1;
			size_t to = (size_t)(n & 0x3f) << 8 | c->m->data[at + 1];
			if (!followed)
				c->at = at + 2;
			if (to >= at || to >= before)
				return -1;
			followed = true;
			at = before = to;
			continue;
		}
		if (n >> 6 || at + 1 + n > c->m->len || (bytes += 1 + n) > 255)
			return -1;
		if (!n) {
			if (!followed)
				c->at = at + 1;
			/* The root alone keeps its dot. */
			out[len > 1 ? len - 1 : len] = 0;
			if (!len)
				strcpy(out, ".");
			return c->at > c->end ? -1 : 0;
		}
		len += put_label(c->m->data + at + 1, n, out + len);
		at += 1 + n;
	}
	return -1;
}

static int take_question(struct dns_cursor *c, char *name, uint16_t *ret_type)
{
	uint32_t type, class;

	if (take_name(c, name) || take(c, 2, &type) || take(c, 2, &class))
		return -1;
	*ret_type = (uint16_t)type;
	return 0;
}

int dns_read(const uint8_t *data, size_t len, struct dns_message *ret)
{
	struct dns_cursor c = { ret, 0, len };
	uint32_t v[6];

	*ret = (struct dns_message){ .data = data, .len = len };
	for (int i = 0; i < 6; i++)
		if (take(&c, 2, &v[i]))
			return -EPROTO;
	ret->id = (uint16_t)v[0];
	ret->flags = (uint16_t)v[1];
	for (int i = 0; i < 4; i++)
		ret->count[i] = (uint16_t)v[2 + i];
	for (unsigned i = 0; i < ret->count[0]; i++) {
		char other[1024];
		uint16_t type;
		if (take_question(&c, i ? other : ret->name, i ? &type : &ret->type))
			return -EPROTO;
	}
	ret->at = c.at;
	return 0;
}

const char *dns_type_name(uint16_t type, char out[static 16])
{
	static const struct {
		uint16_t type;
		const char *name;
	} names[] = {
		{ TYPE_A, "A" },     { TYPE_NS, "NS" },	   { TYPE_CNAME, "CNAME" },
		{ TYPE_SOA, "SOA" }, { TYPE_PTR, "PTR" },  { 13, "HINFO" },
		{ TYPE_MX, "MX" },   { TYPE_TXT, "TXT" },  { TYPE_AAAA, "AAAA" },
		{ TYPE_SRV, "SRV" }, { 35, "NAPTR" },	   { TYPE_DNAME, "DNAME" },
		{ TYPE_OPT, "OPT" }, { 43, "DS" },	   { 44, "SSHFP" },
		{ 46, "RRSIG" },     { 47, "NSEC" },	   { 48, "DNSKEY" },
		{ 50, "NSEC3" },     { 51, "NSEC3PARAM" }, { 52, "TLSA" },
		{ 64, "SVCB" },	     { 65, "HTTPS" },	   { TYPE_SPF, "SPF" },
		{ 251, "IXFR" },     { 252, "AXFR" },	   { 255, "ANY" },
		{ 257, "CAA" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].type == type)
			return names[i].name;
	snprintf(out, 16, "TYPE%u", type);
	return out;
}

const char *dns_status_name(const struct dns_message *m, char out[static 16])
{
	static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
					     "NOTIMP",	"REFUSED", "YXDOMAIN", "YXRRSET",
					     "NXRRSET", "NOTAUTH", "NOTZONE" };
	unsigned code = m->flags & 15;

	if (code < sizeof(names) / sizeof(*names))
		return names[code];
	snprintf(out, 16, "RCODE%u", code);
	return out;
}

static void put_address(struct buf *out, int family, const uint8_t *p)
{
	char text[INET6_ADDRSTRLEN];

	buf_puts(out, inet_ntop(family, p, text, sizeof(text)) ? text : "");
}

static int put_strings(struct dns_cursor *c, struct buf *out)
{
	while (c->at < c->end) {
		size_t n = c->m->data[c->at++];
		if (n > c->end - c->at)
			return -1;
		buf_puts(out, " \"");
		for (; n; n--) {
			uint8_t byte = c->m->data[c->at++];
			if (byte < 0x20 || byte > 0x7e)
				buf_printf(out, "\\%03u", byte);
			else
				buf_printf(out, byte == '"' || byte == '\\' ? "\\%c" : "%c", byte);
		}
		buf_puts(out, "\"");
	}
	return 0;
}

/* Numbers, of as many bytes as the digits of `sizes` say. */
static int put_numbers(struct dns_cursor *c, const char *sizes, struct buf *out)
{
	for (uint32_t v; *sizes; sizes++) {
		if (take(c, (size_t)(*sizes - '0'), &v))
			return -1;
		buf_printf(out, " %u", v);
	}
	return 0;
}

static int put_name(struct dns_cursor *c, struct buf *out)
{
	char name[1024];

	if (take_name(c, name))
		return -1;
	buf_printf(out, " %s", name);
	return 0;
}

static int put_data(struct dns_cursor *c, uint16_t type, struct buf *out)
{
	size_t n = c->end - c->at;

	switch (type) {
	case TYPE_A:
	case TYPE_AAAA:
		if (n != (type == TYPE_A ? 4 : 16))
			return -1;
		buf_puts(out, " ");
		put_address(out, type == TYPE_A ? AF_INET : AF_INET6, c->m->data + c->at);
		return 0;
	case TYPE_NS:
	case TYPE_CNAME:
	case TYPE_PTR:
	case TYPE_DNAME:
		return put_name(c, out);
	case TYPE_MX:
		return put_numbers(c, "2", out) || put_name(c, out) ? -1 : 0;
	case TYPE_SRV:
		return put_numbers(c, "222", out) || put_name(c, out) ? -1 : 0;
	case TYPE_SOA:
		return put_name(c, out) || put_name(c, out) || put_numbers(c, "44444", out) ? -1
											    : 0;
	case TYPE_TXT:
	case TYPE_SPF:
		return put_strings(c, out);
	default:
		buf_printf(out, " \\# %zu", n); /* RFC 3597, without the bytes */
		return 0;
	}
}

static int put_record(struct dns_cursor *c, struct buf *out, unsigned *soa)
{
	uint32_t type, class, ttl, len;
	char name[1024], word[16];

	if (take_name(c, name) || take(c, 2, &type) || take(c, 2, &class) || take(c, 4, &ttl) ||
	    take(c, 2, &len) || c->end - c->at < len)
		return -1;
	struct dns_cursor data = { c->m, c->at, c->at + len };
	c->at += len;
	*soa += type == TYPE_SOA;
	if (type == TYPE_OPT)
		return 0;
	buf_printf(out, "%s %u %s%s", name, ttl, class == CLASS_IN ? "" : "? ",
		   dns_type_name((uint16_t)type, word));
	int r = put_data(&data, (uint16_t)type, out);
	buf_puts(out, "\n");
	return r;
}

int dns_put_records(const struct dns_message *m, size_t limit, struct buf *out, unsigned *ret_soa)
{
	static const char *const parts[] = { "", "; authority\n", "; additional\n" };
	struct dns_cursor c = { m, m->at, m->len };
	unsigned soa = 0;
	int r = 0;

	for (int part = 0; part < 3; part++) {
		for (unsigned i = 0; !r && i < m->count[1 + part] && out->len < limit; i++) {
			size_t before = out->len;
			if (!i)
				buf_puts(out, parts[part]);
			size_t title = out->len;
			r = put_record(&c, out, &soa) ? -EPROTO : 0;
			if (out->len == title && !i)
				out->len = before;
		}
	}
	if (ret_soa)
		*ret_soa = soa;
	return r;
}
