// SPDX-License-Identifier: GPL-2.0-or-later
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
#include "trace/library.h"
#include "trace/unread.h"

enum { INNER, INNER2, OTHER, READ, READ_EX, WRITE, WRITE_EX, WRITE_EX2, FREE, PEEK };

/* What the analysis says of the generated file. */
static void inspect_generated(struct elfgen *g, struct inspection *ret)
{
	int fd;

	elfgen_finish(g);
	fd = elfgen_memfd(g->image, sizeof(g->image));
	assert_int_equal(inspect_fd(fd, ret), 0);
	close(fd);
}

static void expect_point(const struct inspection *in, uint64_t offset, enum probe_kind kind,
			 bool cheap)
{
	for (uint32_t i = 0; i < in->points; i++) {
		if (in->point[i].offset != offset || in->point[i].kind != kind)
			continue;
		assert_int_equal(in->point[i].cheap, cheap);
		return;
	}
	fail_msg("no point of kind %d at 0x%lx: %s", kind, (unsigned long)offset, in->plan);
}

/* push rbx; mov rbx, rdi; pop rbx; ret */
static void inner(struct elfgen *g, int slot)
{
	elfgen_func(g, slot, NULL);
	elfgen_code(g, "53 48 89 fb 5b c3");
}

/* int f(s, buf, num): { size_t n; int r = callee(s, buf, num, &n); return r > 0 ? n : r; } */
static void int_export(struct elfgen *g, int slot, const char *name, const char *before, int callee)
{
	elfgen_func(g, slot, name);
	elfgen_code(g, before);
	elfgen_code(g, "48 83 ec 18  48 89 e1  48 63 d2");
	elfgen_branch(g, "e8", callee);
	elfgen_code(g, "85 c0  7e 03  8b 04 24  48 83 c4 18  c3");
}

/* int f(s, buf, num, size_t *n): { int r = callee(s, buf, num, n); return r < 0 ? 0 : r; } */
static void ex_export(struct elfgen *g, int slot, const char *name, int callee)
{
	elfgen_func(g, slot, name);
	elfgen_code(g, "48 83 ec 08");
	elfgen_branch(g, "e8", callee);
	elfgen_code(g, "31 d2  85 c0  0f 48 c2  48 83 c4 08  c3");
}

static void test_shared(void **state)
{
	struct elfgen g = { 0 };
	struct inspection in;

	(void)state;
	inner(&g, INNER);
	inner(&g, INNER2);
	int_export(&g, READ, "SSL_read", "", INNER);
	ex_export(&g, READ_EX, "SSL_read_ex", INNER);
	int_export(&g, WRITE, "SSL_write", "", INNER2);
	ex_export(&g, WRITE_EX, "SSL_write_ex", INNER2);
	elfgen_func(&g, FREE, "SSL_free");
	elfgen_code(&g, "48 85 ff  74 01  90  c3"); /* test rdi, rdi; je */
	inspect_generated(&g, &in);
	assert_int_equal(in.family, INSPECT_OPENSSL);
	assert_int_equal(in.points, 3);
	expect_point(&in, elfgen_addr(INNER), PROBE_SSL_READ_EX, true);
	expect_point(&in, elfgen_addr(INNER2), PROBE_SSL_WRITE_EX, true);
	expect_point(&in, elfgen_addr(FREE) + 3, PROBE_SSL_FREE, true);
}

/* An instruction before the call, and whether the shared function is still proven after it. */
static void read_pair(const char *before, bool peek, struct inspection *ret)
{
	struct elfgen g = { 0 };

	inner(&g, INNER);
	int_export(&g, READ, "SSL_read", before, INNER);
	ex_export(&g, READ_EX, "SSL_read_ex", INNER);
	if (peek)
		int_export(&g, PEEK, "SSL_peek", "", INNER);
	inspect_generated(&g, ret);
}

static void expect_exports(const struct inspection *in)
{
	assert_int_equal(in->points, 2);
	expect_point(in, elfgen_addr(READ), PROBE_SSL_READ, false);
	expect_point(in, elfgen_addr(READ_EX), PROBE_SSL_READ_EX, false);
}

