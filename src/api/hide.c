// SPDX-License-Identifier: GPL-2.0-or-later
/* The columns of an entry. */
#include "api/hide.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "api/detail.h"
#include "kfl/kfl.h"

enum kind { KIND_TEXT, KIND_WORD, KIND_I64, KIND_I32, KIND_U16, KIND_ELAPSED };

#define END(name, kind, side, member)                                                              \
	{                                                                                          \
		name, KIND_##kind, offsetof(struct entry, side.member)                             \
	}
#define FIELD(name, kind, member)                                                                  \
	{                                                                                          \
		name, KIND_##kind, offsetof(struct entry, member)                                  \
	}
/* The name of a connection has the process id in it. */
#define ENDPOINT(side)                                                                             \
	END(#side ".ip", TEXT, side, ip), END(#side ".port", U16, side, port),                     \
		END(#side ".name", TEXT, side, name), END(#side ".process", TEXT, side, process),  \
		END(#side ".pid", I32, side, pid), FIELD(#side ".pid", TEXT, connection),          \
		END(#side ".container", TEXT, side, container),                                    \
		END(#side ".pod.name", TEXT, side, pod),                                           \
		END(#side ".namespace", TEXT, side, namespace),                                    \
		END(#side ".service.name", TEXT, side, service)

/* By their names in KFL; one name may hide several. */
static const struct {
	const char *field;
	enum kind kind;
	size_t offset;
} columns[] = {
	FIELD("timestamp", I64, timestamp_us),
	FIELD("protocol", TEXT, protocol),
	FIELD("version", TEXT, version),
	FIELD("http_version", TEXT, version),
	FIELD("node", TEXT, node),
	FIELD("library", TEXT, library),
	FIELD("role", WORD, role),
	FIELD("bind", WORD, bind),
	FIELD("connection", TEXT, connection),
	FIELD("goroutine", I64, goroutine),
	ENDPOINT(src),
	ENDPOINT(dst),
	FIELD("pid", I32, src.pid),
	FIELD("pid", I32, dst.pid),
	FIELD("pid", TEXT, connection),
	FIELD("namespaces", TEXT, src.namespace),
	FIELD("namespaces", TEXT, dst.namespace),
	FIELD("pods", TEXT, src.pod),
	FIELD("pods", TEXT, dst.pod),
	FIELD("services", TEXT, src.service),
	FIELD("services", TEXT, dst.service),
	FIELD("elapsed_time", ELAPSED, elapsed_us),
	FIELD("elapsedTime", ELAPSED, elapsed_us),
	FIELD("server_elapsed_time", ELAPSED, server_elapsed_us),
	FIELD("ends", WORD, ends),
	FIELD("method", TEXT, method),
	FIELD("path", TEXT, path),
	FIELD("path", TEXT, summary),
	FIELD("url", TEXT, host),
	FIELD("url", TEXT, path),
	FIELD("url", TEXT, query_string),
	FIELD("url", TEXT, summary),
	FIELD("query_string", TEXT, query_string),
	FIELD("query_string", TEXT, summary),
	FIELD("host", TEXT, host),
	FIELD("status_code", I32, status_code),
	FIELD("status_code", TEXT, status),
	FIELD("status", I32, status_code),
	FIELD("status", TEXT, status),
	FIELD("request", TEXT, method),
	FIELD("request", TEXT, host),
	FIELD("request", TEXT, path),
	FIELD("request", TEXT, query_string),
	FIELD("request", TEXT, summary),
	FIELD("request", I64, request_size),
	FIELD("request_size", I64, request_size),
	FIELD("response", I32, status_code),
	FIELD("response", TEXT, status),
	FIELD("response", I64, response_size),
	FIELD("response_size", I64, response_size),
	FIELD("tls_version", TEXT, tls_version),
	FIELD("tlsx_sni", TEXT, tls_sni),
	FIELD("tlsx_cipher_suite", TEXT, tls_cipher),
	FIELD("tlsx_alpn", TEXT, tls_alpn),
	FIELD("ja3", TEXT, ja3),
	FIELD("ja4", TEXT, ja4),
	FIELD("grpc_method", TEXT, grpc_method),
	FIELD("grpc_status", TEXT, grpc_status),
	FIELD("redis_command", TEXT, redis_command),
	FIELD("redis_command", TEXT, summary),
	FIELD("redis_key", TEXT, redis_key),
	FIELD("redis_key", TEXT, redis_command),
	FIELD("redis_key", TEXT, summary),
	FIELD("redis_type", TEXT, redis_type),
	FIELD("summary", TEXT, summary),
	FIELD("lost_bytes", I64, lost_bytes),
	FIELD("truncated_bytes", I64, truncated_bytes),
	FIELD("reason", TEXT, reason),
};

static void mask_column(void *at, enum kind kind)
{
	const char **text = at;

	switch (kind) {
	case KIND_TEXT:
		*text = **text ? HIDDEN_TEXT : "";
		break;
	case KIND_WORD: /* of a few that are known */
		*text = "unknown";
		break;
	case KIND_I64:
		*(int64_t *)at = 0;
		break;
	case KIND_I32:
		*(int32_t *)at = 0;
		break;
	case KIND_U16:
		*(uint16_t *)at = 0;
		break;
	case KIND_ELAPSED:
		*(int64_t *)at = -1;
		break;
	}
}

/* "src", "src.*" and "src..name" hide all of that side. */
static bool hides(const char *path, const char *field)
{
	bool side = !strcmp(path, "src") || !strcmp(path, "dst");

	return side ? !strncmp(field, path, 3) && field[3] == '.' : !strcmp(field, path);
}

static void mask_columns(const struct kfl *filter, struct entry *e)
{
	const struct kfl_redaction *path;

	for (size_t i = 0; filter && (path = kfl_redacted(filter, i)); i++)
		for (size_t k = 0; k < sizeof(columns) / sizeof(*columns); k++)
			if (hides(path->field, columns[k].field))
				mask_column((char *)e + columns[k].offset, columns[k].kind);
}

int hide_put_entry(const struct entry *e, const struct kfl *filter, struct buf *out)
{
	struct entry copy;

	if (!filter || !kfl_redacted(filter, 0))
		return entry_put_json(e, out);
	copy = *e;
	mask_columns(filter, &copy);
	return entry_put_json(&copy, out);
}

int hide_whole(const struct entry *e, const struct kfl *filter, struct hidden *ret)
{
	const struct kfl_redaction *path;
	int r = 0;

	*ret = (struct hidden){ .e = *e, .detail = detail_load(e) };
	if (!ret->detail)
		return -ENOMEM;
	ret->asked = filter && kfl_redacted(filter, 0);
	mask_columns(filter, &ret->e);
	for (size_t i = 0; !r && filter && (path = kfl_redacted(filter, i)); i++)
		r = hide_detail(ret, path);
	return r;
}

void hide_free(struct hidden *m)
{
	json_decref(m->detail);
	buf_free(&m->made[0]);
	buf_free(&m->made[1]);
}
