// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of fields and functions as JSON, for completion and help. */
#include "kfl/kfl.h"

#include <string.h>

#include "base/buf.h"
#include "kfl/fields.h"

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

static int put_field(struct buf *out, const struct kfl_field *f)
{
	int r = buf_puts(out, "{\"name\":");

	r = r ? r : buf_put_json(out, f->name, strlen(f->name));
	r = r ? r : buf_put_member(out, "type", type_word(f->type));
	r = r ? r : buf_put_member(out, "help", f->help);
	r = r ? r : buf_put_member(out, "example", f->example);
	r = r ? r : buf_puts(out, ",\"aliases\":[");
	for (size_t i = 0; !r && i < KFL_ALIASES && f->aliases[i]; i++) {
		r = i ? buf_putc(out, ',') : 0;
		r = r ? r : buf_put_json(out, f->aliases[i], strlen(f->aliases[i]));
	}
	return r ? r : buf_puts(out, "]}");
}

static int put_fields(struct buf *out, const char *name, bool flags)
{
	int r = buf_printf(out, "\"%s\":[", name);
	bool comma = false;

	for (const struct kfl_field *f = field_table; f->name && !r; f++) {
		if (flags != (bool)(f->traits & FIELD_FLAG))
			continue;
		r = comma ? buf_putc(out, ',') : 0;
		r = r ? r : put_field(out, f);
		comma = true;
	}
	return r ? r : buf_putc(out, ']');
}

static int put_function(struct buf *out, const struct kfl_function *f)
{
	int r = buf_puts(out, "{\"name\":");

	r = r ? r : buf_put_json(out, f->name, strlen(f->name));
	r = r ? r : buf_put_member(out, "type", type_word(f->result));
	r = r ? r : buf_put_member(out, "signature", f->signature);
	r = r ? r : buf_printf(out, ",\"method\":%s", f->method ? "true" : "false");
	r = r ? r : buf_put_member(out, "help", f->help);
	r = r ? r : buf_put_member(out, "example", f->example);
	return r ? r : buf_putc(out, '}');
}

int kfl_put_fields_json(struct buf *out)
{
	int r = buf_putc(out, '{');

	r = r ? r : put_fields(out, "fields", false);
	r = r ? r : buf_puts(out, ",\"functions\":[");
	for (const struct kfl_function *f = function_table; f->name && !r; f++) {
		r = f == function_table ? 0 : buf_putc(out, ',');
		r = r ? r : put_function(out, f);
	}
	r = r ? r : buf_puts(out, "],");
	r = r ? r : put_fields(out, "flags", true);
	return r ? r : buf_putc(out, '}');
}
