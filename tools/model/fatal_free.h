/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fatal_free: the free that has ended the program.
 *
 * See struct seep_fatal_free in the file format. For tools/model only; others see profile.h.
 */
#ifndef SEEP_MODEL_FATAL_FREE_H
#define SEEP_MODEL_FATAL_FREE_H

#include "tools/model/payload_decoder.h"

struct arena;
struct fatal_free;
struct node_table;

/* Makes `*fatal` of the payload of a record; a newer one takes the place of an older one. Returns 0,
 * -EBADMSG (then `*fatal` is as it was), or -ENOMEM. */
int fatal_free_read(struct fatal_free **fatal, struct payload payload, struct arena *arena);

/* Puts the ids that stand for them in the place of the stacks. Of null it does nothing. Returns 0, or
 * -EBADMSG when one is unknown: then `*fatal` is null. */
int fatal_free_link(struct fatal_free **fatal, const struct node_table *nodes);

#endif
