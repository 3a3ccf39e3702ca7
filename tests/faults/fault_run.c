// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tries each script of fault_session.c with each kind of call failing, at each place that calls, or
 * at SAMPLE of them chosen by SEED, in children: that one alone, and all from there on. A place is
 * a line of callers (fault.h); the first call that comes from there fails. TAP on standard output.
 * A script that is quick is tried at all calls in any case.
 *
 *     fault_run FOLDER SAMPLE SEED [SCRIPT [KIND once|on SITE]]
 *
 * SAMPLE 0: all places; -1: all calls. With a script or a site only that one; FAULT_TRACE=1 shows
 * the place of the call.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "fault_session.h"

#define PART_MAX     50 /* sites that one child tries */
#define FAILURES_MAX 12

/* Shared with the child that runs. */
static struct progress {
	long site;
	char why[256];
} * progress;

void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(progress->why, sizeof(progress->why), fmt, ap);
	va_end(ap);
	_exit(9);
}

/* What a child tried sites with; sites[] is sorted. */
struct part {
	const struct script *script;
	enum fault_kind kind;
	bool lasting;
	const long *sites;
	size_t count;
};

static void run_child(const struct part *p, const char *folder)
{
	long count[FAULT_KINDS];
	char log[300];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(log, sizeof(log), "%s/log", folder);
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (!getenv("FAULT_TRACE"))
		dup2(fd, STDERR_FILENO);
	for (size_t i = 0; i < p->count; i++) {
		progress->site = p->sites[i];
		if (ftruncate(fd, 0) || lseek(STDERR_FILENO, 0, SEEK_SET))
			errno = 0; /* a terminal */
		try_site(p->script, folder, p->kind, p->sites[i], p->lasting, count);
	}
	_exit(0);
}

/* 0, or what became of the child. */
static int try_part(const struct part *p, const char *folder)
{
	int status;

	progress->why[0] = '\0';
	fflush(stdout);
	pid_t pid = fork();
	if (!pid)
		run_child(p, folder);
	waitpid(pid, &status, 0);
	return status;
}

static void tell_failure(const struct part *p, const char *folder, int status)
{
	char name[300], line[400];
	int lines = 0;

	printf("# %s, %s %ld%s: ", p->script->name, fault_names[p->kind], progress->site,
	       p->lasting ? " and on" : "");
	if (*progress->why)
		printf("%s\n", progress->why);
	else if (WIFSIGNALED(status))
		printf("%s\n", WTERMSIG(status) == SIGALRM ? "hangs" : strsignal(WTERMSIG(status)));
	else
		printf("status %d\n", WEXITSTATUS(status));
	snprintf(name, sizeof(name), "%s/log", folder);
	FILE *in = fopen(name, "r");
	while (in && lines < 40 && fgets(line, sizeof(line), in))
		if (strstr(line, "ERROR") || strstr(line, "    #") || strstr(line, "runtime error"))
			lines += printf("#     %s", line) > 0;
	if (in)
		fclose(in);
}

/* The calls of one kind; how many sites failed. */
static size_t try_sites(struct part p, const char *folder)
{
	size_t failed = 0;

	while (p.count && failed < FAILURES_MAX) {
		struct part now = p;
		now.count = p.count < PART_MAX ? p.count : PART_MAX;
		int status = try_part(&now, folder);
		size_t done = now.count;
		if (status) {
			failed++;
			tell_failure(&now, folder, status);
			for (done = 0; done < now.count && now.sites[done] != progress->site;)
				done++;
			done++;
		}
		p.sites += done;
		p.count -= done;
	}
	return failed;
}

/* The first calls of each place among `total`, in order; how many. */
static size_t find_places(const uint64_t *from, long total, long *ret_sites)
{
	size_t n = 0;

	for (long i = 0; i < total && i < FAULT_CALLS_MAX; i++) {
		size_t k = 0;
		while (k < n && from[ret_sites[k] - 1] != from[i])
			k++;
		if (k == n)
			ret_sites[n++] = i + 1;
	}
	return n;
}

