// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/smtp_text.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"

/* What a command begins with, and what is told of its rest. */
static const struct smtp_command {
	const char *name, *begin;
	const char *member; /* NULL: nothing is told */
} commands[SMTP_OPS] = {
	[SMTP_OTHER] = { "", NULL, NULL },
	[SMTP_GREETING] = { "greeting", NULL, NULL },
	[SMTP_EHLO] = { "EHLO", "EHLO ", "name" },
	[SMTP_HELO] = { "HELO", "HELO ", "name" },
	[SMTP_LHLO] = { "LHLO", "LHLO ", "name" },
	[SMTP_MAIL] = { "MAIL", "MAIL FROM:", "from" },
	[SMTP_RCPT] = { "RCPT", "RCPT TO:", "to" },
	[SMTP_DATA] = { "DATA", "DATA", NULL },
	[SMTP_BDAT] = { "BDAT", "BDAT ", NULL },
	[SMTP_AUTH] = { "AUTH", "AUTH ", "mechanism" },
	[SMTP_STARTTLS] = { "STARTTLS", "STARTTLS", NULL },
	[SMTP_RSET] = { "RSET", "RSET", NULL },
	[SMTP_NOOP] = { "NOOP", "NOOP", NULL },
	[SMTP_VRFY] = { "VRFY", "VRFY ", "argument" },
	[SMTP_EXPN] = { "EXPN", "EXPN ", "argument" },
	[SMTP_HELP] = { "HELP", "HELP", NULL },
	[SMTP_ETRN] = { "ETRN", "ETRN ", "argument" },
	/* Its URL has a token that opens a mailbox. */
	[SMTP_BURL] = { "BURL", "BURL ", NULL },
	[SMTP_QUIT] = { "QUIT", "QUIT", NULL },
};

struct text smtp_line(const uint8_t *line, size_t len)
{
	len -= len && line[len - 1] == '\n';
	len -= len && line[len - 1] == '\r';
	return (struct text){ (const char *)line, len };
}

enum smtp_op smtp_op(const uint8_t *line, size_t len)
{
	struct text t = smtp_line(line, len);

	for (int i = 0; i < SMTP_OPS; i++) {
		size_t n = commands[i].begin ? strlen(commands[i].begin) : 0;
		if (!n || t.len < n || strncasecmp(t.data, commands[i].begin, n) != 0)
			continue;
		bool more = commands[i].begin[n - 1] == ' ' || commands[i].begin[n - 1] == ':';
		if (more ? t.len > n : t.len == n || t.data[n] == ' ')
			return (enum smtp_op)i;
	}
	return SMTP_OTHER;
}

const char *smtp_op_name(enum smtp_op op)
{
	return commands[op].name;
}

static void add(struct message *m, const char *name, struct text t)
{
	struct text copy = t.len ? message_text(m, t.data, t.len) : (struct text){ 0 };

	if (copy.data)
		message_add_text(m, name, copy);
}

static struct text skip_blanks(struct text t)
{
	while (t.len && (*t.data == ' ' || *t.data == '\t')) {
		t.data++;
		t.len--;
	}
	return t;
}

static struct text word(struct text t)
{
	const char *space = t.len ? memchr(t.data, ' ', t.len) : NULL;

	return space ? (struct text){ t.data, (size_t)(space - t.data) } : t;
}

/* "<path> PARAMETERS": the null path of notices is told as it is. */
static void put_path(struct message *m, const char *name, struct text t)
{
	const char *end = t.len && *t.data == '<' ? memchr(t.data, '>', t.len) : NULL;
	struct text path = word(t);

	if (end)
		path = (struct text){ t.data, (size_t)(end + 1 - t.data) };
	struct text rest = skip_blanks((struct text){ t.data + path.len, t.len - path.len });
	if (end && path.len > 2)
		path = (struct text){ path.data + 1, path.len - 2 };
	add(m, name, path);
	add(m, "parameters", rest);
}

bool smtp_is_mechanism(struct text t)
{
	for (size_t i = 0; i < t.len; i++) {
		char c = t.data[i];
		if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '_')
			return false;
	}
	return t.len && t.len <= 20;
}

void smtp_put_command(struct message *m, enum smtp_op op, const uint8_t *line, size_t len)
{
	const struct smtp_command *c = &commands[op];
	struct text t = smtp_line(line, len);

	if (!c->member)
		return;
	size_t n = strlen(c->begin);
	t = skip_blanks((struct text){ t.data + n, t.len - n });
	if (op == SMTP_MAIL || op == SMTP_RCPT)
		put_path(m, c->member, t);
	else if (op != SMTP_AUTH)
		add(m, c->member, t);
	else if (smtp_is_mechanism(word(t)))
		add(m, c->member, word(t));
}

int64_t smtp_chunk(const uint8_t *line, size_t len, bool *ret_last)
{
	struct text t = smtp_line(line, len);
	int64_t n = 0;
	size_t i = strlen("BDAT ");

	for (; i < t.len && t.data[i] >= '0' && t.data[i] <= '9'; i++) {
		if (n > INT64_MAX / 16)
			return -EPROTO;
		n = n * 10 + (t.data[i] - '0');
	}
	if (i == strlen("BDAT ") || (i < t.len && t.data[i] != ' '))
		return -EPROTO;
	t = skip_blanks((struct text){ t.data + i, t.len - i });
	*ret_last = t.len == 4 && !strncasecmp(t.data, "LAST", 4);
	return !t.len || *ret_last ? n : -EPROTO;
}

