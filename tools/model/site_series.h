/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_series: what the verdict looks at of one site.
 *
 * At most SERIES_MAX_STEPS snapshots, evenly picked, so that a site of a long run costs no more
 * than one of a short run. "Aged" are blocks that were born at least `age_steps` steps before the
 * step that sees them: traffic comes and goes among the young ones, what stays is among the aged.
 */
#ifndef SEEP_MODEL_SITE_SERIES_H
#define SEEP_MODEL_SITE_SERIES_H

#include <stddef.h>
#include <stdint.h>

struct profile;
struct site;

#define SERIES_MAX_STEPS 48

struct site_series {
	size_t count; /* steps */
	size_t age_steps;
	size_t window; /* the first step that is judged; start-up lies before it */
	size_t snapshots[SERIES_MAX_STEPS]; /* indices */
	double time_s[SERIES_MAX_STEPS];
	double live_blocks[SERIES_MAX_STEPS], live_bytes[SERIES_MAX_STEPS];
	double aged_blocks[SERIES_MAX_STEPS], aged_bytes[SERIES_MAX_STEPS];
	/* Allocations of all other sites so far: a clock that goes as fast as the program works. */
	double others[SERIES_MAX_STEPS];
};

/* Of snapshots [first, last] (indices) without the program's tidying up at its end. */
void site_series_make(struct site_series *series, const struct profile *profile,
		      const struct site *site, size_t first, size_t last);

/* The site's blocks at snapshot index `snapshot` that were born in an epoch above `after` and not
 * above `until`. */
double site_blocks_born(const struct site *site, size_t snapshot, uint32_t after, uint32_t until);

#endif
