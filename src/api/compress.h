/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLEARTAP_API_COMPRESS_H
#define CLEARTAP_API_COMPRESS_H

struct request;

/* gzip a large text answer when the client accepts it. */
void compress_answer(struct request *r);

#endif