int smtp_code(const uint8_t *p, size_t len)
{
	static const char least[] = "200", most[] = "559";

	for (size_t i = 0; i < len && i < 3; i++)
		if (p[i] < least[i] || p[i] > most[i])
			return -EPROTO;
	if (len < 4)
		return 0;
	if (p[3] != ' ' && p[3] != '-' && p[3] != '\r' && p[3] != '\n')
		return -EPROTO;
	return (p[0] - '0') * 100 + (p[1] - '0') * 10 + p[2] - '0';
}

struct text smtp_enhanced(int code, struct text reply)
{
	size_t i = 1;

	if (!reply.len || reply.data[0] != '0' + code / 100 || !strchr("245", reply.data[0]))
		return (struct text){ 0 };
	for (int part = 0; part < 2; part++) {
		if (i == reply.len || reply.data[i++] != '.')
			return (struct text){ 0 };
		size_t begin = i;
		while (i < reply.len && reply.data[i] >= '0' && reply.data[i] <= '9')
			i++;
		if (i == begin || i - begin > 3)
			return (struct text){ 0 };
	}
	return i == reply.len || reply.data[i] == ' ' ? (struct text){ reply.data, i }
						      : (struct text){ 0 };
}

static void put_mail(struct payload *out, const void *data, size_t len)
{
	if (out && len)
		payload_put(out, data, len, LIMIT_MAIL_BYTES);
}

size_t smtp_mail(enum smtp_dot *dot, const uint8_t *data, size_t len, struct payload *out,
		 bool *ret_end)
{
	size_t from = 0; /* what is not in `out` yet */

	*ret_end = false;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = data[i];
		bool cr = c == '\r';
		if (*dot == DOT_TEXT) {
			const uint8_t *p = memchr(data + i, '\r', len - i);
			i = p ? (size_t)(p - data) : len;
			*dot = p ? DOT_TEXT_CR : DOT_TEXT;
		} else if (*dot == DOT_TEXT_CR) {
			*dot = c == '\n' ? DOT_LINE : cr ? DOT_TEXT_CR : DOT_TEXT;
		} else if (*dot == DOT_LINE && c == '.') {
			put_mail(out, data + from, i - from);
			from = i + 1;
			*dot = DOT_DOT;
		} else if (*dot == DOT_DOT && cr) {
			from = i + 1;
			*dot = DOT_CR;
		} else if (*dot == DOT_CR && c == '\n') {
			*ret_end = true;
			*dot = DOT_LINE;
			return i + 1;
		} else {
			if (*dot == DOT_CR)
				put_mail(out, "\r", 1);
			*dot = cr ? DOT_TEXT_CR : DOT_TEXT;
		}
	}
	put_mail(out, data + from, len - from);
	return len;
}

static const struct message_member *member(const struct message *m, const char *name)
{
	const struct message_member *p = m->own;

	while (p && strcmp(p->name, name) != 0)
		p = p->next;
	return p;
}

/* The bytes of the field that begins at `t`, with the lines that continue it. */
static size_t field_length(struct text t)
{
	size_t n = 0;

	do {
		const char *end = memchr(t.data + n, '\n', t.len - n);
		n = end ? (size_t)(end + 1 - t.data) : t.len;
	} while (n < t.len && (t.data[n] == ' ' || t.data[n] == '\t'));
	return n;
}

/* The value of a field, its lines made one. */
static void put_field(struct message *m, const char *name, struct text value)
{
	struct buf out = { 0 };

	value = skip_blanks(value);
	for (size_t i = 0; i < value.len && out.len < LIMIT_SUMMARY; i++)
		if (value.data[i] != '\r' && value.data[i] != '\n')
			buf_putc(&out, value.data[i]);
	add(m, name, (struct text){ out.data, out.len });
	buf_free(&out);
}

static void read_field(struct message *m, struct text t)
{
	static const struct {
		const char *field, *member;
	} told[] = { { "from:", "from" }, { "to:", "to" }, { "subject:", "subject" } };

	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++) {
		size_t n = strlen(told[i].field);
		if (t.len > n && !strncasecmp(t.data, told[i].field, n) &&
		    !member(m, told[i].member))
			put_field(m, told[i].member, (struct text){ t.data + n, t.len - n });
	}
}

void smtp_read_head(struct message *m)
{
	const struct payload *p = &m->body;
	struct text t = { p->bytes.data, p->bytes.len };

	/* Behind missing bytes lines may begin anywhere. */
	if (p->gap_count && p->gaps[0].offset < t.len)
		t.len = (size_t)p->gaps[0].offset;
	t.len = t.len < LIMIT_MAIL_HEAD ? t.len : LIMIT_MAIL_HEAD;
	while (t.len && *t.data != '\r' && *t.data != '\n') {
		size_t n = field_length(t);
		read_field(m, (struct text){ t.data, n });
		t = (struct text){ t.data + n, t.len - n };
	}
}
