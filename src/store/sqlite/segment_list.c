// SPDX-License-Identifier: GPL-2.0-or-later
/* The table `segment`, as writer and readers read it. */
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <stdlib.h>

int segment_list_read(sqlite3_stmt *stmt, struct segments *ret)
{
	struct segments g = { 0 };
	size_t room = 0;
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (g.count == room) {
			room = room ? 2 * room : 16;
			struct segment *v = reallocarray(g.v, room, sizeof(*v));
			if (!v) {
				rc = SQLITE_NOMEM;
				break;
			}
			g.v = v;
		}
		g.v[g.count++] = (struct segment){
			.n = sqlite3_column_int64(stmt, 0),
			.first_id = sqlite3_column_int64(stmt, 1),
			.last_id = sqlite3_column_int64(stmt, 2),
			.first_us = sqlite3_column_int64(stmt, 3),
			.last_us = sqlite3_column_int64(stmt, 4),
			.bytes = sqlite3_column_int64(stmt, 5),
		};
	}
	int r = db_errno(sqlite3_db_handle(stmt), rc);
	sqlite3_reset(stmt);
	if (r < 0) {
		free(g.v);
		return r;
	}
	*ret = g;
	return 0;
}
