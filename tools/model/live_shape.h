/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_shape: what the live blocks and bytes of a site do, where nothing accumulates.
 */
#ifndef SEEP_MODEL_LIVE_SHAPE_H
#define SEEP_MODEL_LIVE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

struct cohort_series;

/* They rise and fall by half of their range, at least twice each, and each value is close to the
 * next: a wave and not noise. */
bool live_shape_is_periodic(const struct cohort_series *series);

/* Most of what is there from step `first` on came before: it grew, then stopped. */
bool live_shape_grew_before(const struct cohort_series *series, size_t first);

/* The value at `at`, or the nearer one of its neighbours where it lies outside both: a snapshot that is
 * taken while threads go on may see a buffer twice, or not at all, while realloc moves it. */
double live_shape_without_outlier(const double *values, size_t count, size_t at);

/* What the changes in the number of blocks from step `first` on may have done to the bytes, at the
 * size of the blocks that were made since. */
double live_shape_bytes_of_count(const struct cohort_series *series, size_t first);

/* Is what is allocated from step `first` on ever longer? A buffer that grows is allocated anew and
 * longer each time; where blocks are only replaced by others of all lengths, what is live becomes
 * longer or shorter by chance. True also where too little is allocated to say. */
bool live_shape_is_born_longer(const struct cohort_series *series, size_t first);

/* The whole stays level while a part of it moves, and does not rise by itself: what the part gains, the
 * rest loses. By chance it would hardly do so step by step. Level is what varies less than `most` of
 * how much the part does. */
bool live_shape_is_level_beside(const double *whole, const double *part, size_t count, double most);

#endif
