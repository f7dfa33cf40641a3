/* SPDX-License-Identifier: Apache-2.0 */
/*
 * additions: what was added in each period, and whether it goes on.
 *
 * A clock that makes it evener than others do is believed. But what is kept is a part of what the site
 * allocates, so by that clock it is even in any case: that says nothing against the others.
 */
#include "tools/model/additions.h"

#include <math.h>

const double *additions_clock(const struct cohort_series *series, enum verdict_clock clock)
{
	return clock == CLOCK_TIME   ? series->time_s
	       : clock == CLOCK_WORK ? series->others
				     : series->births;
}

struct pace additions_fit(const double *clock, size_t first, const double *amounts, size_t count)
{
	double lengths[SERIES_MAX_STEPS];
	for (size_t i = 0; i < count; i++)
		lengths[i] = clock[first + i] - clock[first + i - 1];
	return pace_fit(amounts, lengths, count);
}

struct pace additions_pace(const struct additions *of, double gain, enum verdict_clock *chosen)
{
	struct pace paces[3];
	double least = INFINITY;
	for (size_t i = 0; i < of->clocks; i++) {
		paces[i] = additions_fit(additions_clock(of->series, (enum verdict_clock)i),
					 of->first, of->amounts, of->count);
		if (i != CLOCK_OWN && isfinite(paces[i].error))
			least = fmin(least, paces[i].dispersion);
	}
	*chosen = CLOCK_TIME;
	bool is_first = true;
	for (size_t i = 0; i < of->clocks; i++) {
		if (!isfinite(paces[i].error) || paces[i].dispersion * gain > least)
			continue;
		if (!is_first && fabs(paces[i].decline) >= fabs(paces[*chosen].decline))
			continue;
		is_first = false;
		*chosen = (enum verdict_clock)i;
	}
	return paces[*chosen];
}

/* In how many periods something was added. */
static size_t periods_of(const struct additions *of)
{
	size_t periods = 0;
	for (size_t i = 0; i < of->count; i++)
		periods += of->amounts[i] > 0;
	return periods;
}

/* Of so many periods that added something, each falls before the last part with the share of the clock
 * that lies there. Periods that come together, as those of one burst do, count for less: by the
 * dispersion. */
bool additions_have_ended(const struct additions *of, double dispersion, double chance)
{
	size_t end = of->count, periods = periods_of(of);
	double total = 0;
	while (end && !(of->amounts[end - 1] > 0))
		end--;
	for (size_t i = 0; i < end; i++)
		total += of->amounts[i];
	if (!periods || end == of->count)
		return false;
	double events = fmin((double)periods, total / fmax(1, dispersion));
	double before = (double)end / (double)of->count;
	for (size_t i = 0; i < of->clocks; i++) {
		const double *clock = additions_clock(of->series, (enum verdict_clock)i);
		double start = clock[of->first - 1], all = clock[of->first + of->count - 1] - start;
		if (all > 0)
			before = fmax(before, (clock[of->first + end - 1] - start) / all);
	}
	return pow(before, events) < chance;
}
