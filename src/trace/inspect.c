// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "trace/disasm.h"
#include "trace/elf.h"
#include "trace/library.h"
#include "trace/unread.h"

bool inspect_may_find(int fd)
{
	enum { OVERLAP = 16 };
	char data[OVERLAP + 32768];
	off_t at = 0;
	ssize_t n = 0;

	memset(data, 0, OVERLAP);
	while (at < LIMIT_GLANCE_BYTES &&
	       (n = pread(fd, data + OVERLAP, sizeof(data) - OVERLAP, at)) > 0) {
		if (library_marked(data, OVERLAP + (size_t)n))
			return true;
		memmove(data, data + n, OVERLAP);
		at += n;
	}
	return at >= LIMIT_GLANCE_BYTES || n < 0;
}

/* Each row's first function, once. */
static void say_none(const struct library *row, size_t count, char *ret, size_t room)
{
	size_t len = (size_t)snprintf(ret, room, "not a TLS library:");

	for (size_t i = 0; i < count && len < room; i++) {
		const char *name = row[i].function[0].name;
		size_t k = 0;

		while (strcmp(row[k].function[0].name, name))
			k++;
		if (k == i)
			len += (size_t)snprintf(ret + len, room - len, " %s %s",
						i ? "nor" : "has neither", name);
	}
}

static int inspect_elf(struct elf_file *e, inspect_first_fn *first, struct inspection *ret)
{
	struct library_file file = { .elf = e, .first = first };
	size_t count;
	const struct library *row = library_rows(&count);
	int r = disasm_new(e->machine, &file.disasm);

	if (r)
		return r;
	/* a Go program may carry an OpenSSL of its own */
	for (size_t i = 0; !r && !ret->points && i < count; i++)
		r = row[i].inspect(&row[i], &file, ret);
	const char *unread = r || ret->points || *ret->reason ? NULL : unread_find(e);
	ret->unread = unread != NULL;
	if (unread)
		snprintf(ret->reason, sizeof(ret->reason),
			 "%s: a TLS library that cleartap does not read yet", unread);
	else if (!r && !ret->points && !*ret->reason)
		say_none(row, count, ret->reason, sizeof(ret->reason));
	disasm_free(file.disasm);
	return r;
}

int inspect_staged(int fd, inspect_first_fn *first, struct inspection *ret)
{
	struct elf_file e;
	const char *why;
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->go.goid = ret->go.conn_conn = ret->go.fd_sysfd = ret->go.conn_fd = -1;
	r = elf_open(fd, &e, &why);
	if (!r)
		r = inspect_elf(&e, first, ret);
	elf_close(&e);
	if (r == -ENOEXEC && why) {
		snprintf(ret->reason, sizeof(ret->reason), "%s", why);
		r = 0;
	}
	return r;
}

int inspect_fd(int fd, struct inspection *ret)
{
	return inspect_staged(fd, NULL, ret);
}

void inspect_warm(void)
{
#if defined(__aarch64__)
	static const uint16_t machine = EM_AARCH64;
	static const uint8_t code[] = {
		0xfd, 0x7b, 0xbf, 0xa9, 0xfd, 0x03, 0x00, 0x91, 0x00, 0x00,
		0x00, 0x94, 0x40, 0x00, 0x00, 0x54, 0xc0, 0x03, 0x5f, 0xd6
	};
#else
	static const uint16_t machine = EM_X86_64;
	static const uint8_t code[] = { 0x55, 0x48, 0x83, 0xec, 0x18, 0x48, 0x89, 0x44,
					0x24, 0x70, 0x76, 0x00, 0xe8, 0x00, 0x00, 0x00,
					0x00, 0x48, 0x8d, 0x6c, 0x24, 0x60, 0xc3 };
#endif
	struct disasm *d = NULL;
	struct insn i;

	elf_version(EV_CURRENT);
	if (disasm_new(machine, &d))
		return;
	for (size_t at = 0;
	     at < sizeof(code) && disasm_insn(d, code + at, sizeof(code) - at, at, &i);)
		at += i.size;
	disasm_free(d);
}