/* Keeps `sample` of sites[], in order. */
static size_t choose(long *sites, size_t count, size_t sample)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if ((size_t)random() % (count - i) < sample - n)
			sites[n++] = sites[i];
	return n;
}

/* Which calls of 1..total to try; the caller frees. */
static long *choose_sites(const uint64_t *from, long total, long sample, size_t *ret_count)
{
	long *sites = malloc(sizeof(*sites) * (size_t)(total + 1));
	size_t n = 0;

	if (sites && sample < 0)
		while ((long)n < total)
			sites[n] = (long)n + 1, n++;
	else if (sites)
		n = find_places(from, total, sites);
	*ret_count = sample > 0 && (size_t)sample < n ? choose(sites, n, (size_t)sample) : n;
	return sites;
}

/* A run in which nothing fails: how many calls of each kind, and where from. */
static int count_calls(const struct script *script, const char *folder,
		       long count[static FAULT_KINDS], struct fault_calls *calls)
{
	long *shared = mmap(NULL, sizeof(long) * FAULT_KINDS, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	progress->why[0] = '\0';
	pid_t pid = fork();
	if (!pid) {
		fault_note_calls(calls);
		try_site(script, folder, FAULT_MEMORY, 0, false, shared);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	memcpy(count, shared, sizeof(long) * FAULT_KINDS);
	munmap(shared, sizeof(long) * FAULT_KINDS);
	if (status)
		printf("# %s, without a fault: %s (status %x)\n", script->name, progress->why,
		       status);
	return status;
}

static void try_script(const struct script *script, const char *folder, long sample, int *number,
		       size_t *failures)
{
	static struct fault_calls *calls;
	long total[FAULT_KINDS] = { 0 };

	if (!calls)
		calls = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = count_calls(script, folder, total, calls);

	*failures += status != 0;
	printf("%sok %d - %s: nothing fails\n", status ? "not " : "", ++*number, script->name);
	for (int kind = 0; kind < FAULT_KINDS && !status; kind++) {
		for (int lasting = 0; lasting < 2 && total[kind]; lasting++) {
			struct part p = { .script = script,
					  .kind = (enum fault_kind)kind,
					  .lasting = lasting };
			long *sites = choose_sites(calls->from[kind], total[kind],
						   script->quick ? -1 : sample, &p.count);
			p.sites = sites;
			size_t failed = try_sites(p, folder);
			printf("%sok %d - %s: %s fails%s, at %zu of %ld calls\n",
			       failed ? "not " : "", ++*number, script->name, fault_names[kind],
			       lasting ? " from there on" : "", p.count, total[kind]);
			*failures += failed;
			free(sites);
		}
	}
}

static int try_one(char **argv, const char *folder)
{
	struct part p = { 0 };
	long site = atol(argv[3]);

	for (size_t i = 0; scripts[i].name; i++)
		if (!strcmp(scripts[i].name, argv[0]))
			p.script = &scripts[i];
	for (int i = 0; i < FAULT_KINDS; i++)
		if (!strcmp(fault_names[i], argv[1]))
			p.kind = (enum fault_kind)i;
	p.lasting = !strcmp(argv[2], "on");
	p.sites = &site;
	p.count = 1;
	if (!p.script)
		return 2;
	int status = try_part(&p, folder);
	if (status)
		tell_failure(&p, folder, status);
	return status != 0;
}

int main(int argc, char **argv)
{
	size_t failures = 0;
	int number = 0;

	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (argc < 4 || progress == MAP_FAILED)
		return 2;
	fault_install();
	log_set_level(LOG_LEVEL_ERROR);
	if (argc == 8)
		return try_one(argv + 4, argv[1]);
	srandom((unsigned)atol(argv[3]));
	for (size_t i = 0; scripts[i].name; i++)
		if (argc < 5 || !strcmp(argv[4], scripts[i].name))
			try_script(&scripts[i], argv[1], strtol(argv[2], NULL, 10), &number,
				   &failures);
	printf("1..%d\n", number);
	return failures > 0;
}
