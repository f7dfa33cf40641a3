/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_changes: what came and went of what lives, in blocks or in bytes.
 */
#include "tools/model/live_changes.h"

#include <math.h>

#include "tools/model/live_shape.h"

void live_changes_take(struct live_changes *changes, const struct inquiry *inquiry,
		       const double *live, size_t before, struct rise *rise)
{
	const struct cohort_series *series = inquiry->series;
	changes->grown = changes->shrunk = changes->late = 0;
	rise->count = series->count - before;
	rise->amounts = rise->count - 1;
	rise->positive = 0;
	for (size_t i = 0; i < rise->count; i++) {
		rise->times[i] = series->time_s[before + i];
		rise->values[i] = live_shape_without_outlier(live, series->count, before + i);
		double change = i ? rise->values[i] - rise->values[i - 1] : 0;
		changes->grown += fmax(0, change);
		changes->shrunk += fmax(0, -change);
		rise->positive += change > 0;
		if (i)
			changes->amounts[i - 1] = fmax(0, change);
		if (before + i > inquiry->survey.then)
			changes->late += change;
	}
}
