// SPDX-License-Identifier: GPL-2.0-or-later
/* The dashboard's files, and the description of the API: embedded at build. */
#include "api/assets.h"

#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "api/problem.h"
#include "api/answer.h"
#include "api/request.h"
#include "api/handlers.h"

/* blob: for images of captured bodies, which the dashboard makes and a sandbox shows. */
#define PAGE_CSP                                                                                   \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "    \
	"connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'none'; "           \
	"frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'"

static const char *type_of(const char *name)
{
	static const char *const types[][2] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".svg", "image/svg+xml" },
		{ ".json", "application/json" },
		{ ".webmanifest", "application/manifest+json" },
		{ ".png", "image/png" },
		{ ".ico", "image/x-icon" },
		{ ".woff2", "font/woff2" },
		{ ".txt", "text/plain; charset=utf-8" },
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(types[i][0], dot))
			return types[i][1];
	return "application/octet-stream";
}

static void send_file(struct request *r, const struct embedded_file *f, const char *caching)
{
	char tag[32];

	snprintf(tag, sizeof(tag), "\"%s\"", f->hash);
	answer_header(r, MHD_HTTP_HEADER_ETAG, "%s", tag);
	answer_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "%s", caching);
	r->answer.csp = PAGE_CSP;
	if (answer_unchanged(r, tag)) {
		r->answer.status = MHD_HTTP_NOT_MODIFIED;
		return;
	}
	r->answer.status = MHD_HTTP_OK;
	r->answer.type = type_of(f->name);
	r->answer.fixed = f->data;
	r->answer.fixed_size = f->size;
}

/* What follows "/v/VERSION" in a path of this version's files, else NULL. */
static const char *versioned(const char *path)
{
	const struct embedded_file *version = embed_find(web_files, "web/version");
	size_t n = version ? strcspn(version->data, "\n") : 0;

	if (!n || strncmp(path, "/v/", 3) || strncmp(path + 3, version->data, n))
		return NULL;
	return path[3 + n] == '/' ? path + 3 + n : NULL;
}

void assets_get(struct request *r)
{
	const char *name = versioned(r->path), *caching = "private, max-age=31536000, immutable";
	const struct embedded_file *f = NULL;
	char path[256];

	if (!name) {
		name = strcmp(r->path, "/") ? r->path : "/page.html";
		caching = "no-cache";
	}
	if ((size_t)snprintf(path, sizeof(path), "web%s", name) < sizeof(path))
		f = embed_find(web_files, path);
	if (f)
		send_file(r, f, caching);
	else
		problem(r, MHD_HTTP_NOT_FOUND, NULL, "there is nothing at %.200s", r->path);
}
