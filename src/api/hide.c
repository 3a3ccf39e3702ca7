// SPDX-License-Identifier: GPL-2.0-or-later
/* The columns of an entry: which hide which is in the rows of entry.def. */
#include "api/hide.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "api/detail.h"
#include "base/json_write.h"
#include "fields.h"
#include "kfl/kfl.h"

static void mask(struct entry *e, const struct field *f)
{
	void *at = (char *)e + f->offset;
	const char **text = at;

	switch (f->kind) {
	case FIELD_IS_TEXT:
	case FIELD_IS_PAIRS:
		*text = **text ? HIDDEN_TEXT : "";
		break;
	case FIELD_IS_WORD:
		*text = "unknown";
		break;
	case FIELD_IS_I64:
	case FIELD_IS_TIME:
		*(int64_t *)at = 0;
		break;
	case FIELD_IS_I32:
		*(int32_t *)at = 0;
		break;
	case FIELD_IS_U16:
		*(uint16_t *)at = 0;
		break;
	case FIELD_IS_ELAPSED:
		*(int64_t *)at = -1;
		break;
	case FIELD_IS_ID:
	case FIELD_IS_BOOL:
	case FIELD_IS_LOCK:
	case FIELD_IS_OTHER:
		break;
	}
}

static void mask_repeats(struct entry *e, const struct field *f)
{
	for (size_t i = 0; i < FIELD_REPEATS && f->hides[i]; i++)
		mask(e, field_of_column(f->hides[i]));
}

static void mask_columns(const struct kfl *filter, struct entry *e)
{
	const struct kfl_redaction *path;

	for (size_t i = 0; filter && (path = kfl_redacted(filter, i)); i++) {
		for (const struct field *f = field_rows; f->kfl; f++) {
			if (!hide_asks(path, f))
				continue;
			mask(e, f);
			mask_repeats(e, f);
		}
	}
}

struct entry hide_columns(const struct entry *e, const struct kfl *filter)
{
	struct entry copy = *e;

	mask_columns(filter, &copy);
	return copy;
}

int hide_put_entry(const struct entry *e, const struct kfl *filter, struct buf *out)
{
	struct jw j = jw_begin(out);
	struct entry copy = hide_columns(e, filter);

	jw_object(&j, NULL);
	detail_put_members(&j, &copy);
	jw_end_object(&j);
	return jw_done(&j);
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
