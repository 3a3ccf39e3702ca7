/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a request to its handler, and from the handler's answer to the client. */
#ifndef CLEARTAP_API_DISPATCH_H
#define CLEARTAP_API_DISPATCH_H

#include <microhttpd.h>

/* An MHD_AccessHandlerCallback; ctx is the listener. */
enum MHD_Result dispatch(void *ctx, struct MHD_Connection *conn, const char *url,
			 const char *method, const char *version, const char *data, size_t *size,
			 void **request);

#endif
