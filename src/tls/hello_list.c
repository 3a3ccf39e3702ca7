// SPDX-License-Identifier: GPL-2.0-or-later
/* What all hellos share: lists of numbers and texts. */
#include <string.h>

#include "tls/hello.h"
#include "tls/tls_names.h"

/* GREASE of one byte is of PskKeyExchangeModes: 0x0b, 0x2a, 0x49, ... */
static bool means_nothing(uint16_t code, unsigned width)
{
	return width == 2 ? tls_is_grease(code) : code % 31 == 11 && code <= 0xe4;
}

struct tls_codes tls_codes_read(struct arena *a, struct unpack list, unsigned width)
{
	struct tls_codes codes = { 0 };
	size_t n = list.left / width;
	uint16_t *kept = n ? arena_alloc(a, 2 * (n < LIMIT_TLS_LIST ? n : LIMIT_TLS_LIST)) : NULL;

	for (size_t i = 0; i < n; i++) {
		uint16_t code = (uint16_t)unpack_be(&list, width);
		if (means_nothing(code, width))
			codes.grease++;
		else if (kept && codes.count < LIMIT_TLS_LIST)
			kept[codes.count++] = code;
		else
			codes.omitted++;
	}
	codes.list = kept;
	return codes;
}

struct text tls_text_copy(struct arena *a, const void *data, size_t len)
{
	struct text t = { 0 };

	if (len > LIMIT_TLS_NAME)
		len = LIMIT_TLS_NAME;
	char *copy = arena_alloc(a, len + 1);
	if (!copy)
		return t;
	if (len)
		memcpy(copy, data, len);
	copy[len] = 0;
	return (struct text){ copy, len };
}

struct tls_texts tls_texts_read(struct arena *a, struct unpack *list)
{
	struct tls_texts texts = { 0 };
	struct text *kept = NULL;

	while (list->left && !list->failed) {
		struct text t = unpack_text(list, unpack_be(list, 1));
		if (list->failed)
			break;
		if (!kept)
			kept = arena_alloc(a, LIMIT_TLS_NAMES * sizeof(*kept));
		if (kept && texts.count < LIMIT_TLS_NAMES)
			kept[texts.count++] = tls_text_copy(a, t.data, t.len);
		else
			texts.omitted++;
	}
	texts.list = kept;
	return texts;
}

struct unpack tls_list(struct unpack *u, unsigned width)
{
	struct unpack list = unpack_part(u, unpack_be(u, width));

	if (u->left)
		u->failed = true;
	return list;
}
