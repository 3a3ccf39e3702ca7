// SPDX-License-Identifier: GPL-2.0-or-later
/* The tables of fields and functions as JSON, for completion and help. */
#include "kfl/kfl.h"

#include "base/json_write.h"
#include "kfl/vocabulary.h"

static const char *type_word(enum kfl_type type)
{
	static const char *const words[] = {
		[TYPE_BOOL] = "bool", [TYPE_NUMBER] = "number",	    [TYPE_TEXT] = "text",
		[TYPE_TIME] = "time", [TYPE_DURATION] = "duration", [TYPE_LIST] = "list",
		[TYPE_MAP] = "map",   [TYPE_TEXTS] = "text",	    [TYPE_JSON] = "any",
		[TYPE_IP] = "ip",     [TYPE_GROUP] = "group",
	};

	return words[type];
}

static void put_field(struct jw *j, const struct kfl_field *f)
{
	jw_object(j, NULL);
	jw_string(j, "name", f->name);
	jw_string(j, "type", type_word(f->type));
	jw_string(j, "help", f->help);
	jw_string(j, "example", f->example);
	jw_array(j, "aliases");
	for (size_t i = 0; i < KFL_ALIASES && f->aliases[i]; i++)
		jw_string(j, NULL, f->aliases[i]);
	jw_end_array(j);
	jw_bool(j, "available", !f->later);
	jw_end_object(j);
}

static void put_fields(struct jw *j, const char *name, bool flags)
{
	jw_array(j, name);
	for (const struct kfl_field *f = field_table; f->name; f++)
		if (flags == (bool)(f->traits & FIELD_FLAG))
			put_field(j, f);
	jw_end_array(j);
}

static void put_function(struct jw *j, const struct kfl_function *f)
{
	jw_object(j, NULL);
	jw_string(j, "name", f->name);
	jw_string(j, "type", type_word(f->result));
	jw_string(j, "signature", f->signature);
	jw_bool(j, "method", f->method);
	jw_string(j, "help", f->help);
	jw_string(j, "example", f->example);
	jw_end_object(j);
}

int kfl_put_fields_json(struct buf *out)
{
	struct jw j = jw_begin(out);

	jw_object(&j, NULL);
	put_fields(&j, "fields", false);
	jw_array(&j, "functions");
	for (const struct kfl_function *f = function_table; f->name; f++)
		put_function(&j, f);
	jw_end_array(&j);
	put_fields(&j, "flags", true);
	jw_end_object(&j);
	return jw_done(&j);
}
