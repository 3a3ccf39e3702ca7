// SPDX-License-Identifier: GPL-2.0-or-later
#include "tls/overhead.h"

#include <string.h>

#include "tls/tls_info.h"
#include "tls/tls_names.h"

#define TLS_1_3 0x0304
#define TLS_1_1 0x0302
#define SSL_3	0x0300

/* Bytes of each record that are not plaintext: these, and padding of 1 to `padding`. */
struct seal_cost {
	unsigned fixed, padding;
};

static bool has(const char *name, const char *part)
{
	return strstr(name, part) != NULL;
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && !strcmp(name + n - m, end);
}

/* Of HMAC with the hash that the name ends in. */
static unsigned mac_size(const char *name)
{
	return ends_in(name, "_SHA256") || ends_in(name, "_SM3") ? 32
	       : ends_in(name, "_SHA384")			 ? 48
	       : ends_in(name, "_MD5")				 ? 16
	       : ends_in(name, "_SHA")				 ? 20
								 : 0;
}

static unsigned tag_size(const char *name)
{
	if (has(name, "_CCM_8"))
		return 8;
	return has(name, "_GCM") || has(name, "_CCM") || has(name, "CHACHA20") || has(name, "AEGIS")
		       ? 16
		       : 0;
}

/* RFC 8446 5.2: a byte of type; RFC 9150: suites that only protect integrity. */
static bool cost_1_3(const char *name, struct seal_cost *ret)
{
	unsigned tag = tag_size(name);

	if (!tag && !has(name, "_WITH_") && !has(name, "SCSV"))
		tag = mac_size(name);
	ret->fixed = 1 + tag;
	return tag != 0;
}

/* RFC 5246 6.2.3, 5288, 6655, 7366, 7905: `name` is all that tells. */
static bool cost_1_2(const char *name, uint16_t version, struct seal_cost *ret)
{
	unsigned block = has(name, "DES") || has(name, "IDEA") || has(name, "RC2") ? 8 : 16;
	unsigned tag = tag_size(name);

	if (tag) {
		ret->fixed = tag + (has(name, "CHACHA20") ? 0 : 8);
		return has(name, "_WITH_");
	}
	ret->fixed = mac_size(name);
	if (has(name, "_CBC_")) {
		ret->fixed += version >= TLS_1_1 ? block : 0;
		ret->padding = version == SSL_3 ? block : 256;
	} else if (!has(name, "_RC4_") && !has(name, "_NULL_")) {
		return false;
	}
	return ret->fixed != 0 || !strcmp(name, "TLS_NULL_WITH_NULL_NULL");
}

/* Without wrapping. */
static uint64_t less(uint64_t bytes, uint64_t records, uint64_t each)
{
	uint64_t cost;

	return __builtin_mul_overflow(records, each, &cost) || cost > bytes ? 0 : bytes - cost;
}

bool tls_plain_bounds(const struct tls_sealing *s, uint64_t records, uint64_t bytes,
		      uint64_t *ret_min, uint64_t *ret_max)
{
	const char *name = tls_name(TLS_SUITES, s->suite);
	struct seal_cost cost = { 0 };
	bool new = s->version >= TLS_1_3;

	*ret_min = 0;
	*ret_max = bytes;
	if (!name || !(new ? cost_1_3(name, &cost) : cost_1_2(name, s->version, &cost)))
		return false;
	*ret_max = less(bytes, records, cost.fixed + (cost.padding ? 1 : 0));
	if (!new)
		*ret_min = less(bytes, records, cost.fixed + cost.padding);
	if (s->compressed) {
		*ret_min = 0;
		*ret_max = UINT64_MAX;
	}
	return true;
}