static void test_not_proven(void **state)
{
	struct inspection in;

	(void)state;
	read_pair("48 85 ff", false, &in); /* test rdi, rdi */
	assert_int_equal(in.points, 1);
	read_pair("", true, &in); /* SSL_peek calls it too */
	expect_exports(&in);
	read_pair("0f b6 06", false, &in); /* movzx eax, byte [rsi]: reads the buffer itself */
	expect_exports(&in);
	read_pair("48 89 77 10", false, &in); /* mov [rdi+16], rsi: keeps its address */
	expect_exports(&in);
	read_pair("48 83 c6 01", false, &in); /* add rsi, 1: another buffer */
	expect_exports(&in);
	read_pair("48 8d 46 08", false, &in); /* lea rax, [rsi+8] */
	assert_int_equal(in.points, 1);	      /* harmless while nothing takes it */
	read_pair("ff d0", false, &in);	      /* call rax: may be the same again */
	expect_exports(&in);
	read_pair("31 d2", false, &in); /* xor edx, edx: not the caller's num */
	expect_exports(&in);
}

/* SSL_read calls the internal function in one branch, and in the other or after it once more. */
static void two_calls(bool after, struct inspection *ret)
{
	struct elfgen g = { 0 };

	inner(&g, INNER);
	elfgen_func(&g, READ, "SSL_read");
	/* push rbx, rbp, r12; keep s, buf and num there */
	elfgen_code(&g, "53 55 41 54 48 83 ec 10  48 89 fb  48 89 f5  4c 63 e2");
	elfgen_code(&g, "4c 89 e2  48 89 e1");
	elfgen_code(&g, after ? "90 90" : "74 0d"); /* je to the second call */
	elfgen_branch(&g, "e8", INNER);
	elfgen_code(&g, after ? "85 c0  90 90  90 90 90 90" : "85 c0  eb 15  90 90 90 90");
	elfgen_code(&g, "48 89 df  48 89 ee  4c 89 e2  48 89 e1");
	elfgen_branch(&g, "e8", INNER);
	elfgen_code(&g, "90 90  8b 04 24  48 83 c4 10 41 5c 5d 5b c3");
	ex_export(&g, READ_EX, "SSL_read_ex", INNER);
	inspect_generated(&g, ret);
}

static void test_two_calls(void **state)
{
	struct inspection in;

	(void)state;
	two_calls(false, &in);
	assert_int_equal(in.points, 1);
	expect_point(&in, elfgen_addr(INNER), PROBE_SSL_READ_EX, true);
	two_calls(true, &in);
	assert_int_equal(in.points, 2);
	expect_point(&in, elfgen_addr(READ), PROBE_SSL_READ, true); /* it begins with push */
}

static void test_wrapper(void **state)
{
	struct elfgen g = { 0 };
	struct inspection in;

	(void)state;
	/* as LibreSSL has it: SSL_read_ex is a call of SSL_read */
	elfgen_func(&g, READ, "SSL_read");
	elfgen_code(&g, "53 8a 06 5b c3");
	elfgen_func(&g, READ_EX, "SSL_read_ex");
	elfgen_code(&g, "53 48 89 cb");
	elfgen_branch(&g, "e8", READ);
	elfgen_code(&g, "48 63 d0 48 89 13 5b c3");
	inspect_generated(&g, &in);
	assert_int_equal(in.points, 1);
	expect_point(&in, elfgen_addr(READ), PROBE_SSL_READ, true);
}

static void write_33(struct elfgen *g, const char *before_ex)
{
	inner(g, INNER);
	elfgen_func(g, WRITE, "SSL_write");
	elfgen_code(g, "f3 0f 1e fa  48 83 ec 18  31 c9  48 63 d2  49 89 e0");
	elfgen_branch(g, "e8", INNER);
	elfgen_code(g, "85 c0  7e 03  8b 04 24  48 83 c4 18  c3");
	elfgen_func(g, WRITE_EX, "SSL_write_ex");
	elfgen_code(g, "f3 0f 1e fa");
	elfgen_code(g, before_ex);
	elfgen_code(g, "49 89 c8  31 c9");
	elfgen_branch(g, "e9", WRITE_EX2);
	ex_export(g, WRITE_EX2, "SSL_write_ex2", INNER);
}

static void test_write_ex2(void **state)
{
	struct elfgen g = { 0 }, doubt = { 0 };
	struct inspection in;

	(void)state;
	write_33(&g, "");
	inspect_generated(&g, &in);
	assert_int_equal(in.points, 1);
	expect_point(&in, elfgen_addr(INNER), PROBE_SSL_WRITE_EX2, true);
	/* SSL_write_ex does something of its own with the buffer: then never both */
	write_33(&doubt, "80 3e 00"); /* cmp byte [rsi], 0 */
	inspect_generated(&doubt, &in);
	assert_int_equal(in.points, 2);
	expect_point(&in, elfgen_addr(WRITE), PROBE_SSL_WRITE, false);
	expect_point(&in, elfgen_addr(WRITE_EX), PROBE_SSL_WRITE_EX, false);
}

