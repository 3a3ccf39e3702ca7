// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/known.h"

#include <stdbool.h>
#include <string.h>

/* What a direction begins with; `within` (NULL: nothing) must follow in its first line. */
static const struct known_mark {
	const char *name;
	const char *bytes;
	size_t len;
	const char *within;
} marks[] = {
#define MARK(name, bytes)                                                                          \
	{                                                                                          \
		name, bytes, sizeof(bytes) - 1, NULL                                               \
	}
#define MARK_LINE(name, bytes, w)                                                                  \
	{                                                                                          \
		name, bytes, sizeof(bytes) - 1, w                                                  \
	}
	MARK("SSH", "SSH-2.0-"),
	MARK("SSH", "SSH-1.99-"),
	MARK("TLS inside TLS", "\x16\x03\x00"),
	MARK("TLS inside TLS", "\x16\x03\x01"),
	MARK("TLS inside TLS", "\x16\x03\x02"),
	MARK("TLS inside TLS", "\x16\x03\x03"),
	MARK("AMQP 1.0", "AMQP\x00\x01\x00\x00"),
	MARK("AMQP 1.0", "AMQP\x02\x01\x00\x00"),
	MARK("AMQP 1.0", "AMQP\x03\x01\x00\x00"),
	MARK("NATS", "INFO {"),
	MARK("NATS", "CONNECT {"),
	MARK("STOMP", "STOMP\n"),
	MARK("STOMP", "CONNECTED\n"),
	MARK("VNC", "RFB 003."),
	MARK("BitTorrent", "\x13"
			   "BitTorrent protocol"),
	MARK("NBD", "NBDMAGIC"),
	MARK("SPICE", "REDQ"),
	MARK("FIX", "8=FIX"),
	MARK("ManageSieve", "\"IMPLEMENTATION\" \""),
	MARK("XMPP", "<stream:stream"),
	MARK_LINE("XMPP", "<?xml ", "<stream:stream"),
	MARK("POP3", "+OK "),
	MARK("POP3", "CAPA\r\n"),
	MARK_LINE("FTP", "220", "FTP"),
	MARK("FTP", "AUTH TLS\r\n"),
	MARK("FTP", "PBSZ 0\r\n"),
	MARK_LINE("NNTP", "200 ", "NNTP"),
	MARK_LINE("NNTP", "201 ", "NNTP"),
	MARK_LINE("RTSP", "OPTIONS ", " RTSP/1.0"),
	MARK_LINE("RTSP", "DESCRIBE ", " RTSP/1.0"),
	MARK("RTSP", "RTSP/1.0 "),
	MARK_LINE("SIP", "INVITE ", " SIP/2.0"),
	MARK_LINE("SIP", "REGISTER ", " SIP/2.0"),
	MARK_LINE("SIP", "OPTIONS ", " SIP/2.0"),
	MARK_LINE("SIP", "SUBSCRIBE ", " SIP/2.0"),
	MARK_LINE("SIP", "NOTIFY ", " SIP/2.0"),
	MARK_LINE("SIP", "MESSAGE ", " SIP/2.0"),
	MARK("SIP", "SIP/2.0 "),
	MARK("IRC", "CAP LS"),
	MARK_LINE("IRC", "NICK ", ""),
	MARK_LINE("IRC", ":", " NOTICE "),
	MARK_LINE("IRC", ":", " 001 "),
#undef MARK
#undef MARK_LINE
};

static bool is_mark(const struct known_mark *m, const uint8_t *data, size_t len)
{
	if (len < m->len || memcmp(data, m->bytes, m->len))
		return false;
	if (!m->within)
		return true;
	/* Of XML the first line is the declaration alone, so look at the second as well. */
	const uint8_t *end = memchr(data, '\n', len);
	if (end && *data == '<')
		end = memchr(end + 1, '\n', len - (size_t)(end + 1 - data));
	size_t line = end ? (size_t)(end - data) : len < 512 ? len : 512;
	return memmem(data, line, m->within, strlen(m->within)) != NULL;
}

static uint32_t be(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

/* Version, flags, stream, opcode, and a length that fits. */
static bool is_cassandra(const uint8_t *p, size_t len)
{
	uint8_t version = p[0] & 0x7f;

	return len >= 9 && version >= 3 && version <= 5 && p[1] < 0x20 && p[4] <= 0x10 &&
	       be(p + 5, 4) == len - 9;
}

/* A pre-login or login packet of its own length. */
static bool is_tds(const uint8_t *p, size_t len)
{
	return len >= 8 && (p[0] == 0x12 || p[0] == 0x10) && p[1] == 1 && be(p + 2, 2) == len &&
	       !p[4] && !p[5] && !p[7];
}

static bool is_stun(const uint8_t *p, size_t len)
{
	return len >= 20 && p[0] < 4 && be(p + 4, 4) == 0x2112a442 && !(be(p + 2, 2) & 3);
}

/* Octet counting of RFC 5425: "87 <34>1 ". */
static bool is_syslog(const uint8_t *p, size_t len)
{
	size_t i = 0;

	while (i < len && i < 6 && p[i] >= '0' && p[i] <= '9')
		i++;
	if (!i || len - i < 4 || p[i] != ' ' || p[i + 1] != '<')
		return false;
	for (i += 2; i < len && p[i] >= '0' && p[i] <= '9';)
		i++;
	return i + 1 < len && p[i] == '>' && p[i + 1] == '1';
}

static bool is_rdp(const uint8_t *p, size_t len)
{
	return len >= 7 && p[0] == 3 && !p[1] && be(p + 2, 2) == len && p[5] >> 4 >= 0xd;
}

static bool is_zmtp(const uint8_t *p, size_t len)
{
	return len >= 10 && p[0] == 0xff && p[9] == 0x7f;
}

static bool is_elasticsearch(const uint8_t *p, size_t len)
{
	return len >= 6 && p[0] == 'E' && p[1] == 'S' && be(p + 2, 4) == len - 6;
}

/* A connect packet of its own length, with a connect descriptor in it. */
static bool is_tns(const uint8_t *p, size_t len)
{
	return len >= 34 && be(p, 2) == len && !be(p + 2, 2) && p[4] == 1 && !p[5] &&
	       be(p + 8, 2) >= 300 && be(p + 8, 2) < 400 &&
	       (memmem(p, len, "(DESCRIPTION=", 13) || memmem(p, len, "(CONNECT_DATA=", 14));
}

/* The name of a method. */
static bool is_identifier(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!(p[i] >= 'a' && p[i] <= 'z') && !(p[i] >= 'A' && p[i] <= 'Z') &&
		    !(p[i] >= '0' && p[i] <= '9') && p[i] != '_' && p[i] != '.' && p[i] != ':')
			return false;
	return len > 0;
}

