/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filters that answers propose. */
#ifndef CLEARTAP_API_QUOTE_H
#define CLEARTAP_API_QUOTE_H

struct writer;

/* A captured text as a string of KFL: as \u what could end or bend the string. */
void quote_kfl(struct writer *w, const char *text);

#endif
