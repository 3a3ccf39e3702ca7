// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For LD_PRELOAD: calls of the server process that fail, as the file FAULT_FILE says, which is
 * mapped and changed while it runs (fault_server.py). The tracer (root) is left alone, and so is
 * what is no regular file, and standard output. But open and mmap fail in every process, for they
 * are of the start above all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault_kind {
	FAULT_MEMORY,
	FAULT_WRITE,
	FAULT_SYNC,
	FAULT_TRUNCATE,
	FAULT_OPEN,
	FAULT_MAP,
	FAULT_KINDS
};

static struct faults {
	uint64_t kind, nth, lasting, error; /* nth 0: nothing fails */
	_Atomic uint64_t count[FAULT_KINDS];
	_Atomic uint64_t failed;
} * faults;

__attribute__((constructor)) static void map_faults(void)
{
	const char *path = getenv("FAULT_FILE");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	void *p = mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p != MAP_FAILED)
		faults = p;
}

static bool fails(enum fault_kind kind)
{
	if (!faults || !faults->nth || (kind < FAULT_OPEN && !syscall(SYS_getuid)))
		return false;
	uint64_t n = ++faults->count[kind];
	if (kind != faults->kind || (faults->lasting ? n < faults->nth : n != faults->nth))
		return false;
	faults->failed++;
	errno = (int)faults->error;
	return true;
}

static bool is_file(int fd)
{
	struct stat st;

	return fd > STDERR_FILENO && !fstat(fd, &st) && S_ISREG(st.st_mode);
}

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
	return fails(FAULT_MEMORY) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails(FAULT_MEMORY) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return n && fails(FAULT_MEMORY) ? NULL : __libc_realloc(p, n);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return is_file(fd) && fails(FAULT_WRITE) ? -1 : syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return pwrite64(fd, p, n, at);
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	return is_file(fd) && fails(FAULT_WRITE) ? -1 : syscall(SYS_pwritev, fd, v, n, at, 0);
}

ssize_t write(int fd, const void *p, size_t n)
{
	return is_file(fd) && fails(FAULT_WRITE) ? -1 : syscall(SYS_write, fd, p, n);
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
	return fails(FAULT_WRITE) ? -1 : (int)syscall(SYS_fallocate, fd, mode, at, n);
}

int fsync(int fd)
{
	return fails(FAULT_SYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return fails(FAULT_SYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int ftruncate64(int fd, off64_t n)
{
	return fails(FAULT_TRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

int ftruncate(int fd, off_t n)
{
	return ftruncate64(fd, n);
}

static int open_at(int folder, const char *path, int flags, va_list ap)
{
	unsigned mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, unsigned) : 0;

	return fails(FAULT_OPEN) ? -1 : (int)syscall(SYS_openat, folder, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
	va_list ap;

	va_start(ap, flags);
	int fd = open_at(folder, path, flags, ap);
	va_end(ap);
	return fd;
}

int open(const char *path, int flags, ...)
{
	va_list ap;

	va_start(ap, flags);
	int fd = open_at(AT_FDCWD, path, flags, ap);
	va_end(ap);
	return fd;
}

int openat64(int folder, const char *path, int flags, ...) __attribute__((alias("openat")));
int open64(const char *path, int flags, ...) __attribute__((alias("open")));

void *mmap(void *p, size_t n, int prot, int flags, int fd, off_t at)
{
	if (fails(FAULT_MAP))
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, p, n, prot, flags, fd, at);
}

void *mmap64(void *p, size_t n, int prot, int flags, int fd, off64_t at)
	__attribute__((alias("mmap")));
