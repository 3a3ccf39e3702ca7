// SPDX-License-Identifier: GPL-2.0-or-later
/* /api/openapi.json: openapi.json, with what an entry is from the rows of entry.def. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/assets.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/handlers.h"
#include "base/buf.h"
#include "base/embed.h"
#include "base/json_tree.h"
#include "fields.h"
#include "kfl/vocabulary.h"

static json_t *type_of(const struct field *f)
{
	switch (f->kind) {
	case FIELD_IS_ID:
		return json_pack("{s:s,s:i}", "type", "integer", "minimum", 1);
	case FIELD_IS_I64:
	case FIELD_IS_I32:
	case FIELD_IS_U16:
		return json_pack("{s:s}", "type", "integer");
	case FIELD_IS_ELAPSED:
		return json_pack("{s:[s,s]}", "type", "integer", "null");
	case FIELD_IS_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case FIELD_IS_TIME:
		return json_pack("{s:s,s:s}", "type", "string", "format", "date-time");
	default:
		return json_pack("{s:s}", "type", "string");
	}
}

/* NULL when out of memory. */
static json_t *schema_of(const struct field *f)
{
	json_t *schema = type_of(f), *values;
	int r = json_object_set_new(
		schema, "description",
		json_string(f->about ? f->about : field_table[f - field_rows].help));

	if (!r && f->values[0]) {
		values = json_array();
		for (size_t i = 0; !r && i < 4 && f->values[i]; i++)
			r = json_array_append_new(values, json_string(f->values[i]));
		r |= json_object_set_new(schema, "enum", values);
	}
	if (!r)
		return schema;
	json_decref(schema);
	return NULL;
}

/* The members of an entry, or of one of its ends. */
static int add_members(json_t *object, const char *end)
{
	json_t *properties = json_object_get(object, "properties");
	json_t *required = json_object_get(object, "required");
	int r = 0;

	for (const struct field *f = field_rows; !r && f->kfl; f++) {
		if (!f->member || !f->end != !end || (end && strcmp(f->end, end)))
			continue;
		r = json_object_set_new(properties, f->member, schema_of(f));
		if (!r && !f->optional)
			r = json_array_append_new(required, json_string(f->member));
	}
	return r;
}

static int add_ends(json_t *object)
{
	static const char *const ends[] = { "src", "dst" };
	json_t *properties = json_object_get(object, "properties");
	json_t *required = json_object_get(object, "required");
	int r = 0;

	for (size_t i = 0; !r && i < 2; i++) {
		r = json_object_set_new(
			properties, ends[i],
			json_pack("{s:s}", "$ref", "#/components/schemas/Endpoint"));
		r |= json_array_append_new(required, json_string(ends[i]));
	}
	return r;
}

static int describe(json_t *doc)
{
	json_t *schemas = json_object_get(json_object_get(doc, "components"), "schemas");
	json_t *entry = json_object_get(schemas, "Entry");
	json_t *detail = json_object_get(schemas, "EntryDetail");
	int r = add_members(json_object_get(schemas, "Endpoint"), "src");

	for (size_t i = 0; !r && i < 2; i++) {
		r = add_members(i ? detail : entry, NULL);
		if (!r)
			r = add_ends(i ? detail : entry);
	}
	return r ? -ENOMEM : 0;
}

static int put_document(struct buf *out)
{
	const struct embedded_file *f = embed_find(api_files, "src/api/openapi.json");
	json_t *doc = f ? json_tree((struct text){ (const char *)f->data, f->size }) : NULL;
	int r = doc ? describe(doc) : -ENOMEM;
	char *text = r ? NULL : json_dumps(doc, JSON_INDENT(1));

	r = text && !buf_puts(out, text) ? buf_putc(out, '\n') : -ENOMEM;
	free(text);
	json_decref(doc);
	return r;
}

void openapi_get(struct request *r)
{
	int e = put_document(&r->answer.body);

	reply_tagged(r, "application/json", e);
}
