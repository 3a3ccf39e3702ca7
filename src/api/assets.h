/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLEARTAP_API_ASSETS_H
#define CLEARTAP_API_ASSETS_H

#include "base/embed.h"

extern const struct embedded_file web_files[]; /* web/..., the dashboard */
extern const struct embedded_file api_files[]; /* openapi.json */

#endif
