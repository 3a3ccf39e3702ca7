// SPDX-License-Identifier: GPL-2.0-or-later
/* The dashboard's files, and the description of the API: embedded at build. */
#include "api/assets.h"

#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "api/problem.h"
#include "api/request.h"
#include "api/route.h"

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

static void send_file(struct request *r, const struct embedded_file *f)
{
	char tag[32];

	snprintf(tag, sizeof(tag), "\"%s\"", f->hash);
	answer_header(r, MHD_HTTP_HEADER_ETAG, "%s", tag);
	answer_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
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

void assets_get(struct request *r)
{
	const struct embedded_file *f = NULL;
	char name[256];
	const char *path = strcmp(r->path, "/") ? r->path : "/index.html";

	if ((size_t)snprintf(name, sizeof(name), "web%s", path) < sizeof(name))
		f = embed_find(web_files, name);
	if (f)
		send_file(r, f);
	else
		problem(r, MHD_HTTP_NOT_FOUND, NULL, "there is nothing at %.200s", r->path);
}

void openapi_get(struct request *r)
{
	const struct embedded_file *f = embed_find(api_files, "src/api/openapi.json");

	if (f)
		send_file(r, f);
}
