// SPDX-License-Identifier: GPL-2.0-or-later
/* Secrets that are known by what they look like, wherever they stand. */
#include <string.h>
#include <strings.h>
#include "redact/secret_scan.h"

#define BASIC_LOOKED_AT 1024 /* bytes of "Basic ..." that are decoded to find its colon */

/* Tokens with a prefix of their issuer, and how many bytes they have at least, prefix included. */
static const struct prefix {
	const char *text, *name;
	size_t least;
} prefixes[] = {
	{ "AGE-SECRET-KEY-1", "age key", 40 },
	{ "AIza", "Google key", 35 },
	{ "ATATT3", "Atlassian token", 24 },
	{ "EAAA", "Facebook token", 60 },
	{ "LS0tLS1CRUdJTi", "base64 of a key", 40 },
	{ "NRAK-", "New Relic key", 24 },
	{ "SG.", "SendGrid key", 40 },
	{ "dckr_pat_", "Docker token", 24 },
	{ "dop_v1_", "DigitalOcean token", 24 },
	{ "doo_v1_", "DigitalOcean token", 24 },
	{ "eyJhdXRocyI6", "registry credentials", 20 },
	{ "figd_", "Figma token", 24 },
	{ "gho_", "GitHub token", 24 },
	{ "ghp_", "GitHub token", 24 },
	{ "ghr_", "GitHub token", 24 },
	{ "ghs_", "GitHub token", 24 },
	{ "ghu_", "GitHub token", 24 },
	{ "github_pat_", "GitHub token", 24 },
	{ "glcbt-", "GitLab token", 20 },
	{ "gldt-", "GitLab token", 20 },
	{ "glpat-", "GitLab token", 20 },
	{ "glptt-", "GitLab token", 20 },
	{ "glrt-", "GitLab token", 20 },
	{ "glsa_", "Grafana token", 24 },
	{ "gsk_", "Groq key", 24 },
	{ "hf_", "Hugging Face token", 24 },
	{ "hvb.", "Vault token", 24 },
	{ "hvs.", "Vault token", 24 },
	{ "lin_api_", "Linear key", 24 },
	{ "npm_", "npm token", 24 },
	{ "pypi-", "PyPI token", 24 },
	{ "rk_live_", "Stripe key", 20 },
	{ "rk_test_", "Stripe key", 20 },
	{ "shpat_", "Shopify token", 24 },
	{ "shpca_", "Shopify token", 24 },
	{ "shppa_", "Shopify token", 24 },
	{ "shpss_", "Shopify token", 24 },
	{ "sk_live_", "Stripe key", 20 },
	{ "sk_test_", "Stripe key", 20 },
	{ "sq0atp-", "Square token", 24 },
	{ "sq0csp-", "Square token", 24 },
	{ "whsec_", "webhook secret", 20 },
	{ "xapp-", "Slack token", 20 },
	{ "xoxa-", "Slack token", 20 },
	{ "xoxb-", "Slack token", 16 },
	{ "xoxe", "Slack token", 20 },
	{ "xoxo-", "Slack token", 20 },
	{ "xoxp-", "Slack token", 16 },
	{ "xoxr-", "Slack token", 20 },
	{ "xoxs-", "Slack token", 20 },
	{ "ya29.", "Google token", 20 },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_token68(char c)
{
	return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~' || c == '+' ||
	       c == '/' || c == '=';
}

/* "/", "+" or "=" in a URL */
static bool is_encoded68(const char *text, size_t len)
{
	return len > 2 && *text == '%' &&
	       (!strncasecmp(text, "%2f", 3) || !strncasecmp(text, "%2b", 3) ||
		!strncasecmp(text, "%3d", 3));
}

struct letters {
	bool digit, lower, upper, other;
};

static struct letters letters_of(const char *text, size_t len)
{
	struct letters l = { 0 };

	for (size_t i = 0; i < len; i++) {
		l.digit |= is_digit(text[i]);
		l.lower |= text[i] >= 'a' && text[i] <= 'z';
		l.upper |= text[i] >= 'A' && text[i] <= 'Z';
		l.other |= !is_token68(text[i]) || text[i] == '.';
	}
	return l;
}

bool shape_is_random(const char *text, size_t len)
{
	if (len < 16 || len > 4096)
		return false;
	struct letters l = letters_of(text, len);
	return l.digit && (l.lower || l.upper) && !l.other;
}

static bool is_jwt(const char *text, size_t len)
{
	return len >= 20 && !memcmp(text, "eyJ", 3) && memchr(text, '.', len);
}

/* AKIA or ASIA and sixteen of A-Z and 0-9. */
static bool is_aws_id(const char *text, size_t len)
{
	if (len != 20 || text[0] != 'A' || text[3] != 'A' ||
	    !(text[1] == 'K' || text[1] == 'S' || text[1] == 'B') || text[2] != 'I')
		return false;
	struct letters l = letters_of(text, len);
	return !l.lower && !l.other && !memchr(text, '-', len);
}

/* OpenAI's, Anthropic's and others' */
static bool is_sk(const char *text, size_t len)
{
	if (len < 20 || memcmp(text, "sk-", 3) != 0)
		return false;
	struct letters l = letters_of(text + 3, len - 3);
	return l.digit && (l.upper || !memchr(text + 3, '-', len - 3));
}

static const char *find_prefix(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		const struct prefix *p = &prefixes[i];
		if (p->text[0] == text[0] && p->text[1] == text[1] && len >= p->least &&
		    !strncmp(text, p->text, strlen(p->text)))
			return p->name;
	}
	return NULL;
}

