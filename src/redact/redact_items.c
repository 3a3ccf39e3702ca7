// SPDX-License-Identifier: GPL-2.0-or-later
/* Masks in the messages of a long exchange: each is looked through as a body is, without a type
 * unless its protocol tells one. */
#include <stdlib.h>

#include "items.h"
#include "redact/redact_internal.h"

/* *b is replaced by what is masked in it, or freed when *ret_why says why it may not be kept. */
static int mask_bytes(const struct redact *r, struct body_text *t, const char *type, struct buf *b,
		      const struct payload *gaps, struct message_masks *masks, const char **ret_why)
{
	struct body_result result;

	t->type = type;
	t->bytes = b;
	t->payload = gaps;
	int error = redact_body(r, t, &result);
	t->work = result.work;
	*ret_why = result.why;
	if (!error && (result.why || result.changed)) {
		buf_free(b);
		*b = result.text;
		result.text = (struct buf){ 0 };
	}
	for (size_t i = 0; !error && i < result.masks.count; i++)
		error = message_masks_add(masks, result.masks.list[i].kind,
					  result.masks.list[i].name);
	buf_free(&result.text);
	free(result.masks.list);
	return error;
}

int redact_items(const struct redact *r, struct items *l, const char *const types[2])
{
	struct body_text text = { .encoding = "" };
	size_t len = 0;
	int error = 0;

	for (const struct item *i = l ? l->first : NULL; i; i = i->next)
		len += i->content.bytes.len;
	text.work_max = redact_work_max(len);
	for (struct item *i = l ? l->first : NULL; i && !error; i = i->next) {
		const char *why;
		error = mask_bytes(r, &text, "", &i->name, NULL, &l->masks, &why);
		if (!error)
			error = mask_bytes(r, &text, "", &i->id, NULL, &l->masks, &why);
		if (!error)
			error = mask_bytes(r, &text,
					   i->type && types[i->from] ? types[i->from] : "",
					   &i->content.bytes, &i->content, &l->masks, &why);
		if (why)
			i->note = why;
	}
	return error;
}