/* Where the probe on an only export goes, as the distance from its first byte. */
static void place(const char *code, uint64_t offset, bool cheap)
{
	struct elfgen g = { 0 };
	struct inspection in;

	elfgen_func(&g, READ, "SSL_read");
	elfgen_code(&g, code);
	inspect_generated(&g, &in);
	assert_int_equal(in.points, 1);
	expect_point(&in, elfgen_addr(READ) + offset, PROBE_SSL_READ, cheap);
}

static void test_place(void **state)
{
	(void)state;
	place("53 5b c3", 0, true);			       /* push rbx */
	place("f3 0f 1e fa  41 57  41 5f c3", 4, true);	       /* endbr64; push r15 */
	place("f3 0f 1e fa  48 83 ec 08  53 5b c3", 0, false); /* the stack moves first */
	place("31 ff  53 5b c3", 0, false);		       /* an argument changes first */
	place("48 85 ff  74 01  90 c3", 3, true);	       /* test rdi, rdi; je */
	/* test; dec eax; je -4: the loop comes back to what follows the first byte */
	place("48 85 ff  ff c8  74 fc  c3", 0, false);
	place("90 c3", 0, true);
	place("66 90 c3", 0, false); /* a two-byte nop is single-stepped, ret as well */
	place("c3", 0, false);
}

static void expect_reason(const void *data, size_t len, const char *reason)
{
	int fd = elfgen_memfd(data, len);
	struct inspection in;

	assert_int_equal(inspect_fd(fd, &in), 0);
	assert_int_equal(in.family, INSPECT_NONE);
	assert_string_equal(in.reason, reason);
	assert_int_equal(inspect_file(fd, 65534, 65534, &in), 0);
	assert_string_equal(in.reason, reason);
	close(fd);
}

/* What a file lacks is said of every library. */
static void expect_none(const void *data, size_t len)
{
	int fd = elfgen_memfd(data, len);
	size_t count;
	const struct library *row = library_rows(&count);
	struct inspection in, child;

	assert_int_equal(inspect_fd(fd, &in), 0);
	assert_int_equal(inspect_file(fd, 65534, 65534, &child), 0);
	assert_string_equal(in.reason, child.reason);
	assert_int_equal(in.family, INSPECT_NONE);
	assert_ptr_equal(strstr(in.reason, "not a TLS library: has neither "), in.reason);
	for (size_t i = 0; i < count; i++)
		assert_non_null(strstr(in.reason, row[i].function[0].name));
	close(fd);
}

static void test_reasons(void **state)
{
	struct elfgen g = { 0 };
	Elf64_Ehdr *e = (Elf64_Ehdr *)g.image;

	(void)state;
	elfgen_finish(&g);
	expect_none(g.image, sizeof(g.image));
	expect_reason("", 0, "an empty file");
	expect_reason("#!/bin/sh\n", 10, "not an ELF file");
	expect_reason(g.image, 40, "an ELF file cut off within its header");
	expect_reason(g.image, 64, "an ELF file that is cut off, or has nothing to load");
	e->e_machine = EM_RISCV;
	expect_reason(g.image, sizeof(g.image),
		      "an ELF for another processor than x86_64 and aarch64: not supported");
	e->e_ident[EI_DATA] = ELFDATA2MSB;
	expect_reason(g.image, sizeof(g.image), "a big-endian ELF: not supported");
	e->e_ident[EI_CLASS] = ELFCLASS32;
	expect_reason(g.image, sizeof(g.image), "a 32-bit ELF: not supported");
}

