/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Browsers that have shown the token: each gets a random cookie, of which a hash is kept here, in
 * memory alone. A cookie ends LIMIT_LOGIN_SECONDS after its last use; of more than LIMIT_LOGINS the
 * one that was used longest ago goes. Any thread may call.
 */
#ifndef CLEARTAP_API_LOGIN_H
#define CLEARTAP_API_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#define LOGIN_COOKIE_SIZE 65 /* 256 bits in hexadecimal and a NUL */

struct logins;

struct logins *logins_new(void);
void logins_free(struct logins *p);
/* Times are of a clock that only goes on. 0, or -errno when there is no randomness. */
int logins_add(struct logins *p, int64_t now_s, char ret_cookie[LOGIN_COOKIE_SIZE]);
/* Is this a cookie that was given and goes on? Its time tells nothing of those that there are. */
bool logins_use(struct logins *p, int64_t now_s, const char *cookie);

#endif
