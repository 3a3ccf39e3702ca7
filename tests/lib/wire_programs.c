// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire_programs.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "cleartap.skel.h"

static int find_cgroup2(char *path, size_t size)
{
	FILE *mounts = setmntent("/proc/mounts", "re");
	struct mntent *m;
	int err = -ENOENT;

	while (mounts && (m = getmntent(mounts)) && err)
		if (!strcmp(m->mnt_type, "cgroup2")) {
			snprintf(path, size, "%s/cleartap-test-%d", m->mnt_dir, (int)getpid());
			err = 0;
		}
	if (mounts)
		endmntent(mounts);
	return err;
}

int wire_programs_enter(const struct wire_programs *p, const char *below)
{
	char path[300];

	snprintf(path, sizeof(path), "%s%s", p->cgroup, below);
	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	strncat(path, "/cgroup.procs", sizeof(path) - strlen(path) - 1);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = fd >= 0 && write(fd, "0", 1) == 1 ? 0 : -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

static int join(struct wire_programs *p)
{
	int err = find_cgroup2(p->cgroup, sizeof(p->cgroup));

	err = err ? err : wire_programs_enter(p, "");
	if (err)
		return err;
	p->fd = open(p->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return p->fd < 0 ? -errno : 0;
}

static int set_room(struct wire_programs *p, unsigned slots)
{
	p->skel->rodata->wire_room = slots;
	int err = bpf_map__set_max_entries(p->skel->maps.wire_slots, slots);
	err = err ? err : bpf_map__set_max_entries(p->skel->maps.wire_flows, slots);
	return err ? err : bpf_map__set_max_entries(p->skel->maps.wire_cookies, 2 * slots);
}

static int load(struct wire_programs *p, unsigned slots)
{
	struct bpf_program *one;

	p->skel = cleartap_bpf__open();
	if (!p->skel)
		return -errno;
	bpf_object__for_each_program(one, p->skel->obj)
		bpf_program__set_autoload(one, !strncmp(bpf_program__name(one), "wire_", 5));
	int err = set_room(p, slots);
	err = err ? err : cleartap_bpf__load(p->skel);
	if (!err && (!bpf_program__attach(p->skel->progs.wire_state) ||
		     !bpf_program__attach_cgroup(p->skel->progs.wire_in, p->fd) ||
		     !bpf_program__attach_cgroup(p->skel->progs.wire_out, p->fd)))
		err = -errno;
	return err;
}

int wire_programs_open(unsigned slots, struct wire_programs *ret)
{
	*ret = (struct wire_programs){ .fd = -1 };
	if (geteuid())
		return -EPERM;
	int err = join(ret);
	return err ? err : load(ret, slots);
}

void wire_programs_close(struct wire_programs *p)
{
	cleartap_bpf__destroy(p->skel);
	if (p->fd >= 0)
		close(p->fd);
	if (*p->cgroup) {
		wire_programs_enter(p, "/..");
		rmdir(p->cgroup);
	}
	*p = (struct wire_programs){ .fd = -1 };
}
