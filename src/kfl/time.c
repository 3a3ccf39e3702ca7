// SPDX-License-Identifier: GPL-2.0-or-later
#include "kfl/time.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define US 1000000LL

struct cursor {
	const char *p, *end;
};

static bool take(struct cursor *c, char want)
{
	if (c->p >= c->end || *c->p != want)
		return false;
	c->p++;
	return true;
}

/* A number of min to max digits. */
static bool take_digits(struct cursor *c, int min, int max, int *ret)
{
	int n = 0, v = 0;

	for (; n < max && c->p < c->end && *c->p >= '0' && *c->p <= '9'; n++)
		v = v * 10 + (*c->p++ - '0');
	*ret = v;
	return n >= min;
}

/* ".123456789" in µs, finer digits dropped; nothing is a fraction of 0. */
static bool take_fraction(struct cursor *c, int64_t *ret_us)
{
	int64_t unit = US / 10;
	int digits = 0;

	*ret_us = 0;
	if (!take(c, '.'))
		return true;
	for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++, digits++, unit /= 10)
		*ret_us += unit * (*c->p - '0');
	return digits > 0;
}

static bool take_zone(struct cursor *c, int64_t *ret_s)
{
	int hours, minutes;

	*ret_s = 0;
	if (take(c, 'Z') || take(c, 'z'))
		return true;
	bool west = take(c, '-');
	if (!west && !take(c, '+'))
		return false;
	if (!take_digits(c, 2, 2, &hours) || !take(c, ':') || !take_digits(c, 2, 2, &minutes) ||
	    hours > 23 || minutes > 59)
		return false;
	*ret_s = (hours * 60 + minutes) * (west ? -60 : 60);
	return true;
}

/* Seconds since 1970 of a date and time that exist. */
static bool to_seconds(const struct tm *in, int64_t *ret_s)
{
	struct tm tm = *in;
	time_t s;

	if (tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	    tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	s = timegm(&tm);
	*ret_s = s;
	return tm.tm_mday == in->tm_mday || in->tm_sec == 60;
}

bool time_parse_rfc3339(const char *text, size_t len, int64_t *ret_us)
{
	struct cursor c = { text, text + len };
	struct tm tm = { 0 };
	int64_t s, fraction, zone;

	if (!take_digits(&c, 4, 4, &tm.tm_year) || !take(&c, '-') ||
	    !take_digits(&c, 2, 2, &tm.tm_mon) || !take(&c, '-') ||
	    !take_digits(&c, 2, 2, &tm.tm_mday))
		return false;
	if (!take(&c, 'T') && !take(&c, 't') && !take(&c, ' '))
		return false;
	if (!take_digits(&c, 2, 2, &tm.tm_hour) || !take(&c, ':') ||
	    !take_digits(&c, 2, 2, &tm.tm_min) || !take(&c, ':') ||
	    !take_digits(&c, 2, 2, &tm.tm_sec))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	if (!take_fraction(&c, &fraction) || !take_zone(&c, &zone) || c.p != c.end ||
	    !to_seconds(&tm, &s))
		return false;
	*ret_us = (s - zone) * US + fraction;
	return true;
}

bool time_parse_us(const char *text, size_t len, int64_t *ret_us)
{
	struct cursor c = { text, text + len };
	struct tm tm = { 0 };
	int64_t s, fraction;

	if (!take_digits(&c, 1, 2, &tm.tm_mon) || !take(&c, '/') ||
	    !take_digits(&c, 1, 2, &tm.tm_mday) || !take(&c, '/') ||
	    !take_digits(&c, 4, 4, &tm.tm_year) || !take(&c, ',') || !take(&c, ' '))
		return false;
	if (!take_digits(&c, 1, 2, &tm.tm_hour) || !take(&c, ':') ||
	    !take_digits(&c, 2, 2, &tm.tm_min) || !take(&c, ':') ||
	    !take_digits(&c, 2, 2, &tm.tm_sec) || !take_fraction(&c, &fraction) || !take(&c, ' '))
		return false;
	bool pm = take(&c, 'P');
	if ((!pm && !take(&c, 'A')) || !take(&c, 'M') || c.p != c.end || tm.tm_hour < 1 ||
	    tm.tm_hour > 12)
		return false;
	tm.tm_hour = tm.tm_hour % 12 + (pm ? 12 : 0);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	if (!to_seconds(&tm, &s))
		return false;
	*ret_us = s * US + fraction;
	return true;
}

static bool take_unit(struct cursor *c, double *ret_us)
{
	static const struct {
		const char *name;
		double us;
	} units[] = {
		{ "ns", 1e-3 },	    { "us", 1 },     { "\xc2\xb5s", 1 },
		{ "\xce\xbcs", 1 }, { "ms", 1e3 },   { "s", 1e6 },
		{ "m", 60e6 },	    { "h", 3600e6 }, { "d", 86400e6 },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t n = strlen(units[i].name);
		if (n > (size_t)(c->end - c->p) || memcmp(units[i].name, c->p, n))
			continue;
		c->p += n;
		*ret_us = units[i].us;
		return true;
	}
	return false;
}

static bool take_decimal(struct cursor *c, double *ret)
{
	double v = 0, unit = 1;
	int digits = 0;

	for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++, digits++)
		v = v * 10 + (*c->p - '0');
	if (take(c, '.'))
		for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++, digits++)
			v += (unit /= 10) * (*c->p - '0');
	*ret = v;
	return digits > 0;
}

bool time_parse_duration(const char *text, size_t len, int64_t *ret_us)
{
	struct cursor c = { text, text + len };
	bool minus = take(&c, '-');
	double total = 0, v, unit;

	if (!minus)
		take(&c, '+');
	if (c.end - c.p == 1 && *c.p == '0') {
		*ret_us = 0;
		return true;
	}
	do {
		if (!take_decimal(&c, &v) || !take_unit(&c, &unit))
			return false;
		total += v * unit;
	} while (c.p < c.end);
	if (total >= 9e18)
		return false;
	*ret_us = (int64_t)(minus ? -total : total);
	return true;
}

bool time_add_months(int64_t us, int64_t n, int64_t *ret_us)
{
	int64_t s = us / US;
	time_t t = (time_t)s;
	struct tm tm;

	if (n < -120000 || n > 120000 || !gmtime_r(&t, &tm))
		return false;
	tm.tm_mon += (int)n;
	*ret_us = (int64_t)timegm(&tm) * US + us % US;
	return true;
}
