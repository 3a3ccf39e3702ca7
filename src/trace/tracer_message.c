// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/tracer_message.h"

#include <errno.h>
#include <sys/socket.h>

int tracer_message_receive(int socket, struct tracer_message *ret)
{
	struct tracer_message m;
	ssize_t n = recv(socket, &m, sizeof(m), MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (n != sizeof(m))
		return n ? -EBADMSG : -EPIPE;
	m.library[sizeof(m.library) - 1] = '\0';
	m.version[sizeof(m.version) - 1] = '\0';
	m.path[sizeof(m.path) - 1] = '\0';
	m.plan[sizeof(m.plan) - 1] = '\0';
	m.reason[sizeof(m.reason) - 1] = '\0';
	m.container[sizeof(m.container) - 1] = '\0';
	m.comm[sizeof(m.comm) - 1] = '\0';
	*ret = m;
	return 0;
}
