/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may ask: the token, and the checks against DNS rebinding and cross-site requests. */
#ifndef CLEARTAP_API_AUTH_H
#define CLEARTAP_API_AUTH_H

#include <stdbool.h>

struct request;

/* May this token be carried in a header field and a cookie as it is? */
bool auth_token_usable(const char *token);
/*
 * Is the Host one of ours, and does the request come from our own pages or from no page at all?
 * False: the answer is made (400, 403, 421).
 */
bool auth_check_origin(struct request *r);
/* Does the request show the token, or the cookie of one who has? False: the answer is made (401).
 */
bool auth_check_token(struct request *r);
/* GET /?token=...: set a cookie of its own and send the browser on without the token, or 401. */
void auth_log_in(struct request *r, const char *token);

#endif
