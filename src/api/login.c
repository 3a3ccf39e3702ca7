// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/login.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/limits.h"
#include "base/sha256.h"

struct login {
	uint8_t hash[SHA256_SIZE];
	int64_t used_s;
	bool taken;
};

struct logins {
	pthread_mutex_t lock;
	struct login v[LIMIT_LOGINS];
};

struct logins *logins_new(void)
{
	struct logins *p = calloc(1, sizeof(*p));

	if (p)
		pthread_mutex_init(&p->lock, NULL);
	return p;
}

void logins_free(struct logins *p)
{
	if (!p)
		return;
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* A free place, or the one that was used longest ago. */
static struct login *find_place(struct logins *p)
{
	struct login *best = &p->v[0];

	for (struct login *l = p->v; l < p->v + LIMIT_LOGINS; l++) {
		if (!l->taken)
			return l;
		if (l->used_s < best->used_s)
			best = l;
	}
	return best;
}

int logins_add(struct logins *p, int64_t now_s, char ret_cookie[LOGIN_COOKIE_SIZE])
{
	unsigned char random[LOGIN_COOKIE_SIZE / 2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return errno ? -errno : -EIO;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(ret_cookie + 2 * i, 3, "%02x", random[i]);
	explicit_bzero(random, sizeof(random));
	pthread_mutex_lock(&p->lock);
	struct login *l = find_place(p);
	*l = (struct login){ .used_s = now_s, .taken = true };
	sha256(ret_cookie, strlen(ret_cookie), l->hash);
	pthread_mutex_unlock(&p->lock);
	return 0;
}

static bool same(const uint8_t *a, const uint8_t *b)
{
	unsigned difference = 0;

	for (size_t i = 0; i < SHA256_SIZE; i++)
		difference |= a[i] ^ b[i];
	return !difference;
}

bool logins_use(struct logins *p, int64_t now_s, const char *cookie)
{
	uint8_t hash[SHA256_SIZE];
	struct login *found = NULL;

	sha256(cookie, strlen(cookie), hash);
	pthread_mutex_lock(&p->lock);
	for (struct login *l = p->v; l < p->v + LIMIT_LOGINS; l++) {
		if (l->taken && now_s - l->used_s >= LIMIT_LOGIN_SECONDS)
			*l = (struct login){ 0 };
		if (same(l->hash, hash) && l->taken)
			found = l;
	}
	if (found)
		found->used_s = now_s;
	pthread_mutex_unlock(&p->lock);
	return found;
}
