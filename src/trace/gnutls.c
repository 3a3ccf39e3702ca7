// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * GnuTLS: its functions take (session, data, size) as SSL_read does, and return a ssize_t that is
 * no more than an int for what fits into memory that anybody sends at once. Not read are early data
 * and gnutls_record_recv_packet(), which hands out its own buffer; of a send that is tried again
 * with NULL (after GNUTLS_E_AGAIN) only the number of bytes is known.
 */
#include "trace/exports.h"
#include "trace/library.h"

int gnutls_inspect(const struct library *l, const struct library_file *f, struct inspection *ret)
{
	int r = exports_inspect(l, f, NULL, ret);

	/* from the message that says that logging is on */
	if (ret->family == l->number)
		exports_version(f->elf, "GnuTLS ", ret->version, sizeof(ret->version));
	return r;
}
