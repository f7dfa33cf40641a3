/* SPDX-License-Identifier: Apache-2.0 */
/*
 * low_points: where what goes up and down is lowest.
 *
 * Collectors of garbage, epochs and arenas give back at once what has been collected for a while. Between
 * two such sweeps everything there rises, whether it is needed or not; what is kept shows at the low points.
 */
#ifndef SEEP_MODEL_LOW_POINTS_H
#define SEEP_MODEL_LOW_POINTS_H

#include <stdbool.h>
#include <stddef.h>

struct low_points {
	size_t first, last;
};

/* The two lowest values that are at least a third of the series apart; of equal ones those furthest apart. */
struct low_points low_points_find(const double *values, size_t count);

/* Does it fall in sweeps, so few that hardly anything is known of how it would go on? */
bool low_points_are_of_sweeps(const double *values, size_t count);

#endif
