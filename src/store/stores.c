// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sqlite/ops.h"
#include "store/store_ops.h"

const struct store_ops *const store_table[] = {
	&sqlite_ops,
	NULL,
};
