// SPDX-License-Identifier: GPL-2.0-or-later
#include "kfl/fields.h"

#include <string.h>

/* clang-format off */

#define HTTP_PROTOCOLS "('http','http2','grpc')"
#define DETAIL(side, member) "kfl_member(p.detail,'" side "','" member "')"

#define FLAG(n, condition, h, ...) \
	{ .name = n, .type = TYPE_BOOL, .traits = FIELD_FLAG, .sql = condition, .help = h, \
	  .example = n, .aliases = { __VA_ARGS__ } }
#define TEXT(n, column, h, ex, ...) \
	{ .name = n, .type = TYPE_TEXT, .traits = FIELD_COLUMN, .sql = "e." column, .help = h, \
	  .example = ex, .aliases = { __VA_ARGS__ } }
#define NUMBER(n, expression, h, ex, ...) \
	{ .name = n, .type = TYPE_NUMBER, .sql = expression, .help = h, .example = ex, \
	  .aliases = { __VA_ARGS__ } }
#define LIST(n, expression, h, ex) \
	{ .name = n, .type = TYPE_LIST, .sql = expression, .help = h, .example = ex }

#define ENDPOINT(side, which) \
	{ .name = side, .type = TYPE_GROUP, .help = which ": " side ".ip, " side ".port, ...", \
	  .example = side ".* == \"10.0.0.4\"", \
	  .sql = "json_array(e." side "_ip,e." side "_port,e." side "_name,e." side "_process,e." \
		 side "_pid,e." side "_container,e." side "_pod,e." side "_namespace,e." side \
		 "_service)" }, \
	TEXT(side ".ip", side "_ip", "address of " which, side ".ip in ip(\"10.0.0.0/8\")"), \
	NUMBER(side ".port", "e." side "_port", "port of " which, side ".port == 443"), \
	TEXT(side ".name", side "_name", "host name of " which, \
	     side ".name.endsWith(\".example.com\")", side ".dns"), \
	TEXT(side ".process", side "_process", "name of the program at " which, \
	     side ".process == \"curl\""), \
	NUMBER(side ".pid", "e." side "_pid", "process id at " which, side ".pid == 4242"), \
	TEXT(side ".container", side "_container", "container id at " which, \
	     side ".container.startsWith(\"4f5e\")"), \
	TEXT(side ".pod.name", side "_pod", "pod at " which, \
	     side ".pod.name.startsWith(\"web-\")", side ".pod"), \
	TEXT(side ".namespace", side "_namespace", "Kubernetes namespace at " which, \
	     side ".namespace == \"default\"", side ".pod.namespace", side ".service.namespace"), \
	TEXT(side ".service.name", side "_service", "service at " which, \
	     side ".service.name == \"api\"", side ".service")

#define MESSAGE(side, which) \
	{ .name = side, .type = TYPE_GROUP, .help = which ": " side ".headers, " side ".body, ...", \
	  .example = side "..host == \"example.com\"", .sql = "kfl_member(p.detail,'" side "','')" }, \
	{ .name = side ".headers", .type = TYPE_MAP, .traits = FIELD_ANY_CASE, \
	  .sql = DETAIL(side, "headers"), .help = "header fields of the " which, \
	  .example = side ".headers[\"content-type\"].contains(\"json\")" }, \
	{ .name = side ".cookies", .type = TYPE_MAP, .sql = DETAIL(side, "cookies"), \
	  .help = "cookies of the " which, .example = side ".cookies[\"lang\"] == \"en\"" }, \
	{ .name = side ".body", .type = TYPE_TEXT, \
	  .sql = "kfl_body(p.detail,'" side "',p." side "_body)", \
	  .help = "body of the " which ", decoded; also .json() and .xml()", \
	  .example = side ".body.json().user.name == \"ann\"" }, \
	NUMBER(side "_body_size", "kfl_number(" DETAIL(side, "body_size") ")", \
	       "bytes of the " which "'s body as sent", side "_body_size > 1000000"), \
	NUMBER(side "_headers_size", "kfl_number(" DETAIL(side, "head_size") ")", \
	       "bytes of the " which "'s start line and header fields", \
	       side "_headers_size > 8192"), \
	NUMBER(side "_size", "e." side "_size", "bytes of the whole " which " as sent", \
	       side "_size > 1000000", side "Size")

