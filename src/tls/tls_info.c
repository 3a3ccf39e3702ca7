// SPDX-License-Identifier: GPL-2.0-or-later
#include "tls/tls_info.h"

#include <stddef.h>

struct tls_sealing tls_info_sealing(const struct tls_info *i)
{
	return (struct tls_sealing){ i->server.version, i->server.suite, i->server.encrypt_then_mac,
				     i->server.deflate };
}

int64_t tls_info_elapsed(const struct tls_info *i)
{
	return i->hello.time_us && i->done_us >= i->hello.time_us ? i->done_us - i->hello.time_us
								  : -1;
}

uint16_t tls_info_offered(const struct tls_info *i)
{
	uint16_t most = 0;

	for (unsigned n = 0; n < i->hello.versions.count; n++)
		if (i->hello.versions.list[n] > most)
			most = i->hello.versions.list[n];
	return most ? most : i->hello.legacy_version;
}

const struct tls_alert *tls_info_failure(const struct tls_info *i)
{
	const struct tls_alert *client = &i->alert[0], *server = &i->alert[1];
	bool from_client = client->time_us && client->level == 2;
	bool from_server = server->time_us && server->level == 2;

	if (i->done_us || (!from_client && !from_server))
		return NULL;
	return from_server && (!from_client || server->time_us < client->time_us) ? server : client;
}
