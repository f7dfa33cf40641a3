/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_pins: how much free memory the live blocks of each site keep from being used otherwise.
 *
 * See struct seep_pins in the file format. For tools/model only; others ask profile_pins.
 */
#ifndef SEEP_MODEL_SITE_PINS_H
#define SEEP_MODEL_SITE_PINS_H

#include "tools/model/payload_decoder.h"

struct arena;
struct node_table;
struct site_pins;

/* Makes `*pins` of the payload of a record; a newer one takes the place of an older one. Returns 0,
 * -EBADMSG (then `*pins` is as it was), or -ENOMEM. */
int site_pins_read(struct site_pins **pins, struct payload payload, struct arena *arena);

/* Puts the ids that stand for them in the place of the stacks, and adds up those that are then the
 * same. Of null it does nothing. Returns 0, or -EBADMSG when there were unknown stacks, which are left
 * out. */
int site_pins_link(struct site_pins *pins, const struct node_table *nodes);

#endif
