// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/auth.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "api/clients.h"
#include "api/login.h"
#include "api/problem.h"
#include "api/answer.h"
#include "api/request.h"
#include "api/handlers.h"
#include "api/state.h"
#include "base/clock.h"

/* Its own style and form are all that the page may use. */
#define LOGIN_CSP                                                                                  \
	"default-src 'none'; style-src 'sha256-" LOGIN_STYLE_SHA256 "'; form-action 'self'; "      \
	"frame-ancestors 'none'; base-uri 'none'"
#define LOGIN_STYLE_SHA256 "mkOh3LrclJsvVowB3/s+/yGaK6l2uXVaOMK6w8ImY3E="

/* The hash above is of what stands between <style> and </style>; test_api checks it. */
static const char login_page[] =
	"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
	"<meta name=\"viewport\" content=\"width=device-width\"><title>"
	"cleartap: token needed</title><style>"
	"body{font:14px/1.5 system-ui,sans-serif;max-width:34em;margin:15vh auto;padding:0 "
	"16px;color:#d8dee6;background:#0f1318}"
	"a{color:#5cc8b8}"
	"input,button{font:inherit;padding:6px 10px;border:1px solid "
	"#445;border-radius:4px;background:#161b22;color:inherit}"
	"@media(prefers-color-scheme:light){body{color:#1b222b;background:#fff}"
	"a{color:#0b7566}input,button{background:#fff}}</style><h1>cleartap</h1><p>"
	"This page needs the token. Open the URL that cleartap printed when it started, or paste "
	"the token here.</p>"
	"<form action=\"/\">"
	"<input name=\"token\" type=\"password\" aria-label=\"token\" autocomplete=\"off\" "
	"autofocus required>"
	" <button>Open</button></form><p>"
	"Just opened that URL from another page? Then <a href=\"/\">go on</a>.</p></html>\n";

bool auth_token_usable(const char *token)
{
	static const char usable[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

	return *token && token[strspn(token, usable)] == '\0';
}

/* Its time depends on the length of what was given alone. */
static bool same_secret(const char *secret, const char *given)
{
	size_t n = strlen(secret), m = strlen(given);
	unsigned char difference = n != m;

	for (size_t i = 0; i < m; i++)
		difference |= (unsigned char)(given[i] ^ secret[i % n]);
	return !difference;
}

/* An address that a name server cannot point elsewhere, in or out of brackets. */
static bool is_address(const char *host, bool *ret_loopback)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char a[16];
	size_t n = strlen(host);

	if (inet_pton(AF_INET, host, a) == 1) {
		*ret_loopback = a[0] == 127;
		return true;
	}
	if (n < 4 || host[0] != '[' || host[n - 1] != ']' || n - 2 >= sizeof(text))
		return false;
	memcpy(text, host + 1, n - 2);
	text[n - 2] = '\0';
	if (inet_pton(AF_INET6, text, a) != 1)
		return false;
	*ret_loopback = IN6_IS_ADDR_LOOPBACK((struct in6_addr *)a);
	return true;
}

/* Is the name in a list between commas? */
static bool in_list(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; p && *p; p += strcspn(p, ",")) {
		p += strspn(p, ", ");
		if (!strncasecmp(p, name, n) && strchr(", ", p[n]))
			return true;
	}
	return false;
}

static bool is_our_port(const struct listener *l, const char *text)
{
	char port[8];

	snprintf(port, sizeof(port), "%u", l->port);
	return !strcmp(text, port);
}

static bool is_our_host(const struct listener *l, const char *host)
{
	char name[256];
	const char *port = strrchr(host, ':');
	bool loopback;

	/* Without a port it is the scheme's own. A colon inside brackets is part of an address. */
	if (port && strchr(port, ']'))
		port = NULL;
	size_t n = port ? (size_t)(port - host) : strlen(host);
	if (n >= sizeof(name) || !is_our_port(l, port ? port + 1 : l->tls ? "443" : "80"))
		return false;
	memcpy(name, host, n);
	name[n] = '\0';
	if (!strcasecmp(name, "localhost") || in_list(l->hosts, name))
		return true;
	return is_address(name, &loopback) && (loopback || !l->loopback);
}

static enum MHD_Result count_header(void *ctx, enum MHD_ValueKind kind, const char *name,
				    const char *value)
{
	(void)kind;
	(void)value;
	if (!strcasecmp(name, MHD_HTTP_HEADER_HOST))
		++*(unsigned *)ctx;
	return MHD_YES;
}