const struct kfl_field field_table[] = {
	FLAG("tls", "e.tls = 1 OR e.protocol = 'tlsx' OR e.lock = 2",
	     "all TLS traffic: read in clear, handshakes, encrypted connections"),
	FLAG("decrypted", "e.lock = 1", "TLS traffic that was read in clear (open lock)"),
	FLAG("encrypted", "e.lock = 2", "TLS traffic that stayed encrypted (closed lock)"),
	FLAG("tlsx", "e.protocol = 'tlsx'", "TLS handshakes seen on the wire"),
	FLAG("http", "e.protocol IN " HTTP_PROTOCOLS, "HTTP 1.x and 2, gRPC included"),
	FLAG("http2", "e.protocol IN ('http2','grpc')", "HTTP/2, gRPC included"),
	FLAG("grpc", "e.protocol = 'grpc'", "gRPC calls"),
	FLAG("ws", "e.protocol = 'websocket'", "WebSocket messages", "websocket"),
	FLAG("redis", "e.protocol = 'redis'", "Redis commands"),
	FLAG("postgres", "e.protocol = 'postgres'", "PostgreSQL queries", "postgresql"),
	FLAG("mysql", "e.protocol = 'mysql'", "MySQL queries"),
	FLAG("tcp", "e.protocol = 'tcp'", "connections that stayed encrypted, as connections"),
	FLAG("error", "e.complete = 0 OR e.status_code >= 400 OR "
	     "(e.protocol = 'grpc' AND e.grpc_status NOT IN ('','0','OK'))",
	     "incomplete, or a failed status"),
	FLAG("complete", "e.complete = 1", "question and answer were both seen whole"),

	FLAG("open", "e.open = 1", "it goes on: what hangs now?"),

	{ .name = "id", .type = TYPE_NUMBER, .traits = FIELD_FIXED, .sql = "e.id",
	  .help = "number of the entry", .example = "id > 1000" },
	{ .name = "timestamp", .type = TYPE_TIME, .sql = "e.timestamp", .help = "when it began",
	  .example = "timestamp > now() - duration(\"5m\")", .aliases = { "startTime" } },
	{ .name = "protocol", .type = TYPE_TEXT, .traits = FIELD_COLUMN | FIELD_LOWER,
	  .sql = "e.protocol", .help = "http, http2, grpc, websocket, redis, ..., tls, tlsx, tcp",
	  .example = "protocol == \"http\"", .aliases = { "protocol.name" } },
	TEXT("version", "version", "version of the protocol", "version == \"1.1\"",
	     "protocol.version"),
	TEXT("node", "node", "host that captured it", "node == \"host1\"", "node.name", "node_name"),
	{ .name = "lock", .type = TYPE_TEXT, .traits = FIELD_LOCK | FIELD_FIXED,
	  .sql = "CASE e.lock WHEN 1 THEN 'open' WHEN 2 THEN 'closed' ELSE 'none' END",
	  .help = "open (read in clear), closed (stayed encrypted) or none (not TLS)",
	  .example = "lock == \"open\"" },
	TEXT("library", "library", "TLS library that was read: openssl, boringssl, go",
	     "library == \"openssl\""),
	TEXT("role", "role", "side that was traced: client, server, unknown", "role == \"server\""),
	TEXT("bind", "bind", "how the addresses are known: go, nested, bio, unknown",
	     "bind == \"nested\""),
	TEXT("connection", "connection", "the connection it is of",
	     "connection == \"4242-7f3a10-1\""),
	NUMBER("pid", "CASE e.role WHEN 'server' THEN e.dst_pid ELSE e.src_pid END",
	       "process id of the traced program", "pid == 4242"),
	NUMBER("goroutine", "e.goroutine", "goroutine that did it", "goroutine == 17"),
	ENDPOINT("src", "the side that opened the connection"),
	ENDPOINT("dst", "the side that accepted the connection"),
	LIST("namespaces", "kfl_list(e.src_namespace,e.dst_namespace)",
	     "Kubernetes namespaces of both sides", "\"default\" in namespaces"),
	LIST("pods", "kfl_list(e.src_pod,e.dst_pod)", "pods of both sides",
	     "pods.exists(p, p.startsWith(\"web-\"))"),
	LIST("services", "kfl_list(e.src_service,e.dst_service)", "services of both sides",
	     "\"api\" in services"),

	{ .name = "elapsed_time", .type = TYPE_NUMBER, .traits = FIELD_MICROS,
	  .sql = "max(e.elapsed_us,0)", .help = "first byte asked to last byte answered, microseconds",
	  .example = "elapsed_time > 500000", .aliases = { "elapsed_us" } },
	{ .name = "elapsedTime", .type = TYPE_NUMBER, .traits = FIELD_MILLIS,
	  .sql = "max(e.elapsed_us,0)/1000", .help = "the same in milliseconds",
	  .example = "elapsedTime > 500" },
	{ .name = "server_elapsed_time", .type = TYPE_NUMBER, .traits = FIELD_MICROS,
	  .sql = "max(e.server_elapsed_us,0)",
	  .help = "the same as the server saw it, when both ends were traced; microseconds",
	  .example = "server_elapsed_time > 500000", .aliases = { "server_elapsed_us" } },
	TEXT("ends", "ends", "ends of the connection that were traced: client, server, both",
	     "ends == \"both\""),
	TEXT("method", "method", "method of the request, or command", "method == \"POST\"",
	     "request.method"),
	{ .name = "path", .type = TYPE_TEXT, .traits = FIELD_COLUMN | FIELD_SEGMENTS,
	  .sql = "e.path", .help = "path of the request; path[0], path.* are its segments",
	  .example = "path.startsWith(\"/api/\")",
	  .aliases = { "request.path", "request.pathSegments" } },
	{ .name = "url", .type = TYPE_TEXT,
	  .sql = "CASE e.query_string WHEN '' THEN e.path ELSE e.path||'?'||e.query_string END",
	  .help = "path and query string", .example = "url.matches(\"/api/v[0-9]+/\")",
	  .aliases = { "request.url", "request.targetUri" } },
	{ .name = "query_string", .type = TYPE_MAP, .sql = "kfl_query(e.query_string)",
	  .text_sql = "e.query_string", .help = "what follows ? in the URL, as text or by name",
	  .example = "query_string[\"id\"] == \"42\"",
	  .aliases = { "request.query", "request.queryString", "request.query_string" } },
	TEXT("host", "host", "host that the request names", "host == \"example.com\"",
	     "request.host"),
	NUMBER("status_code", "e.status_code", "status of the answer, 0 without one",
	       "status_code >= 400", "response.status", "response.status_code"),
	{ .name = "status", .type = TYPE_TEXT, .traits = FIELD_COLUMN | FIELD_NUMERIC,
	  .sql = "e.status", .help = "status as text, for protocols that have no number",
	  .example = "status == \"OK\"" },
	{ .name = "http_version", .type = TYPE_TEXT, .traits = FIELD_HTTP_VERSION,
	  .sql = "CASE WHEN e.protocol IN " HTTP_PROTOCOLS
		 " AND e.version <> '' THEN 'HTTP/'||e.version ELSE '' END",
	  .help = "HTTP/1.0, HTTP/1.1, HTTP/2", .example = "http_version == \"HTTP/1.1\"",
	  .aliases = { "request.httpVersion", "response.httpVersion" } },
	MESSAGE("request", "request"),
	MESSAGE("response", "answer"),

	TEXT("tls_version", "tls_version", "TLS version of the connection",
	     "tls_version == \"TLS 1.3\"", "tlsx_version"),
	TEXT("tlsx_sni", "tls_sni", "server name that the client asked for",
	     "tlsx_sni.endsWith(\".example.com\")", "tls_sni"),
	TEXT("tlsx_cipher_suite", "tls_cipher", "cipher suite in use",
	     "tlsx_cipher_suite.contains(\"AES_128\")", "tls_cipher"),
	LIST("tlsx_cipher_suites", "kfl_elements(kfl_member(p.detail,'tls_info','cipher_suites'))",
	     "cipher suites that the client offered",
	     "tlsx_cipher_suites.exists(s, s.contains(\"RC4\"))"),
	TEXT("tlsx_alpn", "tls_alpn", "application protocol that was agreed", "tlsx_alpn == \"h2\"",
	     "tls_alpn"),
	TEXT("ja3", "ja3", "JA3 fingerprint of the client", "ja3 != \"\""),
	TEXT("ja4", "ja4", "JA4 fingerprint of the client", "ja4.startsWith(\"t13d\")"),
	TEXT("grpc_method", "grpc_method", "gRPC method", "grpc_method.endsWith(\"/SayHello\")"),
	{ .name = "grpc_status", .type = TYPE_TEXT, .traits = FIELD_COLUMN | FIELD_NUMERIC,
	  .sql = "e.grpc_status", .help = "gRPC status", .example = "grpc and grpc_status != 0" },
	TEXT("redis_command", "redis_command", "Redis command line",
	     "redis_command.startsWith(\"GET \")"),
	TEXT("redis_key", "redis_key", "Redis key", "redis_key.startsWith(\"session:\")"),
	TEXT("redis_type", "redis_type", "Redis command name", "redis_type == \"GET\""),
	TEXT("summary", "summary", "the summary in the list", "summary.contains(\"login\")"),
	NUMBER("lost_bytes", "e.lost_bytes", "bytes that capture lost", "lost_bytes > 0"),
	NUMBER("truncated_bytes", "e.truncated_bytes", "bytes past the capture budget",
	       "truncated_bytes > 0"),
	TEXT("reason", "reason", "why the entry is not complete", "reason.contains(\"closed\")"),
	{ .name = NULL },
};

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
