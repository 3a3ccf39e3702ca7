/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLEARTAP_KFL_XML_H
#define CLEARTAP_KFL_XML_H

#include "kfl/tree.h"

struct buf;

/*
 * Follow steps (json_put_steps) into XML, the root element's name first, and put the texts of
 * what they lead to as JSON: a string, or an array when it is many or may be. Names may leave out
 * their prefix; "@name" and "-name" are attributes. 1 found, 0 not, -ENOMEM.
 */
int xml_put_path(struct text xml, struct text steps, struct buf *out);

#endif
