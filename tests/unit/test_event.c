// SPDX-License-Identifier: GPL-2.0-or-later
/* Records that the kernel side could never send must not get through; the queue behind them. */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "entry.h"
#include "source/ring.h"
#include "app/queue.h"
#include "trace/filter.h"
#include "trace/procfs.h"

static void test_ring_check(void **state)
{
	union {
		struct ev_data data;
		char bytes[256];
	} r = { .data = { .hdr = { .type = EV_DATA, .size = sizeof(struct ev_data) + 10 },
			  .span = 12,
			  .len = 10 } };

	(void)state;
	assert_int_equal(ring_check(&r, 104), 0);
	assert_int_equal(ring_check(&r, 98), 0);
	assert_int_equal(ring_check(&r, 97), -EBADMSG); /* longer than the ring says */
	assert_int_equal(ring_check(&r, 8), -EBADMSG);
	r.data.len = 11; /* payload and size disagree */
	assert_int_equal(ring_check(&r, 104), -EBADMSG);
	r.data.len = 10;
	r.data.span = 9; /* more payload than bytes */
	assert_int_equal(ring_check(&r, 104), -EBADMSG);
	r.data.span = 10;
	r.data.dir = 2;
	assert_int_equal(ring_check(&r, 104), -EBADMSG);
	r.data.dir = 1;
	r.data.hdr.type = 0;
	assert_int_equal(ring_check(&r, 104), -EBADMSG);
	r.data.hdr.type = 99;
	assert_int_equal(ring_check(&r, 104), -EBADMSG);
	r.data.hdr = (struct ev_hdr){ .type = EV_BIND, .size = sizeof(struct ev_bind) - 1 };
	assert_int_equal(ring_check(&r, 256), -EBADMSG);
	r.data.hdr.size++;
	assert_int_equal(ring_check(&r, 256), 0);
}

static void test_queue_order_and_end(void **state)
{
	struct queue *q = queue_new(1 << 20);
	struct entry *out[4];

	(void)state;
	assert_int_equal(queue_pop(q, out, 4, 1), 0);
	for (int i = 1; i <= 5; i++) {
		struct entry *e = entry_new();
		e->id = i;
		queue_push_take(q, e);
	}
	assert_true(queue_bytes(q) >= 5 * sizeof(struct entry));
	queue_close(q);
	assert_int_equal(queue_pop(q, out, 4, 1000), 4);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(out[i]->id, i + 1);
		entry_free(out[i]);
	}
	assert_int_equal(queue_pop(q, out, 4, 1000), 1);
	entry_free(out[0]);
	assert_int_equal(queue_bytes(q), 0);
	assert_int_equal(queue_pop(q, out, 4, 1000), -1);
	queue_free(q);
}

static void *pop_two(void *ctx)
{
	struct entry *out[1];

	for (int n = 0; n < 2;) {
		usleep(1000);
		int got = queue_pop(ctx, out, 1, 1000);
		if (got > 0)
			entry_free(out[0]);
		n += got;
	}
	return NULL;
}

/* A full queue makes the pusher wait instead of dropping. */
static void test_queue_bound(void **state)
{
	struct queue *q = queue_new(1);
	pthread_t t;

	(void)state;
	queue_push_take(q, entry_new());
	pthread_create(&t, NULL, pop_two, q);
	queue_push_take(q, entry_new()); /* returns only when the first is gone */
	assert_true(queue_bytes(q) < 2 * sizeof(struct entry));
	pthread_join(t, NULL);
	assert_int_equal(queue_bytes(q), 0);
	queue_free(q);
}

/* Past half of the bound an entry comes without its bodies, and says how much is missing. */
static void test_queue_cuts(void **state)
{
	struct queue *q = queue_new(100 << 10);
	struct entry *out[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct entry *e = entry_new();
		e->complete = true;
		buf_reserve(&e->response_body, 40000);
		e->response_body.len = 40000;
		queue_push_take(q, e);
	}
	assert_int_equal(queue_cut(q), 1);
	assert_int_equal(queue_pop(q, out, 2, 1000), 2);
	assert_int_equal(out[0]->response_body.len, 40000);
	assert_true(out[0]->complete);
	assert_int_equal(out[1]->response_body.len, 0);
	assert_int_equal(out[1]->truncated_bytes, 40000);
	assert_false(out[1]->complete);
	assert_string_not_equal(out[1]->reason, "");
	assert_int_equal(queue_bytes(q), 0);
	entry_free(out[0]);
	entry_free(out[1]);
	queue_free(q);
}

#define ID "4f5c0e9d8a7b6c5d4e3f2a1b0c9d8e7f4f5c0e9d8a7b6c5d4e3f2a1b0c9d8e7f"

static void container_is(const char *cgroup, const char *want)
{
	char id[72];

	procfs_container_in(cgroup, id, sizeof(id));
	assert_string_equal(id, want);
}

static void test_container(void **state)
{
	(void)state;
	container_is("0::/system.slice/docker-" ID ".scope\n", ID);
	container_is("12:pids:/docker/" ID "\n0::/\n", ID);
	container_is("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope", ID);
	container_is("0::/kubepods/besteffort/pod27f0/" ID "\n", ID);
	container_is("0::/machine.slice/libpod-" ID ".scope/container", ID);
	container_is("0::/user.slice/session-1.scope\n", "");
	container_is("0::/x/" ID "0\n", ""); /* 65 digits */
	container_is("", "");
}

static void test_filter(void **state)
{
	const char *pids[] = { "7", NULL }, *exes[] = { "cur?", "/opt/*/bin/app", NULL },
		   *containers[] = { "4f5c0e9d8a7b", NULL };
	struct filter none = { 0 }, all = { pids, exes, containers };

	(void)state;
	assert_false(filter_active(&none));
	assert_true(filter_passes(&none, 1, "", ""));
	assert_true(filter_passes(&all, 7, "/bin/x", ""));
	assert_true(filter_passes(&all, 8, "/usr/bin/curl", ""));
	assert_true(filter_passes(&all, 8, "/opt/a/bin/app", ""));
	assert_true(filter_passes(&all, 8, "/bin/x", ID));
	assert_false(filter_passes(&all, 8, "/bin/x", ""));
	assert_false(filter_passes(&all, 77, "/usr/bin/curly", "5" ID));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_check),  cmocka_unit_test(test_queue_order_and_end),
		cmocka_unit_test(test_queue_bound), cmocka_unit_test(test_queue_cuts),
		cmocka_unit_test(test_container),   cmocka_unit_test(test_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
