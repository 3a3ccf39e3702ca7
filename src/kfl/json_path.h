/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths of a query into JSON text: .name [0] .* ..name */
#ifndef CLEARTAP_KFL_JSON_PATH_H
#define CLEARTAP_KFL_JSON_PATH_H

#include <stdbool.h>

#include "base/text.h"

struct buf;
struct step;

/* Steps as one text: kLENGTH:name, iINDEX:, *, dLENGTH:name. 0 or -ENOMEM. */
int json_put_steps(const struct step *steps, struct buf *out);

/*
 * Follow steps (json_put_steps) and put what they lead to: one value, or an array when there
 * are steps that lead to any number. 1 found, 0 not (nothing is put), -ENOMEM. Before the steps a
 * "p" says that arrays of [name, value] are objects whose names have no case.
 */
int json_put_path(struct text value, struct text steps, struct buf *out);

/* One step of the text that json_put_steps() makes; false at its end. */
bool json_read_step(struct text *steps, struct step *ret);

#endif
