// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/mask.h"

#include <stddef.h>
#include <string.h>

#include "api/detail.h"
#include "entry.h"
#include "kfl/kfl.h"

#define MASK "[redacted]"

#define END(name, side, member)                                                                    \
	{                                                                                          \
		name, offsetof(struct entry, side.member)                                          \
	}
#define FIELD(name, member)                                                                        \
	{                                                                                          \
		name, offsetof(struct entry, member)                                               \
	}

/* The texts of an entry by their names in KFL; one name may mask several. */
static const struct {
	const char *path;
	size_t offset;
} fields[] = {
	END("src.ip", src, ip),
	END("src.name", src, name),
	END("src.process", src, process),
	END("src.container", src, container),
	END("src.pod.name", src, pod),
	END("src.namespace", src, namespace),
	END("src.pod.namespace", src, namespace),
	END("src.service.name", src, service),
	END("dst.ip", dst, ip),
	END("dst.name", dst, name),
	END("dst.process", dst, process),
	END("dst.container", dst, container),
	END("dst.pod.name", dst, pod),
	END("dst.namespace", dst, namespace),
	END("dst.pod.namespace", dst, namespace),
	END("dst.service.name", dst, service),
	FIELD("method", method),
	FIELD("request.method", method),
	FIELD("summary", summary),
	FIELD("path", path),
	FIELD("path", summary),
	FIELD("request.path", path),
	FIELD("request.path", summary),
	FIELD("query_string", query_string),
	FIELD("query_string", summary),
	FIELD("request.queryString", query_string),
	FIELD("request.queryString", summary),
	FIELD("url", host),
	FIELD("url", path),
	FIELD("url", query_string),
	FIELD("url", summary),
	FIELD("host", host),
	FIELD("status", status),
	FIELD("connection", connection),
	FIELD("node", node),
	FIELD("node.name", node),
	FIELD("library", library),
};

static void mask_field(struct entry *e, const char *path)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		const char **text = (const char **)((char *)e + fields[i].offset);
		if (!strcmp(fields[i].path, path) && **text)
			*text = MASK;
	}
}

void mask_entry(const struct entry *e, const struct kfl *filter, struct entry *ret)
{
	*ret = *e;
	for (size_t i = 0; filter && kfl_redacted(filter, i); i++)
		mask_field(ret, kfl_redacted(filter, i));
}

int mask_put_entry(const struct entry *e, const struct kfl *filter, struct buf *out)
{
	struct entry copy;

	if (!filter || !kfl_redacted(filter, 0))
		return entry_put_json(e, out);
	mask_entry(e, filter, &copy);
	return entry_put_json(&copy, out);
}

/* Mask the values of a list of pairs, all of them or those of one name. */
static void mask_pairs(json_t *message, const char *list, const char *name, size_t name_len)
{
	json_t *all = json_object_get(message, list), *pair;
	size_t i;

	json_array_foreach(all, i, pair)
	{
		const char *n = json_string_value(json_array_get(pair, 0));
		if (!name_len || (n && strlen(n) == name_len && !strncasecmp(n, name, name_len)))
			json_array_set_new(pair, 1, json_string(MASK));
	}
}

static void mask_member(json_t *message, const char *name)
{
	if (json_object_get(message, name))
		json_object_set_new(message, name, json_string(MASK));
}

/* One path below "request." or "response.": headers, headers.NAME, headers["NAME"], body... */
static void mask_message(json_t *message, const char *path)
{
	static const char *const lists[][2] = {
		{ "headers", "headers" },   { "cookies", "cookies" },	{ "query", "query" },
		{ "queryString", "query" }, { "trailers", "trailers" },
	};
	size_t n = strcspn(path, ".[");
	const char *name = path + n + strspn(path + n, ".[\"'");
	size_t name_len = strcspn(name, "\"']");

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		if (strlen(lists[i][0]) == n && !strncmp(lists[i][0], path, n))
			mask_pairs(message, lists[i][1], name, name_len);
	if (n == 4 && !strncmp(path, "body", 4))
		json_object_set_new(message, "body_redacted", json_true());
	/* The target repeats path and query, the header Cookie the cookies. */
	if (n == 4 && !strncmp(path, "path", 4))
		mask_member(message, "target");
	if (!strncmp(path, "query", 5))
		mask_member(message, "target");
	if (n == 7 && !strncmp(path, "cookies", 7)) {
		mask_pairs(message, "headers", "Cookie", 6);
		mask_pairs(message, "headers", "Set-Cookie", 10);
	}
	if (n == 6 && !strncmp(path, "method", 6))
		mask_member(message, "method");
}

json_t *mask_detail(const struct entry *e, const struct kfl *filter)
{
	json_t *detail = detail_load(e);
	const char *path;

	for (size_t i = 0; detail && filter && (path = kfl_redacted(filter, i)); i++) {
		json_t *request = json_object_get(detail, "request");
		if (!strncmp(path, "request.", 8))
			mask_message(request, path + 8);
		else if (!strncmp(path, "response.", 9))
			mask_message(json_object_get(detail, "response"), path + 9);
		else if (!strcmp(path, "path") || !strcmp(path, "query_string") ||
			 !strcmp(path, "url") || !strcmp(path, "summary"))
			mask_member(request, "target");
		else if (!strcmp(path, "method"))
			mask_member(request, "method");
	}
	return detail;
}
