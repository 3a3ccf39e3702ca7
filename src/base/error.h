/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLEARTAP_ERROR_H
#define CLEARTAP_ERROR_H

/* strerror(), and words for the numbers that only the kernel uses but hands out (ENOTSUPP). */
const char *error_text(int error);

#endif
