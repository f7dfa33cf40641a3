/* SPDX-License-Identifier: Apache-2.0 */
/*
 * free_samples: which stacks free the blocks of which site, as far as frees were sampled.
 */
#include "tools/model/free_samples.h"

#include <errno.h>
#include <stdlib.h>

#include "tools/model/arena.h"
#include "tools/model/node_table.h"
#include "tools/model/payload_decoder.h"
#include "tools/model/profile.h"

int free_samples_read(struct free_samples **samples, struct payload payload, struct arena *arena)
{
	struct seep_frees raw;
	struct free_pair last = {0};
	if (!payload_frees(&payload, &raw))
		return -EBADMSG;
	struct free_samples *made = arena_take(arena, 1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	made->raw = raw;
	made->pairs = arena_take(arena, raw.pair_count, sizeof(*made->pairs));
	if (!made->pairs)
		return -ENOMEM;
	for (uint32_t i = 0; i < raw.pair_count; i++) {
		struct decoded_free_pair pair = {.stack = last.stack,
						 .free_stack = last.free_stack};
		if (!payload_free_pair(&payload, &pair))
			return -EBADMSG;
		last = (struct free_pair){pair.stack, pair.free_stack, pair.samples};
		made->pairs[made->pair_count++] = last;
	}
	*samples = made;
	return 0;
}

static int compare_pairs(const void *left, const void *right)
{
	const struct free_pair *a = left, *b = right;
	if (a->stack != b->stack)
		return a->stack > b->stack ? 1 : -1;
	return (a->free_stack > b->free_stack) - (a->free_stack < b->free_stack);
}

/* The stacks last, so that the order does not depend on the sort. */
static int compare_shares(const void *left, const void *right)
{
	const struct free_pair *a = left, *b = right;
	if (a->stack != b->stack || a->samples == b->samples)
		return compare_pairs(left, right);
	return a->samples < b->samples ? 1 : -1;
}

int free_samples_link(struct free_samples *samples, const struct node_table *nodes)
{
	size_t known = 0, kept = 0;
	if (!samples || !samples->pair_count)
		return 0;
	struct free_pair *pairs = samples->pairs;
	for (size_t i = 0; i < samples->pair_count; i++) {
		struct free_pair pair = {
			.stack = node_table_first_id(nodes, pairs[i].stack),
			.free_stack = node_table_first_id(nodes, pairs[i].free_stack),
			.samples = pairs[i].samples,
		};
		if (pair.stack && pair.free_stack)
			pairs[known++] = pair;
	}
	int result = known < samples->pair_count ? -EBADMSG : 0;
	qsort(pairs, known, sizeof(*pairs), compare_pairs);
	for (size_t i = 0; i < known; i++) {
		if (!kept || compare_pairs(&pairs[kept - 1], &pairs[i]) != 0)
			pairs[kept++] = pairs[i];
		else if (__builtin_add_overflow(pairs[kept - 1].samples, pairs[i].samples,
						&pairs[kept - 1].samples))
			pairs[kept - 1].samples = UINT64_MAX; /* no honest file comes near */
	}
	qsort(pairs, kept, sizeof(*pairs), compare_shares);
	samples->pair_count = kept;
	return result;
}
