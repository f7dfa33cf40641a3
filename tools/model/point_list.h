/* SPDX-License-Identifier: Apache-2.0 */
/*
 * point_list: what the snapshots say of the sites, first in the order of the file, then by site.
 */
#ifndef SEEP_MODEL_POINT_LIST_H
#define SEEP_MODEL_POINT_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "tools/model/profile.h"

struct arena;
struct node_table;
struct payload;

/* One entry of one snapshot. */
struct raw_point {
	uint32_t stack;	   /* id as written */
	uint32_t snapshot; /* index */
	uint32_t cohort_count;
	size_t first_cohort; /* index into point_list.cohorts */
	uint64_t live_blocks, live_bytes, allocations, allocated_bytes;
};

struct point_list {
	struct raw_point *points;
	size_t count, capacity;
	struct cohort *cohorts;
	size_t cohort_count, cohort_capacity;
	size_t *last; /* by id: 1 + index of the stack's newest point; 0: it has none */
	size_t last_count;
	/* The stacks that may be live, each possibly more than once: what a keyframe that does not
	 * name them says has come to nothing. */
	uint32_t *live;
	size_t live_count, live_capacity;
};

/* Makes room for stacks with ids below `id_count`. Returns 0 or -ENOMEM. */
int point_list_start(struct point_list *list, size_t id_count);

/* Adds the entries of one snapshot. Returns 0; -EBADMSG when some entries were left out because
 * they cannot be true; -EILSEQ when the payload could not be decoded, then nothing was added;
 * -ENOMEM. */
int point_list_add_snapshot(struct point_list *list, const struct node_table *nodes,
			    struct payload entries, const struct seep_snapshot *fixed,
			    uint32_t snapshot);

/* Sorts the points by site, with the numbers of doubled stacks added up, and gives them to
 * `profile`. Returns 0 or -ENOMEM. */
int point_list_make_sites(struct point_list *list, const struct node_table *nodes,
			  struct profile *profile);

void point_list_free(struct point_list *list);

#endif
