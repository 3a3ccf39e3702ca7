// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "trace/disasm.h"
#include "trace/elf.h"
#include "trace/golang.h"
#include "trace/openssl.h"

/* libssl.so.3, libssl-8f3a.so.1.1 (Python wheels), libboringssl.so, libnetty_tcnative_linux.so */
bool inspect_wants_library(const char *basename)
{
	static const char *const starts[] = { "libssl", "libboringssl", "libnetty_tcnative",
					      "libnetty-tcnative", "libconscrypt_jni" };

	if (!strstr(basename, ".so"))
		return false;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		if (!strncmp(basename, starts[i], strlen(starts[i])))
			return true;
	}
	return false;
}

/* Marks of what openssl.c and gobin.c look for; a file without them is neither. */
static bool has_mark(const char *data, size_t len)
{
	static const char *const marks[] = { "SSL_", "gopclntab", "buildinf" };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (memmem(data, len, marks[i], strlen(marks[i])))
			return true;
	}
	return false;
}

bool inspect_may_find(int fd)
{
	enum { OVERLAP = 16 };
	char data[OVERLAP + 32768];
	off_t at = 0;
	ssize_t n = 0;

	memset(data, 0, OVERLAP);
	while (at < LIMIT_GLANCE_BYTES &&
	       (n = pread(fd, data + OVERLAP, sizeof(data) - OVERLAP, at)) > 0) {
		if (has_mark(data, OVERLAP + (size_t)n))
			return true;
		memmove(data, data + n, OVERLAP);
		at += n;
	}
	return at >= LIMIT_GLANCE_BYTES || n < 0;
}

static int inspect_elf(int fd, struct elf_file *e, struct inspection *ret)
{
	struct disasm *d = NULL;
	int r = disasm_new(e->machine, &d);

	if (r)
		return r;
	r = golang_inspect(fd, e, d, ret);
	/* a Go program may carry an OpenSSL of its own */
	if (!r && !ret->points)
		r = openssl_inspect(e, d, ret);
	if (!r && !ret->points && !*ret->reason)
		snprintf(ret->reason, sizeof(ret->reason),
			 "not a TLS library: defines none of SSL_read, SSL_write and their _ex "
			 "forms");
	disasm_free(d);
	return r;
}

int inspect_fd(int fd, struct inspection *ret)
{
	struct elf_file e;
	const char *why;
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->go.goid = ret->go.conn_conn = ret->go.fd_sysfd = ret->go.conn_fd = -1;
	r = elf_open(fd, &e, &why);
	if (!r)
		r = inspect_elf(fd, &e, ret);
	elf_close(&e);
	if (r == -ENOEXEC && why) {
		snprintf(ret->reason, sizeof(ret->reason), "%s", why);
		r = 0;
	}
	return r;
}
