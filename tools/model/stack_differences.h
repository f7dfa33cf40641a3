/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_differences: which captures --selfcheck has found to be other than libunwind's.
 *
 * See struct seep_self_check in the file format. For tools/model only; others read profile.self_check.
 */
#ifndef SEEP_MODEL_STACK_DIFFERENCES_H
#define SEEP_MODEL_STACK_DIFFERENCES_H

#include "tools/model/payload_decoder.h"

struct arena;
struct node_table;
struct self_check;

/* Makes `*check` of the payload of a record; a newer one takes the place of an older one. Returns 0,
 * -EBADMSG (then `*check` is as it was), or -ENOMEM. */
int stack_differences_read(struct self_check **check, struct payload payload, struct arena *arena);

/* Puts the ids that stand for them in the place of the stacks. Of null it does nothing. Returns 0, or
 * -EBADMSG when there were unknown stacks: a difference without them says nothing, and is left out. */
int stack_differences_link(struct self_check *check, const struct node_table *nodes);

#endif
