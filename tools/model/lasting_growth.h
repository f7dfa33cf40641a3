/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lasting_growth: how much of a site's growth will stay, and is no traffic.
 *
 * Blocks count when they have reached an age that few of the site's blocks die after. A site that
 * frees nothing has no such age: all that is new counts at once.
 */
#ifndef SEEP_MODEL_LASTING_GROWTH_H
#define SEEP_MODEL_LASTING_GROWTH_H

#include <stdbool.h>
#include <stddef.h>

struct cohort_series;

struct lasting_growth {
	double bytes, blocks; /* never less than 0 */
	double age_s;	      /* the age; 0 where all counts, NAN where nothing does */
};

/* From step `from` of the series to its last; what lies before tells how long blocks of this site
 * live. With `is_from_nothing`, from before its first step, when nothing was live. */
struct lasting_growth lasting_growth_make(const struct cohort_series *series, size_t from,
					  bool is_from_nothing);

#endif
