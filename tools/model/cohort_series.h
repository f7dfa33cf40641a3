/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cohort_series: what the verdict looks at of one site: live blocks by moment and period of birth.
 *
 * At most SERIES_MAX_STEPS snapshots, the steps, so that a site of a long run costs no more than one
 * of a short run; of more than that every second, fourth and so on, by epoch, which are those that
 * cohorts begin with when the target merges them. Step i ends period i; blocks[i][j] are live at step i
 * and were born up to the end of period j. Period 0 holds everything that was born up to the first step.
 *
 * The target merges the cohorts of old epochs (see seep_snapshot in the file format), and all blocks
 * of a merged cohort count for the period of its first epoch. So at a later step a period may have
 * got blocks of the next one; blocks[i][j] is exact at every step where is_cut[j].
 */
#ifndef SEEP_MODEL_COHORT_SERIES_H
#define SEEP_MODEL_COHORT_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct profile;
struct site;
struct site_point;

#define SERIES_MAX_STEPS 64

struct cohort_series {
	size_t count; /* steps */
	double unit;  /* blocks that one observed block stands for, see cohort_series_unit */
	uint32_t single_epochs; /* the rule by which the target merges, see the file format */
	bool is_cut[SERIES_MAX_STEPS];
	uint32_t epoch[SERIES_MAX_STEPS]; /* see cohort_series_is_exact */
	double time_s[SERIES_MAX_STEPS];
	double others[SERIES_MAX_STEPS];      /* allocations of all other sites so far */
	double births[SERIES_MAX_STEPS];      /* allocations of this site so far … */
	double birth_bytes[SERIES_MAX_STEPS]; /* … and their bytes */
	double live_blocks[SERIES_MAX_STEPS], live_bytes[SERIES_MAX_STEPS];
	/* Only where the period is not after the step. */
	double blocks[SERIES_MAX_STEPS][SERIES_MAX_STEPS];
	double bytes[SERIES_MAX_STEPS][SERIES_MAX_STEPS];
};

/* Of snapshots [first, last] (indices) without the program's tidying up at its end. */
void cohort_series_make(struct cohort_series *series, const struct profile *profile,
			const struct site *site, size_t first, size_t last);

/* The last of snapshots [first, last] before the program tidied up at its end. */
size_t cohort_series_end_of_work(const struct profile *profile, const struct site *site,
				 size_t first, size_t last);

/* Adds `other`, which must be of the same snapshots: the series of a group of sites. The allocations
 * of other sites become fewer. */
void cohort_series_add(struct cohort_series *series, const struct cohort_series *other);

/* The series of a group of sites, one after the other: `sum` must be empty (count 0) before the first one.
 * One that was tidied up at the end may have fewer steps than that, and is left out. `part` is room
 * for one. */
void cohort_series_add_site(struct cohort_series *sum, struct cohort_series *part,
			    const struct profile *profile, const struct site *site, size_t first,
			    size_t last);

/* How many blocks of a site, of which `point` is the newest state, one that was recorded stands for: 1,
 * or more where the process was sampled. A single observation, not that many blocks, is what chance
 * decides about. */
double cohort_series_unit(const struct profile *profile, const struct site_point *point);

/* Is blocks[step][period] exact? Of a period that is no cut it may have been so at earlier steps. */
bool cohort_series_is_exact(const struct cohort_series *series, size_t step, size_t period);

/* Live at `step` and born in the one period. */
static inline double cohort_series_born(const struct cohort_series *series, size_t step,
					size_t period)
{
	double before = period ? series->blocks[step][period - 1] : 0;
	return series->blocks[step][period] - before;
}

#endif
