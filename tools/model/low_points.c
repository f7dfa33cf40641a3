/* SPDX-License-Identifier: Apache-2.0 */
/*
 * low_points: where what goes up and down is lowest.
 */
#include "tools/model/low_points.h"

#include <math.h>

#define APART 3 /* this part of the series at least: else both lie at the same sweep */
#define MOST_SWEEPS 5
#define SWEPT 0.5 /* of what a series rises by it loses so much again */

struct low_points low_points_find(const double *values, size_t count)
{
	struct low_points found = {0, 0};
	double least = INFINITY;
	size_t apart = count / APART + 1;
	for (size_t first = 0; first + apart < count; first++) {
		for (size_t last = first + apart; last < count; last++) {
			double higher = fmax(values[first], values[last]);
			if (higher > least ||
			    (higher == least && last - first <= found.last - found.first))
				continue;
			least = higher;
			found = (struct low_points){first, last};
		}
	}
	return found;
}

/* As many falls of one size as would vary as much. */
bool low_points_are_of_sweeps(const double *values, size_t count)
{
	double rises = 0, falls = 0, squares = 0;
	for (size_t i = 1; i < count; i++) {
		double step = values[i] - values[i - 1];
		rises += fmax(0, step);
		falls += fmax(0, -step);
		squares += step < 0 ? step * step : 0;
	}
	return falls > 0 && falls >= SWEPT * rises && falls * falls <= MOST_SWEEPS * squares;
}