static bool check_host(struct request *r)
{
	const char *host = request_header(r, MHD_HTTP_HEADER_HOST);
	unsigned hosts = 0;

	MHD_get_connection_values(r->conn, MHD_HEADER_KIND, count_header, &hosts);
	if (hosts != 1) {
		problem(r, MHD_HTTP_BAD_REQUEST, NULL, "a request names its Host once");
		return false;
	}
	if (is_our_host(r->listener, host))
		return true;
	problem(r, MHD_HTTP_MISDIRECTED_REQUEST, NULL,
		"this server is not called %.200s; open it as localhost:%u, or name the host in "
		"its "
		"configuration",
		host, r->listener->port);
	return false;
}

/* Scheme, host and port of the page that asks are those of this server. */
static bool same_origin(const struct request *r, const char *origin)
{
	const char *scheme = r->listener->tls ? "https://" : "http://";
	size_t n = strlen(scheme);

	return !strncasecmp(origin, scheme, n) &&
	       !strcasecmp(origin + n, request_header(r, MHD_HTTP_HEADER_HOST));
}

/* A link or a typed address, not a script, form or picture of another site. */
static bool is_visit(const struct request *r)
{
	const char *mode = request_header(r, "Sec-Fetch-Mode");
	const char *dest = request_header(r, "Sec-Fetch-Dest");

	return r->method == METHOD_GET && r->route && r->route->flags & ROUTE_PAGE && mode &&
	       !strcmp(mode, "navigate") && dest && !strcmp(dest, "document");
}

bool auth_check_origin(struct request *r)
{
	const char *origin = request_header(r, MHD_HTTP_HEADER_ORIGIN);
	const char *site = request_header(r, "Sec-Fetch-Site");

	if (r->listener->trusted)
		return true;
	if (!check_host(r))
		return false;
	if (origin && !same_origin(r, origin)) {
		problem(r, MHD_HTTP_FORBIDDEN, NULL,
			"requests from pages of another origin are refused");
		return false;
	}
	if (site && strcmp(site, "same-origin") && strcmp(site, "none") && !is_visit(r)) {
		problem(r, MHD_HTTP_FORBIDDEN, NULL, "requests from other sites are refused");
		return false;
	}
	return true;
}

static void refuse(struct request *r, const char *why)
{
	const char *accept = request_header(r, MHD_HTTP_HEADER_ACCEPT);

	answer_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"cleartap\"");
	problem(r, MHD_HTTP_UNAUTHORIZED, NULL, "%s", why);
	if (!(r->route && r->route->flags & ROUTE_PAGE) || !accept || !strstr(accept, "text/html"))
		return;
	r->answer.type = "text/html; charset=utf-8";
	r->answer.fixed = login_page;
	r->answer.fixed_size = sizeof(login_page) - 1;
	r->answer.csp = LOGIN_CSP;
}

static int64_t now_s(void)
{
	return clock_ms(CLOCK_BOOTTIME) / 1000;
}

bool auth_check_token(struct request *r)
{
	const char *given = request_header(r, MHD_HTTP_HEADER_AUTHORIZATION);
	const struct listener *l = r->listener;
	bool bearer = given && !strncasecmp(given, "Bearer ", 7);

	if (bearer)
		given += 7 + strspn(given + 7, " ");
	else
		given = MHD_lookup_connection_value(r->conn, MHD_COOKIE_KIND, l->cookie);
	if (l->trusted || (given && bearer && same_secret(l->token, given)) ||
	    (given && !bearer && logins_use(r->api->logins, now_s(), given))) {
		clients_know(r->client);
		return true;
	}
	refuse(r, !given   ? "show the token: open the URL that cleartap printed at start, or send "
			     "\"Authorization: Bearer TOKEN\""
		  : bearer ? "this is not the token of this cleartap"
			   : "this cookie has ended: open the URL that cleartap printed at start");
	return false;
}

void auth_log_in(struct request *r, const char *token)
{
	const struct listener *l = r->listener;
	char cookie[LOGIN_COOKIE_SIZE];

	if (!l->trusted && !same_secret(l->token, token)) {
		refuse(r, "this is not the token of this cleartap");
		return;
	}
	clients_know(r->client);
	if (!l->trusted) {
		int e = logins_add(r->api->logins, now_s(), cookie);
		if (e) {
			problem_errno(r, e);
			return;
		}
		answer_header(r, MHD_HTTP_HEADER_SET_COOKIE,
			      "%s=%s; Path=/; HttpOnly; SameSite=Strict%s", l->cookie, cookie,
			      l->tls ? "; Secure" : "");
		explicit_bzero(cookie, sizeof(cookie));
	}
	answer_header(r, MHD_HTTP_HEADER_LOCATION, "/");
	r->answer.status = MHD_HTTP_SEE_OTHER;
}
