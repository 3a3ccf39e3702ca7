// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/redact.h"

#include <stddef.h>
#include <string.h>

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

static void mask(struct entry *e, const char *path)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		const char **text = (const char **)((char *)e + fields[i].offset);
		if (!strcmp(fields[i].path, path) && **text)
			*text = MASK;
	}
}

int redact_put_entry(const struct entry *e, const struct kfl *filter, struct buf *out)
{
	struct entry copy;

	if (!filter || !kfl_redacted(filter, 0))
		return entry_put_json(e, out);
	copy = *e;
	for (size_t i = 0; kfl_redacted(filter, i); i++)
		mask(&copy, kfl_redacted(filter, i));
	return entry_put_json(&copy, out);
}
