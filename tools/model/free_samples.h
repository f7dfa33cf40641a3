/* SPDX-License-Identifier: Apache-2.0 */
/*
 * free_samples: which stacks free the blocks of which site, as far as frees were sampled.
 *
 * See struct seep_frees in the file format. For tools/model only; others ask site_freers.
 */
#ifndef SEEP_MODEL_FREE_SAMPLES_H
#define SEEP_MODEL_FREE_SAMPLES_H

#include "tools/model/payload_decoder.h"

struct arena;
struct free_samples;
struct node_table;

/* Makes `*samples` of the payload of a record; a newer one takes the place of an older one. Returns
 * 0, -EBADMSG (then `*samples` is as it was), or -ENOMEM. */
int free_samples_read(struct free_samples **samples, struct payload payload, struct arena *arena);

/* Puts the ids that stand for them in the place of the stacks, adds up pairs that are then the same,
 * and sorts them: by site, what frees most of it first. Of null it does nothing. Returns 0, or
 * -EBADMSG when there were unknown stacks, which are left out. */
int free_samples_link(struct free_samples *samples, const struct node_table *nodes);

#endif