static const char *word_name(const char *text, size_t len)
{
	if (*text == 'e' && is_jwt(text, len))
		return "JWT";
	if (*text == 'A' && is_aws_id(text, len))
		return "AWS key";
	if (*text == 's' && is_sk(text, len))
		return "secret key";
	return find_prefix(text, len);
}

/* ISO/IEC 7812: the networks' prefixes and lengths, and the check digit. */
static bool is_card(const char *digits, size_t n)
{
	int two = (digits[0] - '0') * 10 + digits[1] - '0';
	int four = two * 100 + (digits[2] - '0') * 10 + digits[3] - '0';
	bool known = n == 16 ? digits[0] == '4' || (two >= 51 && two <= 55) ||
				       (four >= 2221 && four <= 2720) || four == 6011 ||
				       (two >= 64 && two <= 65) || two == 35 || two == 62
		     : n == 15 ? two == 34 || two == 37
		     : n == 14 ? two == 36 || two == 38 || two == 30
			       : false;
	unsigned sum = 0;

	for (size_t i = 0; known && i < n; i++) {
		unsigned d = (unsigned)(digits[i] - '0');
		if ((n - i) % 2 == 0)
			d = d > 4 ? 2 * d - 9 : 2 * d;
		sum += d;
	}
	return known && sum % 10 == 0;
}

/* Digits, maybe in groups with a blank or "-" between; the end of a card's number or 0. */
static size_t find_card(const char *text, size_t len, size_t start)
{
	char digits[20];
	size_t n = 0, i = start;

	for (; i < len && n < sizeof(digits); i++) {
		if (is_digit(text[i]))
			digits[n++] = text[i];
		else if (!(text[i] == ' ' || text[i] == '-' || text[i] == '+') || i + 1 >= len ||
			 !is_digit(text[i + 1]) || n < 4 || n > 13)
			break;
	}
	if (n < 14 || n > 16 || (i < len && (is_alnum(text[i]) || text[i] == '_')))
		return 0;
	if (i + 1 < len && text[i] == '.' && is_digit(text[i + 1]))
		return 0;
	return is_card(digits, n) ? i : 0;
}

static int base64_value(char c)
{
	return c >= 'A' && c <= 'Z'   ? c - 'A'
	       : c >= 'a' && c <= 'z' ? c - 'a' + 26
	       : is_digit(c)	      ? c - '0' + 52
	       : c == '+' || c == '-' ? 62
	       : c == '/' || c == '_' ? 63
				      : -1;
}

/* Does it decode to user:password (RFC 7617)? */
static bool is_user_pass(const char *text, size_t len)
{
	unsigned bits = 0;
	bool colon = false;

	for (size_t i = 0, n = 0; i < len && i < BASIC_LOOKED_AT; i++) {
		int v = base64_value(text[i]);
		if (v < 0)
			break;
		bits = bits << 6 | (unsigned)v;
		if (++n % 4 == 1)
			continue;
		unsigned char c = (bits >> (2 * (3 - (n + 3) % 4))) & 0xff;
		colon |= c == ':';
		if (c < ' ')
			return false;
	}
	return colon;
}

