/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampling: what the estimates of a run with --sample rest on.
 *
 * See struct seep_samples in the file format. For tools/model only; others ask snapshot_sampling and
 * site_sampled.
 */
#ifndef SEEP_MODEL_SAMPLING_H
#define SEEP_MODEL_SAMPLING_H

#include <stdint.h>

#include "tools/model/payload_decoder.h"

struct arena;
struct node_table;
struct sampled_site;
struct sampling;

/* Makes `*sampling` of the payload of a record; a newer one takes the place of an older one. Returns 0,
 * -EBADMSG (then `*sampling` is as it was), or -ENOMEM. */
int sampling_read(struct sampling **sampling, struct payload payload, struct arena *arena);

/* Puts the ids that stand for them in the place of the stacks, and makes one site of those that are then
 * the same. Of null it does nothing. Returns 0, or -EBADMSG when there were unknown stacks, which are
 * left out. */
int sampling_link(struct sampling *sampling, const struct node_table *nodes);

/* What is said of the site of this stack; null where nothing is. */
const struct sampled_site *sampling_site(const struct sampling *sampling, uint32_t stack);

#endif
