// SPDX-License-Identifier: GPL-2.0-or-later
/* What fuzz_queues does, from seeds and words of Redis and PostgreSQL. */
#include "fuzz_queues.c"
