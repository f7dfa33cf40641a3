/* SPDX-License-Identifier: Apache-2.0 */
/*
 * double_sites: one site out of several stacks that are the same.
 *
 * See node_table: threads that see a stack for the first time at once can give it two ids. Each id
 * then has its own points, which list only its own changes.
 */
#ifndef SEEP_MODEL_DOUBLE_SITES_H
#define SEEP_MODEL_DOUBLE_SITES_H

#include <stddef.h>

struct profile_memory;
struct raw_point;
struct site;
struct site_point;

struct double_sites {
	struct profile_memory *memory;
	size_t cohorts_left; /* how many cohorts may still be made, see double_sites.c */
};

void double_sites_start(struct double_sites *doubles, struct profile_memory *memory,
			size_t cohort_count);

/* Replaces the site's points by their sum. `points[i]` is what `raw[order[i]]` became; the site's
 * point_count tells how many there are. Returns 0 or -ENOMEM. */
int double_sites_merge(struct double_sites *doubles, const struct raw_point *raw,
		       const size_t *order, struct site_point *points, struct site *site);

#endif
