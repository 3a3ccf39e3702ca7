// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/error.h"

#include <string.h>

/* include/linux/errno.h of the kernel */
static const struct {
	int number;
	const char *text;
} kernel[] = {
	{ 512, "Interrupted, to be tried again" },
	{ 517, "Not ready yet, to be tried again" },
	{ 524, "Operation not supported by this kernel" },
};

const char *error_text(int error)
{
	for (size_t i = 0; i < sizeof(kernel) / sizeof(*kernel); i++) {
		if (kernel[i].number == error)
			return kernel[i].text;
	}
	return strerror(error);
}
