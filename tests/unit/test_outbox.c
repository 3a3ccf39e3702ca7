// SPDX-License-Identifier: GPL-2.0-or-later
/* What the tracer tells a server that takes nothing: never waits, keeps the newest, in bounded
 * room. */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "event.h"
#include "trace/outbox.h"

static int ends[2];

static struct outbox *open_outbox(void)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	struct outbox *o = outbox_new(ends[0]);
	assert_non_null(o);
	return o;
}

static void close_outbox(struct outbox *o)
{
	outbox_free(o);
	close(ends[0]);
	close(ends[1]);
}

/* The next message that the server gets; type 0: none. */
static struct tracer_message next(struct outbox *o)
{
	struct tracer_message m = { 0 };

	outbox_flush(o);
	recv(ends[1], &m, sizeof(m), MSG_DONTWAIT);
	return m;
}

static void put(struct outbox *o, uint32_t target, const char *version)
{
	struct tracer_message m = { .type = MSG_TARGET, .target = target };

	snprintf(m.version, sizeof(m.version), "%s", version);
	outbox_put_target(o, &m);
}

static void test_hanging(void **state)
{
	struct outbox *o = open_outbox();
	int64_t begun = clock_ms(CLOCK_MONOTONIC);
	char version[32];
	int got[8] = { 0 };
	struct tracer_message m;

	(void)state;
	/* nobody reads: all files again and again, more processes than are told of */
	for (int round = 0; round < 20; round++) {
		for (uint32_t n = 1; n < EV_TARGETS_MAX; n++) {
			snprintf(version, sizeof(version), "round %d", round);
			put(o, n, version);
		}
		for (uint32_t i = 0; i < LIMIT_TOLD_PROCESSES + 100; i++)
			outbox_put_process(o, (uint32_t)getpid(), i % EV_TARGETS_MAX + 1 + i);
		outbox_put_ready(o);
		outbox_put_state(o, round & 1);
		assert_true(outbox_flush(o));
	}
	assert_true(clock_ms(CLOCK_MONOTONIC) - begun < 10000);
	assert_true(outbox_pending(o));
	/* it wakes up */
	while ((m = next(o)).type) {
		assert_in_range(m.type, 1, 7 + 3);
		got[m.type & 7]++;
		if (m.type == MSG_TARGET && m.target > 1000)
			assert_string_equal(m.version, "round 19");
		if (m.type == MSG_STATE)
			assert_int_equal(m.state, 1);
		if (m.type == MSG_READY) /* says that files were told of */
			assert_true(got[MSG_TARGET] >= EV_TARGETS_MAX - 1);
	}
	assert_false(outbox_pending(o));
	assert_in_range(got[MSG_TARGET], EV_TARGETS_MAX - 1, EV_TARGETS_MAX + 2000);
	close_outbox(o);
}

static void test_processes(void **state)
{
	struct outbox *o = open_outbox();
	pid_t one = fork(), two;
	struct tracer_message m;
	uint32_t targets[4];

	(void)state;
	if (!one) {
		pause();
		_exit(0);
	}
	two = fork();
	if (!two) {
		pause();
		_exit(0);
	}
	outbox_put_process(o, (uint32_t)one, 5);
	outbox_put_process(o, (uint32_t)one, 5);
	assert_true(outbox_maps(o, 5));
	assert_false(outbox_maps(o, 6));
	m = next(o);
	assert_int_equal(m.type, MSG_PROCESS);
	assert_int_equal(m.tgid, one);
	assert_string_not_equal(m.path, "");
	assert_int_equal(next(o).type, 0);
	outbox_put_process(o, (uint32_t)getpid(), 7);
	outbox_put_process(o, (uint32_t)getpid(), 8);
	assert_int_equal(outbox_targets(o, (uint32_t)getpid(), targets, 4), 2);
	assert_int_equal(targets[0] + targets[1], 7 + 8);
	assert_int_equal(outbox_targets(o, (uint32_t)getpid(), targets, 1), 1);
	assert_int_equal(outbox_targets(o, (uint32_t)one, targets, 4), 1);
	assert_int_equal(outbox_targets(o, (uint32_t)two, targets, 4), 0);
	assert_int_equal(next(o).type, MSG_PROCESS);
	assert_int_equal(next(o).type, MSG_PROCESS);
	/* one that ends before it was told of is not told of */
	outbox_put_process(o, (uint32_t)two, 5);
	kill(one, SIGKILL);
	kill(two, SIGKILL);
	waitpid(one, NULL, 0);
	waitpid(two, NULL, 0);
	outbox_sweep(o);
	assert_false(outbox_maps(o, 5));
	m = next(o);
	assert_int_equal(m.type, MSG_PROCESS_EXIT);
	assert_int_equal(m.tgid, one);
	assert_int_equal(m.target, 5);
	assert_int_equal(next(o).type, 0);
	outbox_sweep(o);
	assert_false(outbox_pending(o));
	close_outbox(o);
}

static void test_refused(void **state)
{
	struct outbox *o = open_outbox();
	struct tracer_message m;

	(void)state;
	for (int i = 0; i < 1000; i++)
		outbox_put_refused(o, REFUSED_QUEUE, 1000);
	m = next(o);
	assert_int_equal(m.type, MSG_REFUSED);
	assert_int_equal(m.state, REFUSED_QUEUE);
	assert_int_equal(m.owner, 1000);
	assert_int_equal(m.count, 1000);
	assert_string_not_equal(m.reason, "");
	outbox_put_refused(o, REFUSED_QUEUE, 1000);
	assert_int_equal(next(o).type, 0); /* once a second */
	close_outbox(o);
}

static void test_gone(void **state)
{
	struct outbox *o = open_outbox();

	(void)state;
	close(ends[1]);
	put(o, 1, "x");
	assert_false(outbox_flush(o));
	outbox_free(o);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hanging),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
