// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Garbage in the middle of a connection: whatever a protocol makes of it, what is said before it is
 * told as without it, and what is said behind it is understood again. The conversations are the
 * plain cases of all protocols (tests/data/http1/README).
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "entry.h"

enum { AGAIN = 3, GARBAGE = 300 };

/* Entries of the protocol that are whole. */
static unsigned count(const struct outcome *o, const char *protocol)
{
	unsigned n = 0;

	for (size_t i = 0; i < o->count; i++) {
		const struct entry *e = o->entries[i];
		n += !e->open && e->complete && !strcmp(e->protocol, protocol);
	}
	return n;
}

static bool is_usable(const struct test_case *c)
{
	if ((AGAIN + 1) * c->step_count + 1 > CASE_STEPS)
		return false;
	for (size_t i = 0; i < c->step_count; i++)
		if (c->steps[i].kind != STEP_DATA)
			return false;
	return true;
}

static void put_garbage(struct buf *b, unsigned kind)
{
	uint32_t seed = 7 * kind + 1;

	for (int i = 0; i < GARBAGE; i++) {
		seed = seed * 1103515245 + 12345;
		char c = (char)(seed >> 16);
		buf_putc(b, kind % 3 == 0 ? c : kind % 3 == 1 ? (char)(32 + (c & 63)) : 0);
	}
}

struct held {
	unsigned tried, again, told;
};

static struct held now;
static char protocol[16];

/* The case, garbage, and the case again. */
static void try(const struct test_case *c, unsigned kind)
{
	static struct test_case all;
	struct outcome once = { 0 }, o = { 0 };

	case_feed(c, (struct cut){ 0 }, &once);
	unsigned before = count(&once, protocol);
	outcome_settle(&once);
	outcome_free(&once);
	if (!before)
		return;
	all = (struct test_case){ .name = c->name, .in_order = true };
	memcpy(all.steps, c->steps, c->step_count * sizeof(*c->steps));
	all.step_count = c->step_count;
	struct step *s = &all.steps[all.step_count++];
	s->dir = kind & 1 ? DIR_READ : DIR_WRITE;
	put_garbage(&s->data, kind / 2);
	for (int i = 0; i < AGAIN; i++, all.step_count += c->step_count)
		memcpy(&all.steps[all.step_count], c->steps, c->step_count * sizeof(*c->steps));
	case_feed(&all, (struct cut){ 0 }, &o);
	now.tried++;
	now.again += count(&o, protocol) > before;
	bool why = false, handed = false;
	char text[80];
	snprintf(text, sizeof(text), "not understood any more: it was %s until here", protocol);
	for (size_t i = 0; i < o.count; i++) {
		handed |= !strcmp(o.entries[i]->protocol, "tls");
		why |= strstr(o.entries[i]->reason, text) != NULL;
	}
	now.told += handed ? why : 1;
	buf_free(&s->data);
	outcome_free(&o);
}

static void try_all(const struct test_case *c)
{
	for (unsigned kind = 0; kind < 6 && is_usable(c); kind++)
		try(c, kind);
}

static void test_footing(void **state)
{
	/*
	 * Not there: what HTTP/1.1 and DNS take for a body or a message goes on to its end, and a
	 * WebSocket is one exchange.
	 */
	static const char *const protocols[] = { "amqp",     "kafka", "ldap", "mqtt", "mysql",
						 "postgres", "redis", "smtp", "imap" };
	const char *srcdir = getenv("srcdir") ?: ".";

	(void)state;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
		static const char *const files[] = { "plain", "recorded", "imap" };
		now = (struct held){ 0 };
		snprintf(protocol, sizeof(protocol), "%s", protocols[i]);
		for (size_t j = 0; j < sizeof(files) / sizeof(*files); j++) {
			char path[300], file[500];
			snprintf(path, sizeof(path), "tests/data/%s/%s.txt", protocols[i],
				 files[j]);
			snprintf(file, sizeof(file), "%s/%s", srcdir, path);
			FILE *f = fopen(file, "r");
			if (!f)
				continue;
			fclose(f);
			cases_run(path, try_all);
		}
		print_message("# %s: %u tried, %u understood again, %u said why\n", protocol,
			      now.tried, now.again, now.told);
		assert_true(now.tried >= 18);
		/* Some cases end in the middle of what may be anything: a mail, a long line. */
		assert_true(now.again >= now.tried - 3);
		assert_true(now.told >= now.tried - 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_footing) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