/* A TLS library that is known and not read is told as what it is. */
static void test_unread(void **state)
{
	static const struct {
		const char *function, *name, *file;
	} known[] = {
		{ "SSL_ImportFD", "NSS", "libssl3.so" },
		{ "wolfSSL_read", "wolfSSL", "libwolfssl.so.35" },
		{ "mbedtls_ssl_read", "Mbed TLS", "libmbedtls.so.14" },
		{ "s2n_recv", "s2n-tls", "libs2n.so.1" },
		{ "JNI_CreateJavaVM", "Java's own TLS (JSSE)", "libjvm.so" },
		{ "rustls_connection_read", "rustls", "librustls.so" },
	};
	/* what a Rust program says where it panics */
	static const char panics[] __attribute__((used)) =
		"/registry/src/x/rustls-0.21.7/src/conn.rs";
	struct inspection in;
	char reason[100];

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct elfgen g = { 0 };
		int_export(&g, READ, known[i].function, "", INNER);
		inspect_generated(&g, &in);
		snprintf(reason, sizeof(reason),
			 "%s: a TLS library that cleartap does not read yet", known[i].name);
		assert_string_equal(in.reason, reason);
		assert_int_equal(in.unread, 1);
		assert_int_equal(in.points, 0);
		assert_true(unread_wants(known[i].file));
	}
	assert_false(unread_wants("libc.so.6"));
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(inspect_fd(fd, &in), 0);
	assert_string_equal(in.reason, "rustls: a TLS library that cleartap does not read yet");
	close(fd);
}

static void test_not_files(void **state)
{
	char dir[] = "/tmp/cleartap-test-XXXXXX", fifo[64];
	struct inspection in;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(fifo, sizeof(fifo), "%s/libssl.so.3", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	fd = open(fifo, O_RDONLY | O_NONBLOCK);
	assert_int_equal(inspect_file(fd, 65534, 65534, &in), 0);
	assert_string_equal(in.reason, "not a regular file");
	close(fd);
	unlink(fifo);
	fd = open(dir, O_RDONLY);
	assert_int_equal(inspect_file(fd, 65534, 65534, &in), 0);
	assert_string_equal(in.reason, "not a regular file");
	close(fd);
	fd = open(fifo, O_RDWR | O_CREAT, 0600);
	assert_int_equal(ftruncate(fd, 1LL << 40), 0);
	assert_int_equal(inspect_file(fd, 65534, 65534, &in), 0);
	assert_string_equal(in.reason, "too large to analyse");
	close(fd);
	unlink(fifo);
	rmdir(dir);
}

/* A library of this machine, mapped so that it can be changed; NULL when there is none. */
static uint8_t *real_library(const char *name, size_t *ret_len)
{
	static const char *const folders[] = { "/usr/lib/x86_64-linux-gnu",
					       "/usr/lib/aarch64-linux-gnu", "/usr/lib64",
					       "/usr/lib" };
	struct stat st;
	char path[64];
	int fd = -1;
	void *map;

	for (size_t i = 0; fd < 0 && i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0 || fstat(fd, &st))
		return NULL;
	map = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	close(fd);
	*ret_len = st.st_size;
	return map == MAP_FAILED ? NULL : map;
}

static void test_real_library(void **state)
{
	struct inspection in, child;
	uint32_t seen[PROBE_KIND_COUNT] = { 0 };
	size_t len;
	uint8_t *lib = real_library("libssl.so.3", &len);
	int fd;

	(void)state;
	if (!lib)
		skip();
	fd = elfgen_memfd(lib, len);
	assert_int_equal(inspect_fd(fd, &in), 0);
	assert_int_equal(inspect_file(fd, 65534, 65534, &child), 0);
	assert_memory_equal(&in, &child, sizeof(in));
	assert_int_equal(in.family, INSPECT_OPENSSL);
	assert_memory_equal(in.version, "OpenSSL ", 8);
	for (uint32_t i = 0; i < in.points; i++)
		seen[in.point[i].kind]++;
	/* the pair is read at one internal function */
	assert_int_equal(in.points, 5);
	assert_int_equal(seen[PROBE_SSL_READ_EX], 1);
	assert_int_equal(seen[PROBE_SSL_WRITE_EX] + seen[PROBE_SSL_WRITE_EX2], 1);
	assert_int_equal(seen[PROBE_SSL_FREE], 1);
	assert_int_equal(seen[PROBE_SSL_CLEAR], 1);
	assert_int_equal(seen[PROBE_SSL_HANDSHAKE], 1); /* SSL_accept ends in SSL_do_handshake */
	close(fd);
	munmap(lib, len);
}

static void check_answer(const struct inspection *in, size_t len)
{
	assert_true(in->points <= LIMIT_PROBE_POINTS);
	assert_true(in->points > 0 || *in->reason);
	for (uint32_t i = 0; i < in->points; i++)
		assert_true(in->point[i].offset < len);
}

static void test_gnutls(void **state)
{
	struct inspection in;
	uint32_t seen[PROBE_KIND_COUNT] = { 0 };
	size_t len;
	uint8_t *lib = real_library("libgnutls.so.30", &len);
	int fd;

	(void)state;
	if (!lib)
		skip();
	fd = elfgen_memfd(lib, len);
	assert_int_equal(inspect_fd(fd, &in), 0);
	assert_int_equal(in.family, INSPECT_GNUTLS);
	assert_memory_equal(in.version, "GnuTLS 3.", 9);
	for (uint32_t i = 0; i < in.points; i++)
		seen[in.point[i].kind]++;
	assert_int_equal(seen[PROBE_SSL_READ], 2);
	/* gnutls_record_send() hands on to gnutls_record_send2(): never probed both */
	assert_non_null(strstr(in.plan, "gnutls_record_send by gnutls_record_send2"));
	assert_int_equal(seen[PROBE_SSL_WRITE], 2);
	assert_int_equal(seen[PROBE_SSL_FLUSH], 1);
	assert_int_equal(seen[PROBE_SSL_FREE], 1);
	assert_int_equal(seen[PROBE_SSL_HANDSHAKE], 1);
	assert_int_equal(in.points, 7);
	assert_true(inspect_may_find(fd));
	close(fd);
	munmap(lib, len);
}

static void test_truncated(void **state)
{
	struct inspection in;
	size_t len;
	uint8_t *lib = real_library("libssl.so.3", &len);
	int fd;

	(void)state;
	if (!lib)
		skip();
	fd = elfgen_memfd(lib, len);
	for (size_t at = (len - 1) & ~63UL; at; at -= 64) {
		assert_int_equal(ftruncate(fd, at), 0);
		assert_int_equal(inspect_fd(fd, &in), 0);
		check_answer(&in, at);
	}
	close(fd);
	munmap(lib, len);
}

/* Every byte of the headers, and of what they point to at its start, set to values that hurt. */
static void test_mutated(void **state)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct elfgen g = { 0 };
	struct inspection in;
	int fd;

	(void)state;
	inner(&g, INNER);
	int_export(&g, READ, "SSL_read", "", INNER);
	ex_export(&g, READ_EX, "SSL_read_ex", INNER);
	elfgen_finish(&g);
	fd = elfgen_memfd(g.image, sizeof(g.image));
	for (size_t at = 0; at < sizeof(g.image); at++) {
		if (at == 0x78)
			at = ELFGEN_CODE;
		for (size_t v = 0; v < sizeof(values); v++) {
			assert_int_equal(pwrite(fd, &values[v], 1, at), 1);
			assert_int_equal(inspect_fd(fd, &in), 0);
			check_answer(&in, sizeof(g.image));
		}
		assert_int_equal(pwrite(fd, &g.image[at], 1, at), 1);
	}
	close(fd);
}