/* Strict binary or compact protocol, from its version to the name of its method. */
static bool is_thrift_message(const uint8_t *p, size_t len)
{
	if (len < 4)
		return false;
	if (p[0] == 0x80) {
		uint32_t name = len < 12 ? 0 : be(p + 4, 4);
		return p[1] == 1 && !p[2] && p[3] >= 1 && p[3] <= 4 && name < 256 &&
		       name + 12 <= len && is_identifier(p + 8, name);
	}
	size_t at = 2;
	if (p[0] != 0x82 || (p[1] & 0x1f) != 1 || p[1] >> 5 < 1 || p[1] >> 5 > 4)
		return false;
	while (at < 7 && at < len && p[at] & 0x80)
		at++;
	if (at + 2 > len || at == 7)
		return false;
	return p[at + 1] < 0x80 && p[at + 1] + at + 2 <= len &&
	       is_identifier(p + at + 2, p[at + 1]);
}

/* Framed or not. */
static bool is_thrift(const uint8_t *p, size_t len)
{
	return is_thrift_message(p, len) ||
	       (len > 4 && be(p, 4) == len - 4 && is_thrift_message(p + 4, len - 4));
}

/* "WORD key NUMBER NUMBER..." to the end of the line: so many numbers at least. */
static bool has_numbers(const uint8_t *p, size_t len, const char *word, int least)
{
	size_t n = strlen(word), spaces = 0;
	bool digit = false;

	if (len < n || memcmp(p, word, n) != 0)
		return false;
	for (size_t i = n; i < len && p[i] != '\r'; i++) {
		if (p[i] == ' ' && ++spaces > 1 && !digit)
			return false;
		if (p[i] == ' ')
			digit = false;
		else if (spaces && !(p[i] >= '0' && p[i] <= '9'))
			return false;
		else
			digit = spaces > 0;
		if (i + 2 < len && p[i + 1] == '\r')
			return p[i + 2] == '\n' && digit && spaces >= (size_t)least;
	}
	return false;
}

/* What stores and what answers, whose numbers say so; a request or an answer in binary. */
static bool is_memcached(const uint8_t *p, size_t len)
{
	static const char *const stores[] = { "set ", "add ", "replace ", "append ", "prepend " };

	for (size_t i = 0; i < sizeof(stores) / sizeof(*stores); i++)
		if (has_numbers(p, len, stores[i], 3))
			return true;
	if (has_numbers(p, len, "VALUE ", 2) || (len >= 9 && !memcmp(p, "STAT pid ", 9)))
		return true;
	return len >= 24 && (p[0] == 0x80 || p[0] == 0x81) && p[1] < 0x50 && !p[5] &&
	       be(p + 8, 4) == len - 24 && be(p + 2, 2) + p[4] <= be(p + 8, 4);
}

/* The first frame of a client, with a header that only this one has. */
static bool is_stomp(const uint8_t *p, size_t len)
{
	const uint8_t *end = memmem(p, len, "\n\n", 2);
	size_t head = end ? (size_t)(end - p) : 0;

	end = end ? end : memmem(p, len, "\r\n\r\n", 4);
	head = head ? head : end ? (size_t)(end - p) : 0;
	return (head > 9 && (!memcmp(p, "CONNECT\n", 8) || !memcmp(p, "CONNECT\r\n", 9))) &&
	       memmem(p, head, "\naccept-version:", 16);
}

const char *known_protocol(const uint8_t *data, size_t len)
{
	static const struct {
		const char *name;
		bool (*is)(const uint8_t *data, size_t len);
	} shapes[] = {
		{ "Cassandra", is_cassandra },
		{ "TDS (SQL Server)", is_tds },
		{ "STUN", is_stun },
		{ "syslog", is_syslog },
		{ "RDP", is_rdp },
		{ "ZeroMQ", is_zmtp },
		{ "Elasticsearch transport", is_elasticsearch },
		{ "Oracle TNS", is_tns },
		{ "Thrift", is_thrift },
		{ "memcached", is_memcached },
		{ "STOMP", is_stomp },
	};

	if (!len)
		return NULL;
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (is_mark(&marks[i], data, len))
			return marks[i].name;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		if (shapes[i].is(data, len))
			return shapes[i].name;
	return NULL;
}
