/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of the TLS libraries, for parts that need to know nothing else of them. */
#ifndef CLEARTAP_LIBRARY_NAME_H
#define CLEARTAP_LIBRARY_NAME_H

#include <stdint.h>

/* What entries and queries call it: "openssl"; "" for a number that is none. */
static inline const char *library_name(uint32_t number)
{
	switch (number) {
#define LIBRARY(id, n, name, ...)                                                                  \
	case n:                                                                                    \
		return name;
#include "trace/libraries.def"
#undef LIBRARY
	}
	return "";
}

#endif