static void test_child_outlives_nothing(void **state)
{
	struct elfgen g = { 0 };
	struct inspection in;
	int fd;

	(void)state;
	int_export(&g, READ, "SSL_read", "", INNER);
	elfgen_finish(&g);
	fd = elfgen_memfd(g.image, sizeof(g.image));
	/* descriptors neither leak nor run out */
	for (int i = 0; i < 50; i++)
		assert_int_equal(inspect_file(fd, 65534, 65534, &in), 0);
	assert_int_equal(in.points, 1);
	assert_true(dup(fd) < 32);
	close(fd);
}

/* Marks anywhere, across the pieces that are read as well; past the bound nothing is said. */
static void test_glance(void **state)
{
	static const off_t places[] = { 0, 32765, 32768, 65535, 99999 };
	int fd = memfd_create("glance", MFD_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_false(inspect_may_find(fd));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(ftruncate(fd, 200000), 0);
		assert_false(inspect_may_find(fd));
		assert_int_equal(pwrite(fd, "SSL_read", 8, places[i]), 8);
		assert_true(inspect_may_find(fd));
	}
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(ftruncate(fd, LIMIT_GLANCE_BYTES), 0);
	assert_true(inspect_may_find(fd));
	close(fd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_glance),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_not_proven),
		cmocka_unit_test(test_two_calls),
		cmocka_unit_test(test_wrapper),
		cmocka_unit_test(test_write_ex2),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_not_files),
		cmocka_unit_test(test_real_library),
		cmocka_unit_test(test_gnutls),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_mutated),
		cmocka_unit_test(test_child_outlives_nothing),
	};

	again_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
