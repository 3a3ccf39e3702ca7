// SPDX-License-Identifier: GPL-2.0-or-later
/* Print what the analysis of each file says: inspect_tool FILE... */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "trace/again.h"
#include "trace/inspect_child.h"
#include "trace/library_name.h"

static const char *const kinds[PROBE_KIND_COUNT] = {
	[PROBE_SSL_READ] = "ssl_read",
	[PROBE_SSL_READ_EX] = "ssl_read_ex",
	[PROBE_SSL_WRITE] = "ssl_write",
	[PROBE_SSL_WRITE_EX] = "ssl_write_ex",
	[PROBE_SSL_WRITE_EX2] = "ssl_write_ex2",
	[PROBE_SSL_FREE] = "ssl_free",
	[PROBE_SSL_CLEAR] = "ssl_clear",
	[PROBE_SSL_HANDSHAKE] = "ssl_handshake",
	[PROBE_SSL_FLUSH] = "ssl_flush",
	[PROBE_GO_READ_COPY] = "go_read_copy",
	[PROBE_GO_WRITE_RECORD] = "go_write_record",
	[PROBE_GO_READ] = "go_read",
	[PROBE_GO_READ_RET] = "go_read_ret",
	[PROBE_GO_WRITE] = "go_write",
	[PROBE_GO_CLOSE] = "go_close",
};

static void print_inspection(const struct inspection *in)
{
	printf("family: %s\nversion: %s\n", in->family ? library_name(in->family) : "none",
	       in->version);
	printf("plan: %s\nreason: %s\n", in->plan, in->reason);
	if (in->family == INSPECT_GO)
		printf("module: %s\n", in->module);
	if (in->family == INSPECT_GO)
		printf("goid: %d conn: %d fd: %d sysfd: %d register_abi: %u itab: 0x%" PRIx64 "\n",
		       in->go.goid, in->go.conn_conn, in->go.conn_fd, in->go.fd_sysfd,
		       in->go.register_abi, in->go.itab_tcp_conn);
	for (uint32_t i = 0; i < in->points; i++)
		printf("point: 0x%" PRIx64 " %s %s\n", in->point[i].offset,
		       kinds[in->point[i].kind], in->point[i].cheap ? "cheap" : "dear");
}

int main(int argc, char **argv)
{
	static struct inspection in;
	int failed = 0;

	again_main(argc, argv);
	for (int i = 1; i < argc; i++) {
		int fd = open(argv[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		int r = fd < 0 ? -errno : inspect_file(fd, 65534, 65534, &in);

		printf("%sfile: %s\n", i > 1 ? "\n" : "", argv[i]);
		if (r)
			printf("error: %s\n", strerror(-r));
		else
			print_inspection(&in);
		failed |= r;
		if (fd >= 0)
			close(fd);
	}
	return failed ? 1 : 0;
}
