/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample_sums: what all samples of this process stand for, since its start or fork.
 *
 * In a process that samples they stand in the place of site_counters, and of the counts of bytes in
 * thread_state; there, samples are counted. All sums are in the parts of sample_weight.h.
 */
#ifndef LIB_RECORD_SAMPLE_SUMS_H
#define LIB_RECORD_SAMPLE_SUMS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/record/call_tree.h"
#include "lib/record/sample_weight.h"

struct sample_sums {
	struct sample_weight allocated, freed;
	struct sample_weight inherited_freed; /* of blocks inherited over fork */
};

/* False: no memory for its sums. */
bool sample_sums_start(void);

void sample_sums_add(uint32_t stack, struct sample_weight weight);
void sample_sums_remove(struct sample_weight weight, bool is_inherited);

struct sample_sums sample_sums_read(void);

/* Adds what the samples of each stack with an id below `count` stand for to `sums`: counters in
 * parts. While threads go on, a sample is seen or not. */
void sample_sums_by_stack(struct site_counters *sums, uint32_t count);

#endif