/* The blank after a scheme, "%20" and "+" in URLs; its length. */
static size_t blank_length(const char *text, size_t len)
{
	if (len > 1 && (*text == ' ' || *text == '+'))
		return 1;
	return len > 3 && !memcmp(text, "%20", 3) ? 3 : 0;
}

/* "Basic" or "Bearer" and what follows; the end of the credentials or 0. */
static size_t find_scheme(const char *text, size_t len, size_t start, size_t end, size_t *ret_start)
{
	bool basic = end - start == 5 && !strncasecmp(text + start, "basic", 5);

	if (!basic && !(end - start == 6 && !strncasecmp(text + start, "bearer", 6)))
		return 0;
	size_t i = end, blank = blank_length(text + end, len - end);
	i += blank;
	*ret_start = i;
	/* A "+" that is a blank ends it too: no byte is looked at twice. */
	char stop = blank && text[end] == ' ' ? '\0' : '+';
	while (i < len && text[i] != stop &&
	       (is_token68(text[i]) || is_encoded68(text + i, len - i)))
		i++;
	size_t n = i - *ret_start;
	if (!blank || n < 6)
		return 0;
	if (basic)
		return is_user_pass(text + *ret_start, n) ? i : 0;
	struct letters l = letters_of(text + *ret_start, n < 4096 ? n : 4096);
	return l.digit || (l.lower && l.upper && n >= 16) || n >= 30 ? i : 0;
}

/* RFC 7468: what is between the lines of a private key; without its end, up to a quote. */
static size_t find_pem(const char *text, size_t len, size_t start, size_t end, size_t *ret_start)
{
	static const char begin[] = "-----BEGIN", last[] = "-----END";

	if (end - start != strlen(begin) || memcmp(text + start, begin, strlen(begin)) != 0)
		return 0;
	size_t line = len - end < 48 ? len - end : 48;
	const char *key = memmem(text + end, line, "PRIVATE KEY", 11);
	if (!key)
		return 0;
	size_t i = (size_t)(key - text) + 11;
	while (i < len && (text[i] == '-' || text[i] == ' '))
		i++;
	*ret_start = i;
	const char *quote = memchr(text + i, '"', len - i);
	size_t limit = quote ? (size_t)(quote - text) : len;
	const char *at = memmem(text + i, limit - i, last, strlen(last));
	return at ? (size_t)(at - text) : limit;
}

/* The secret part of an incoming webhook's address is its path. */
static size_t find_hook(const char *text, size_t len, size_t start, size_t end, size_t *ret_start)
{
	static const char slack[] = "hooks.slack.com";
	static const char services[] = "/services/";

	if (end - start != strlen(slack) || memcmp(text + start, slack, strlen(slack)) != 0 ||
	    len - end < strlen(services) || memcmp(text + end, services, strlen(services)) != 0)
		return 0;
	size_t i = *ret_start = end + strlen(services);
	while (i < len && (is_alnum(text[i]) || text[i] == '/'))
		i++;
	return i;
}

size_t shape_find(const char *text, size_t len, size_t start, size_t end, bool broad,
		  size_t *ret_start, const char **ret_name)
{
	size_t found;

	if (!broad)
		return 0;
	*ret_start = start;
	*ret_name = "card number";
	if (is_digit(text[start]))
		return text[start] >= '2' && text[start] <= '6' ? find_card(text, len, start) : 0;
	*ret_name = "credentials";
	if ((text[start] | 0x20) == 'b' && (found = find_scheme(text, len, start, end, ret_start)))
		return found;
	*ret_name = "private key";
	if (text[start] == '-' && (found = find_pem(text, len, start, end, ret_start)))
		return found;
	while (start < end && (text[start] == '-' || text[start] == '.' || text[start] == '_'))
		start++;
	if (end - start < SHAPE_LEAST)
		return 0;
	*ret_name = "webhook";
	if (text[start] == 'h' && (found = find_hook(text, len, start, end, ret_start)))
		return found;
	*ret_start = start;
	*ret_name = word_name(text + start, end - start);
	return *ret_name ? end : 0;
}
