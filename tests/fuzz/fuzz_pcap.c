// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A file of packets, with secrets inside where it is pcapng, to the entries. Every entry is JSON,
 * no more content comes out than went in, and what is held by connections is given back. Its cost
 * is that of its bytes, also when its packets come again and again.
 */
#include <jansson.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "entry.h"
#include "fuzz.h"
#include "session/session.h"
#include "source/pcap.h"
#include "source/source.h"
#include "wire/wire.h"

#define HEAD 24 /* of a pcap file */

static uint64_t content;

static void look_at(void *ctx, struct entry *e)
{
	struct buf out = { 0 };

	content += e->open ? 0 : e->request_body.len + e->response_body.len;
	if (ctx) {
		require(!entry_put_json(e, &out));
		json_t *json = json_loadb(out.data, out.len, JSON_ALLOW_NUL, NULL);
		require(json != NULL);
		json_decref(json);
		buf_free(&out);
	}
	entry_free(e);
}

/* The file, in place of one on a disk. */
static const char *put_file(const uint8_t *head, const uint8_t *data, size_t size)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("f", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		log_set_level(LOG_LEVEL_ERROR);
	}
	size_t first = head ? HEAD : 0;
	require(!ftruncate(fd, 0));
	require(!head || pwrite(fd, head, HEAD, 0) == HEAD);
	require(pwrite(fd, data, size, (off_t)first) == (ssize_t)size);
	return path;
}

static void run(const uint8_t *head, const uint8_t *data, size_t size, bool look)
{
	const struct entry_sink sink = { .emit = look_at, .ctx = look ? &content : NULL };
	struct wire *w = wire_new(&sink, &(struct wire_options){ .node = "n", .file = true });
	struct sessions *s =
		sessions_new(&sink, &(struct session_options){ .node = "n", .wire = w });
	const struct source_options o = { .sessions = s,
					  .wire = w,
					  .file = put_file(head, data, size) };
	void *state = NULL;
	char error[256] = "";
	int64_t now = 0, ticked = 0;
	int n = 1;

	content = 0;
	int r = source_pcap.open(&o, &state, error, sizeof(error));
	require(!r || *error);
	while (!r && n > 0) {
		n = source_pcap.poll(state, 0, &now);
		require(n >= 0);
		if (now - ticked >= SESSION_TICK_US)
			sessions_tick(s, ticked = now), wire_tick(w, now);
	}
	require(sessions_stats(s).active == 0);
	source_pcap.close(state);
	sessions_free(s);
	wire_end_all(w);
	wire_free(w);
	require(content <= size + HEAD);
}

static void pass(void *head, const uint8_t *data, size_t size)
{
	run(head, data, size, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool classic = size > HEAD && (*data == 0xd4 || *data == 0xa1 || *data == 0x4d);

	if (size > 65536)
		return 0;
	run(NULL, data, size, true);
	if (classic)
		fuzz_weigh(pass, (void *)data, data + HEAD, size - HEAD);
	else
		fuzz_weigh(pass, NULL, data, size);
	return 0;
}
