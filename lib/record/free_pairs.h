/* SPDX-License-Identifier: Apache-2.0 */
/*
 * free_pairs: who frees whose blocks: pairs of the stack that allocated and the stack that freed,
 * and how many of the frees that were asked were of each.
 *
 * Counts what happens in this process, since its start or fork.
 */
#ifndef LIB_RECORD_FREE_PAIRS_H
#define LIB_RECORD_FREE_PAIRS_H

#include <stdint.h>

struct stack_pair {
	uint32_t allocated_by, freed_by; /* stacks, as the call tree numbers them */
	uint64_t samples;
};

/* More have no room. */
#define FREE_PAIRS_MAX 87040u

/* A block that the stack `allocated_by` had allocated is freed by `freed_by`. */
void free_pairs_add(uint32_t allocated_by, uint32_t freed_by);

/* Samples of all pairs, and of those for which there was no room; pairs with at least one sample. */
struct free_pairs_sums {
	uint64_t samples, lost;
	uint32_t pairs;
};
struct free_pairs_sums free_pairs_sum(void);

/* Stores the pairs with at least one sample, in no order, and at most `most`; their number. While
 * threads go on, a sample is seen or not, and there may be more pairs by now. */
uint32_t free_pairs_read(struct stack_pair *pairs, uint32_t most);

/* Of a debug build, while nobody adds anything: each pair is found where it lies. */
void free_pairs_verify(void);

void free_pairs_postfork_child(void);

#endif
