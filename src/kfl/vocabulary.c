// SPDX-License-Identifier: GPL-2.0-or-later
#include "kfl/vocabulary.h"

#include <string.h>

/* clang-format off */

#define SINCE_NOW(n, i) \
	{ .name = n, .id = i, .plain = true, .min = 1, .max = 1, .result = TYPE_TIME, \
	  .signature = n "(n) → time", .help = "now plus n " n "; minus for the past", \
	  .example = "timestamp > " n "(-1)" }

const struct kfl_function function_table[] = {
	{ "contains", FUNCTION_CONTAINS, false, true, 1, 1, TYPE_BOOL, "x.contains(text)",
	  "x has the text somewhere", "path.contains(\"login\")" },
	{ "startsWith", FUNCTION_STARTS, false, true, 1, 1, TYPE_BOOL, "x.startsWith(text)",
	  "x begins with the text", "path.startsWith(\"/api\")" },
	{ "endsWith", FUNCTION_ENDS, false, true, 1, 1, TYPE_BOOL, "x.endsWith(text)",
	  "x ends with the text", "host.endsWith(\".com\")" },
	{ "matches", FUNCTION_MATCHES, false, true, 1, 1, TYPE_BOOL, "x.matches(pattern)",
	  "x has a match of the regular expression somewhere", "path.matches(\"v[0-9]+\")" },
	{ "size", FUNCTION_SIZE, true, true, 1, 1, TYPE_NUMBER, "size(x) → number",
	  "characters of a text, elements of a list or map", "size(request.headers) > 20" },
	{ "map_get", FUNCTION_MAP_GET, true, false, 3, 3, TYPE_TEXTS,
	  "map_get(map, name, default)", "the value of that name, or the default",
	  "map_get(request.headers, \"accept\", \"*/*\") == \"*/*\"" },
	{ "exists", FUNCTION_EXISTS, false, true, 0, 2, TYPE_BOOL, "x.exists(v, condition)",
	  "the condition holds for an element v; x.exists(): x is there",
	  "request.path.exists(s, s.startsWith(\"v\"))" },
	{ "json", FUNCTION_JSON, false, true, 0, 0, TYPE_JSON, "x.json()",
	  "what is in a text that is JSON: .name [0] [\"name\"] .* ..name",
	  "request.body.json().items.*.price > 10" },
	{ "xml", FUNCTION_XML, false, true, 0, 0, TYPE_JSON, "x.xml()",
	  "what is in a text that is XML, from the root element on; [\"@name\"] is an attribute",
	  "response.body.xml().order.id == \"7\"" },
	{ "protobuf", FUNCTION_PROTOBUF, false, true, 0, 0, TYPE_JSON, "x.protobuf()",
	  "what is in a protobuf message, by the numbers of its fields; a repeated one is a list",
	  "request.body.protobuf()[\"1\"] == 150" },
	{ "msgpack", FUNCTION_MSGPACK, false, true, 0, 0, TYPE_JSON, "x.msgpack()",
	  "what is in MessagePack; bytes are hexadecimal digits", "request.body.msgpack().id == 7" },
	{ "cbor", FUNCTION_CBOR, false, true, 0, 0, TYPE_JSON, "x.cbor()",
	  "what is in CBOR; bytes are hexadecimal digits", "response.body.cbor().items.*.n > 10" },
	{ "ip", FUNCTION_IP, true, false, 1, 1000, TYPE_IP, "ip(network, ...)",
	  "addresses and networks, for in", "src.ip in ip(\"10.0.0.0/8\", \"fe80::/10\")" },
	{ "timestamp", FUNCTION_TIMESTAMP, true, false, 1, 1, TYPE_TIME,
	  "timestamp(text) → time", "a time as in RFC 3339",
	  "timestamp > timestamp(\"2026-03-14T22:00:00Z\")" },
	{ "datetime", FUNCTION_DATETIME, true, false, 1, 1, TYPE_TIME, "datetime(text) → time",
	  "a time written month/day/year, UTC",
	  "timestamp > datetime(\"10/19/2026, 6:29:02.000 PM\")" },
	{ "duration", FUNCTION_DURATION, true, false, 1, 1, TYPE_DURATION,
	  "duration(text) → duration", "a length of time: 1h30m, 5s, 100ms",
	  "timestamp > now() - duration(\"5m\")" },
	{ "now", FUNCTION_NOW, true, false, 0, 0, TYPE_TIME, "now() → time",
	  "when the query was sent", "timestamp >= now()" },
	SINCE_NOW("seconds", FUNCTION_SECONDS),
	SINCE_NOW("minutes", FUNCTION_MINUTES),
	SINCE_NOW("hours", FUNCTION_HOURS),
	SINCE_NOW("days", FUNCTION_DAYS),
	SINCE_NOW("weeks", FUNCTION_WEEKS),
	SINCE_NOW("months", FUNCTION_MONTHS),
	SINCE_NOW("years", FUNCTION_YEARS),
	{ "limit", FUNCTION_LIMIT, true, false, 1, 1, TYPE_BOOL, "limit(n)",
	  "stop after n results", "error and limit(10)" },
	{ "redact", FUNCTION_REDACT, true, false, 1, 1000, TYPE_BOOL, "redact(path, ...)",
	  "mask these fields in what this query returns",
	  "http and redact(\"request.headers.cookie\", \"response.body.json().token\")" },
	{ .name = NULL },
};

/* clang-format on */

static bool is_name(const char *name, struct text text)
{
	return strlen(name) == text.len && !memcmp(name, text.data, text.len);
}

const struct kfl_field *field_find(struct text name)
{
	for (const struct kfl_field *f = field_table; f->name; f++) {
		if (is_name(f->name, name))
			return f;
		for (size_t i = 0; i < KFL_ALIASES && f->aliases[i]; i++)
			if (is_name(f->aliases[i], name))
				return f;
	}
	return NULL;
}

const struct kfl_function *function_find(struct text name)
{
	for (const struct kfl_function *f = function_table; f->name; f++)
		if (is_name(f->name, name))
			return f;
	return NULL;
}

bool function_decodes(const struct kfl_function *f)
{
	return f && f->id >= FUNCTION_JSON && f->id <= FUNCTION_CBOR;
}

const char *type_name(enum kfl_type type)
{
	static const char *const names[] = {
		[TYPE_BOOL] = "true or false",
		[TYPE_NUMBER] = "a number",
		[TYPE_TEXT] = "a text",
		[TYPE_TIME] = "a time",
		[TYPE_DURATION] = "a duration",
		[TYPE_REGEX] = "a regular expression",
		[TYPE_NIL] = "nil",
		[TYPE_LIST] = "a list",
		[TYPE_MAP] = "a map",
		[TYPE_TEXTS] = "a text",
		[TYPE_JSON] = "a value",
		[TYPE_IP] = "a set of addresses",
		[TYPE_GROUP] = "a group of fields",
	};

	return names[type];
}
