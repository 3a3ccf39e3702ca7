// SPDX-License-Identifier: GPL-2.0-or-later
#include "fault.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <jansson.h>
#include <sanitizer/common_interface_defs.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

const char *const fault_names[FAULT_KINDS] = { "memory", "write", "sync", "truncate",
					       "open",	 "map",	  "read" };

static struct {
	enum fault_kind kind;
	long nth;
	bool lasting;
	_Atomic bool on, happened;
	_Atomic long count[FAULT_KINDS];
} fault;

void fault_begin(enum fault_kind kind, long nth, bool lasting)
{
	fault.kind = kind;
	fault.nth = nth;
	fault.lasting = lasting;
	fault.happened = false;
	for (int i = 0; i < FAULT_KINDS; i++)
		fault.count[i] = 0;
	fault.on = true;
}

void fault_end(long count[static FAULT_KINDS])
{
	fault.on = false;
	for (int i = 0; i < FAULT_KINDS; i++)
		count[i] = fault.count[i];
}

bool fault_happened(void)
{
	return fault.happened;
}

static struct fault_calls *seen;

void fault_note_calls(struct fault_calls *calls)
{
	void *frame[1];

	backtrace(frame, 1); /* it allocates when it is first called */
	seen = calls;
}

/* FNV-1a over the addresses of the callers. */
static void note_call(enum fault_kind kind, long n)
{
	void *frames[FAULT_FRAMES + 3];
	uint64_t hash = 0xcbf29ce484222325;

	int count = backtrace(frames, FAULT_FRAMES + 3);
	for (int i = 3; i < count; i++)
		hash = (hash ^ (uintptr_t)frames[i]) * 0x100000001b3;
	seen->from[kind][n - 1] = hash;
}

/* FAULT_TRACE in the environment shows where it was. */
static bool fails(enum fault_kind kind)
{
	static const int errors[FAULT_KINDS] = { ENOMEM, ENOSPC, EIO, EIO, EMFILE, ENOMEM, EIO };

	if (!fault.on)
		return false;
	long n = ++fault.count[kind];
	if (seen && n <= FAULT_CALLS_MAX)
		note_call(kind, n);
	if (kind != fault.kind || !fault.nth || (fault.lasting ? n < fault.nth : n != fault.nth))
		return false;
	if (!fault.happened && getenv("FAULT_TRACE"))
		__sanitizer_print_stack_trace();
	fault.happened = true;
	errno = errors[kind];
	return true;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
int __real_vasprintf(char **ret, const char *fmt, va_list ap);
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __real_pread(int fd, void *p, size_t n, off_t at);
ssize_t __real_pwritev(int fd, const struct iovec *v, int n, off_t at);
int __real_ftruncate(int fd, off_t n);
void *__real_mmap(void *p, size_t n, int prot, int flags, int fd, off_t at);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
int __wrap_asprintf(char **ret, const char *fmt, ...);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pread(int fd, void *p, size_t n, off_t at);
ssize_t __wrap_pwritev(int fd, const struct iovec *v, int n, off_t at);
int __wrap_ftruncate(int fd, off_t n);
int __wrap_open(const char *path, int flags, ...);
void *__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t at);

void *__wrap_malloc(size_t n)
{
	return fails(FAULT_MEMORY) ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails(FAULT_MEMORY) ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails(FAULT_MEMORY) ? NULL : __real_realloc(p, n);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return size && n > (size_t)-1 / size ? NULL : __wrap_realloc(p, n * size);
}

char *__wrap_strndup(const char *s, size_t n)
{
	n = strnlen(s, n);
	char *copy = __wrap_malloc(n + 1);
	if (copy) {
		memcpy(copy, s, n);
		copy[n] = '\0';
	}
	return copy;
}

char *__wrap_strdup(const char *s)
{
	return __wrap_strndup(s, strlen(s));
}

int __wrap_asprintf(char **ret, const char *fmt, ...)
{
	va_list ap;

	if (fails(FAULT_MEMORY)) {
		*ret = (char *)-1; /* as the manual says: undefined */
		return -1;
	}
	va_start(ap, fmt);
	int n = vasprintf(ret, fmt, ap);
	va_end(ap);
	return n;
}

ssize_t __wrap_write(int fd, const void *p, size_t n)
{
	return fails(FAULT_WRITE) ? -1 : __real_write(fd, p, n);
}

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
	return fails(FAULT_WRITE) ? -1 : __real_pwrite(fd, p, n, at);
}

/* A disk that fills takes part of it. */
ssize_t __wrap_pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	if (!fails(FAULT_WRITE))
		return __real_pwritev(fd, v, n, at);
	if (fault.lasting || n < 2)
		return -1;
	return __real_pwrite(fd, v[0].iov_base, v[0].iov_len, at);
}

ssize_t __wrap_pread(int fd, void *p, size_t n, off_t at)
{
	return fails(FAULT_READ) ? -1 : __real_pread(fd, p, n, at);
}

int __wrap_ftruncate(int fd, off_t n)
{
	return fails(FAULT_TRUNCATE) ? -1 : __real_ftruncate(fd, n);
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list ap;

	va_start(ap, flags);
	unsigned mode = va_arg(ap, unsigned);
	va_end(ap);
	return fails(FAULT_OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

void *__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t at)
{
	return fails(FAULT_MAP) ? MAP_FAILED : __real_mmap(p, n, prot, flags, fd, at);
}

/* SQLite calls these by their names, whatever it is told. */
int fsync(int fd)
{
	return fails(FAULT_SYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return fails(FAULT_SYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

static int sqlite_fallocate(int fd, off_t at, off_t n)
{
	return fails(FAULT_WRITE) ? ENOSPC : posix_fallocate(fd, at, n);
}

static sqlite3_mem_methods plain;

static void *sqlite_malloc(int n)
{
	return fails(FAULT_MEMORY) ? NULL : plain.xMalloc(n);
}

static void *sqlite_realloc(void *p, int n)
{
	return fails(FAULT_MEMORY) ? NULL : plain.xRealloc(p, n);
}

static void install_memory(void)
{
	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain);
	sqlite3_mem_methods ours = plain;
	ours.xMalloc = sqlite_malloc;
	ours.xRealloc = sqlite_realloc;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
	json_set_alloc_funcs(__wrap_malloc, free);
}

void fault_install(void)
{
	static const struct {
		const char *name;
		sqlite3_syscall_ptr call;
	} calls[] = {
		{ "open", (sqlite3_syscall_ptr)__wrap_open },
		{ "ftruncate", (sqlite3_syscall_ptr)__wrap_ftruncate },
		{ "read", NULL },
		{ "pread", (sqlite3_syscall_ptr)__wrap_pread },
		{ "pread64", (sqlite3_syscall_ptr)__wrap_pread },
		{ "write", (sqlite3_syscall_ptr)__wrap_write },
		{ "pwrite", (sqlite3_syscall_ptr)__wrap_pwrite },
		{ "pwrite64", (sqlite3_syscall_ptr)__wrap_pwrite },
		{ "fallocate", (sqlite3_syscall_ptr)sqlite_fallocate },
		{ "mmap", (sqlite3_syscall_ptr)__wrap_mmap },
	};

	install_memory();
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (calls[i].call)
			vfs->xSetSystemCall(vfs, calls[i].name, calls[i].call);
}
