// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/jansson_write.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_write.h"

void jansson_put_member(struct jw *j, const char *name, const json_t *value)
{
	struct buf quoted = { 0 };
	int r = buf_put_json(&quoted, name, strlen(name));

	if (!r && buf_putc(&quoted, '\0'))
		r = -ENOMEM;
	jw_fail(j, r);
	if (!j->error) {
		/* Without its quotes, which the writer puts there. */
		quoted.data[quoted.len - 2] = '\0';
		jansson_put(j, quoted.data + 1, value);
	}
	buf_free(&quoted);
}

void jansson_put_members(struct jw *j, const json_t *object)
{
	for (void *at = json_object_iter((json_t *)object); at;
	     at = json_object_iter_next((json_t *)object, at))
		jansson_put_member(j, json_object_iter_key(at), json_object_iter_value(at));
}

static void put_array(struct jw *j, const char *name, const json_t *array)
{
	jw_array(j, name);
	for (size_t i = 0; i < json_array_size(array); i++)
		jansson_put(j, NULL, json_array_get(array, i));
	jw_end_array(j);
}

void jansson_put(struct jw *j, const char *name, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		jw_object(j, name);
		jansson_put_members(j, value);
		jw_end_object(j);
		break;
	case JSON_ARRAY:
		put_array(j, name, value);
		break;
	case JSON_STRING:
		jw_text(j, name, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		jw_int(j, name, json_integer_value(value));
		break;
	case JSON_REAL:
		jw_real(j, name, json_real_value(value), 6);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		jw_bool(j, name, json_is_true(value));
		break;
	case JSON_NULL:
		jw_null(j, name);
		break;
	}
}
