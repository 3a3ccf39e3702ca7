// SPDX-License-Identifier: GPL-2.0-or-later
/* What the tracer told is handed out as structs: files in order, each with who uses it. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "context/registry.h"
#include "trace/tracer_message.h"

static void tell_target(struct registry *r, uint32_t id, uint32_t state, const char *path)
{
	struct tracer_message m = { .type = MSG_TARGET, .target = id, .state = state, .points = 2 };

	snprintf(m.path, sizeof(m.path), "%s", path);
	snprintf(m.library, sizeof(m.library), "openssl");
	snprintf(m.reason, sizeof(m.reason), state == TARGET_ATTACHED ? "" : "why not");
	registry_tell(r, &m);
}

static void tell_process(struct registry *r, uint32_t type, uint32_t id, uint32_t pid,
			 const char *comm)
{
	struct tracer_message m = { .type = type, .target = id, .tgid = pid };

	snprintf(m.path, sizeof(m.path), "/usr/bin/exe%u", pid);
	snprintf(m.comm, sizeof(m.comm), "%s", comm);
	registry_tell(r, &m);
}

static uint64_t hits(void *ctx, uint32_t target)
{
	return *(uint64_t *)ctx + target;
}

/* "id path state hits attached reason: pid name, ..." a line. */
static int write_file(void *ctx, const struct probed_file *f)
{
	struct buf *out = ctx;

	buf_printf(out, "%u %s %s %llu %d %s:", f->id, f->path, f->state,
		   (unsigned long long)f->hits, f->attached, f->reason);
	for (size_t i = 0; i < f->process_count; i++)
		buf_printf(out, " %u %s %s", f->processes[i].pid, f->processes[i].name,
			   f->processes[i].exe);
	return buf_putc(out, '\n');
}

static int stop(void *ctx, const struct probed_file *f)
{
	(void)f;
	++*(int *)ctx;
	return -ECANCELED;
}

static void test_each(void **state)
{
	struct registry *r = registry_new();
	uint64_t base = 100;
	struct buf out = { 0 };
	int calls = 0;

	(void)state;
	assert_non_null(r);
	assert_int_equal(registry_each(r, hits, &base, write_file, &out), 0);
	assert_int_equal(out.len, 0);
	tell_target(r, 7, TARGET_ATTACHED, "/lib/libssl.so.3");
	tell_target(r, 3, TARGET_FAILED, "/opt/app");
	tell_process(r, MSG_PROCESS, 7, 42, "curl");
	tell_process(r, MSG_PROCESS, 3, 43, "app");
	tell_process(r, MSG_PROCESS, 7, 44, ""); /* goes by the name of its file */
	tell_process(r, MSG_PROCESS, 7, 45, "gone");
	tell_process(r, MSG_PROCESS_EXIT, 7, 45, "gone");
	assert_int_equal(registry_each(r, hits, &base, write_file, &out), 0);
	assert_string_equal(buf_cstr(&out),
			    "3 /opt/app failed 103 0 why not: 43 app /usr/bin/exe43\n"
			    "7 /lib/libssl.so.3 attached 107 1 : 42 curl /usr/bin/exe42"
			    " 44 exe44 /usr/bin/exe44\n");
	assert_int_equal(registry_each(r, hits, &base, stop, &calls), -ECANCELED);
	assert_int_equal(calls, 1);
	assert_int_equal(registry_count(r, TARGET_ATTACHED), 1);
	/* It may be there, and not be what its program uses. */
	tell_target(r, 0, TARGET_ATTACHED, "/lib/libssl.so.3");
	base = 0;
	buf_reset(&out);
	assert_int_equal(registry_each(r, hits, &base, write_file, &out), 0);
	assert_memory_equal(buf_cstr(&out),
			    "0 /lib/libssl.so.3 attached 0 1 attached, no call seen yet:\n", 59);
	buf_free(&out);
	registry_free(r);
}

static void tell_refused(struct registry *r, uint32_t why, uint64_t count, uint64_t owner)
{
	struct tracer_message m = {
		.type = MSG_REFUSED, .state = why, .count = count, .owner = owner
	};

	memset(m.reason, 'w', sizeof(m.reason) - 1);
	registry_tell(r, &m);
}

/* The newest of each cause; what is no cause is none. */
static void test_left_out(void **state)
{
	struct registry *r = registry_new();
	struct left_out got[REGISTRY_CAUSES];

	(void)state;
	assert_non_null(r);
	assert_int_equal(registry_left_out(r, got), 0);
	tell_refused(r, REFUSED_TABLE, 1, 1000);
	tell_refused(r, REFUSED_QUEUE, 7, 1000);
	tell_refused(r, REFUSED_TABLE, 3, 5ULL << 32);
	tell_refused(r, REFUSED_COUNT, 9, 1);
	tell_refused(r, UINT32_MAX, 9, 1);
	assert_int_equal(registry_left_out(r, got), 2);
	assert_int_equal(got[0].count, 7);
	assert_int_equal(got[0].owner, 1000);
	assert_int_equal(got[1].count, 3);
	assert_int_equal(got[1].owner, 5ULL << 32);
	assert_int_equal(strlen(got[1].cause), sizeof(got[1].cause) - 1);
	registry_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each),
					    cmocka_unit_test(test_left_out) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
