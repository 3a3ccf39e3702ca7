/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of IMAP (RFC 9051, 3501): tags, commands, responses, the literals that they announce. */
#ifndef CLEARTAP_IMAP_TEXT_H
#define CLEARTAP_IMAP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define IMAP_TAG_MOST 64

enum imap_told { IMAP_SECRET, IMAP_MECHANISM, IMAP_NOTHING, IMAP_MAILBOX, IMAP_ARGUMENTS };

struct imap_command {
	const char *name;
	enum imap_told told; /* of its arguments */
	bool asked;	     /* the server may ask the client to go on: lines without a tag */
};

/* Bytes of the tag before a space; 0: there is none. */
size_t imap_tag(const uint8_t *line, size_t len);
/* A number for the tag, neither of the first ten nor UINT64_MAX. */
uint64_t imap_key(const uint8_t *line, size_t len);
/* The command of a line, and its arguments; NULL when it is none that is known. */
const struct imap_command *imap_command(const uint8_t *line, size_t len, struct text *ret_rest);
/* May these bytes, which follow a tag, become a command or a status? */
bool imap_begun(const uint8_t *data, size_t len);
/* "OK", "NO" or "BAD" of a tagged response and the text behind it; NULL: it is none. */
const char *imap_status(const uint8_t *line, size_t len, struct text *ret_text);
/* Does an untagged response begin so? */
bool imap_untagged(const uint8_t *line, size_t len);
/* Does the line, with its end, announce a literal? Its bytes: *ret. */
bool imap_literal(const uint8_t *line, size_t len, uint64_t *ret);
/* The first argument, without its quotes. */
struct text imap_argument(struct text t);

#endif
