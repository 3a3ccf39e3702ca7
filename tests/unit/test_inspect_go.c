// SPDX-License-Identifier: GPL-2.0-or-later
/* Programs of this machine's own Go, with what may be stripped from them stripped. */
#include "unit.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elfgen.h"
#include "trace/again.h"
#include "trace/inspect_child.h"

static const char with_tls[] =
	"package main\n"
	"import \"crypto/tls\"\n"
	"func main() {\n"
	"	c, err := tls.Dial(\"tcp\", \"127.0.0.1:1\", nil)\n"
	"	if err == nil { c.Write([]byte(\"x\")); c.Read(make([]byte, 1)); c.Close() }\n"
	"}\n";
static const char without[] = "package main\nfunc main() { println(\"hello\") }\n";

struct work {
	char dir[64];
	bool go;
};

static bool run(const struct work *w, const char *fmt, const char *a, const char *b)
{
	char command[512], line[1024];

	snprintf(command, sizeof(command), fmt, a, b);
	snprintf(line, sizeof(line),
		 "cd %s && export GO111MODULE=on GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local "
		 "CGO_ENABLED=0; [ \"$HOME\" ] || export GOCACHE=%s/cache; %s >log 2>&1",
		 w->dir, w->dir, command);
	return !system(line);
}

static void put_file(const struct work *w, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int set_up(void **state)
{
	struct work *w = calloc(1, sizeof(*w));

	strcpy(w->dir, "/tmp/cleartap-test-XXXXXX");
	if (!mkdtemp(w->dir))
		return -1;
	*state = w;
	put_file(w, "go.mod", "module example.org/tapped\n\ngo 1.15\n");
	w->go = run(w, "go version", NULL, NULL);
	return 0;
}

static int tear_down(void **state)
{
	struct work *w = *state;

	run(w, "rm -rf %s", w->dir, NULL);
	free(w);
	return 0;
}

static bool build(const struct work *w, const char *source, const char *name, const char *flags)
{
	put_file(w, "main.go", source);
	return run(w, "go build -o %s %s .", name, flags);
}

static void inspect_built(const struct work *w, const char *name, struct inspection *ret)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(inspect_file(fd, 65534, 65534, ret), 0);
	close(fd);
}

static uint32_t count_kind(const struct inspection *in, enum probe_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < in->points; i++)
		n += in->point[i].kind == kind;
	return n;
}

static void check_go(const struct inspection *in)
{
	assert_string_equal(in->reason, "");
	assert_int_equal(in->family, INSPECT_GO);
	assert_memory_equal(in->version, "go1.", 4);
	assert_string_equal(in->module, "example.org/tapped");
	assert_int_equal(count_kind(in, PROBE_GO_READ), 0);
	assert_int_equal(count_kind(in, PROBE_GO_READ_COPY), 1);
	assert_int_equal(count_kind(in, PROBE_GO_READ_RET), 0);
	assert_int_equal(count_kind(in, PROBE_GO_WRITE), 0);
	assert_in_range(count_kind(in, PROBE_GO_WRITE_RECORD), 1, 2);
	assert_int_equal(count_kind(in, PROBE_GO_CLOSE), 1);
	assert_true(in->go.copy_frame > 0);
	assert_true(in->go.goid > 0);
	assert_int_equal(in->go.conn_conn, 0);
	assert_int_equal(in->go.fd_sysfd, 16);
	assert_true(in->go.itab_tcp_conn != 0);
}

/* The points are the same whatever was taken away. */
static void same_points(const struct inspection *a, const struct inspection *b)
{
	check_go(b);
	assert_int_equal(a->points, b->points);
	assert_memory_equal(a->point, b->point, a->points * sizeof(a->point[0]));
	assert_memory_equal(&a->go, &b->go, sizeof(a->go));
}

static void without_sections(const struct work *w, const char *from, const char *to)
{
	static const char zero[8];
	char path[128];
	int fd;

	assert_true(run(w, "cp %s %s", from, to));
	snprintf(path, sizeof(path), "%s/%s", w->dir, to);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, zero, 8, offsetof(Elf64_Ehdr, e_shoff)), 8);
	assert_int_equal(pwrite(fd, zero, 4, offsetof(Elf64_Ehdr, e_shnum)), 4);
	close(fd);
}

static void strip_and_compare(const struct work *w, const char *name)
{
	struct inspection full, in;

	inspect_built(w, name, &full);
	check_go(&full);
	if (!run(w, "strip -s -o stripped %s", name, NULL))
		skip();
	inspect_built(w, "stripped", &in);
	same_points(&full, &in);
	without_sections(w, "stripped", "bare");
	inspect_built(w, "bare", &in);
	same_points(&full, &in);
}

static void test_static(void **state)
{
	struct work *w = *state;

	if (!w->go)
		skip();
	assert_true(build(w, with_tls, "static", ""));
	strip_and_compare(w, "static");
}

static void test_pie(void **state)
{
	struct work *w = *state;

	if (!w->go || !build(w, with_tls, "pie", "-buildmode=pie"))
		skip();
	strip_and_compare(w, "pie");
}

static void test_no_tls(void **state)
{
	struct work *w = *state;
	struct inspection in;

	if (!w->go)
		skip();
	assert_true(build(w, without, "hello", ""));
	inspect_built(w, "hello", &in);
	assert_int_equal(in.family, INSPECT_GO);
	assert_int_equal(in.points, 0);
	assert_memory_equal(in.reason, "Go 1.", 5);
	assert_non_null(strstr(in.reason, ": crypto/tls not linked in"));
}

/* One byte at a time set wrong where a Go file is described: a reason or points, and no crash. */
static void test_damaged(void **state)
{
	struct work *w = *state;
	struct inspection in;
	uint64_t seed = 1;
	char path[128];
	struct stat st;
	int fd;

	if (!w->go)
		skip();
	without_sections(w, "static", "damaged");
	snprintf(path, sizeof(path), "%s/damaged", w->dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	for (int i = 0; i < 40; i++) {
		for (int k = 0; k < 200; k++) {
			uint8_t byte;

			seed = seed * 6364136223846793005 + 1442695040888963407;
			byte = seed >> 56;
			/* the headers stay as they are */
			assert_int_equal(
				pwrite(fd, &byte, 1, 4096 + (seed >> 16) % (st.st_size - 4096)), 1);
		}
		assert_int_equal(inspect_file(fd, 65534, 65534, &in), 0);
		assert_true(in.points > 0 || *in.reason);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_static),
		cmocka_unit_test(test_pie),
		cmocka_unit_test(test_no_tls),
		cmocka_unit_test(test_damaged),
	};

	again_main(argc, argv);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
