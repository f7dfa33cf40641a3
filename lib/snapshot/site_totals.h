/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_totals: all live blocks added up by site and by cohort, from one walk over the live table.
 */
#ifndef LIB_SNAPSHOT_SITE_TOTALS_H
#define LIB_SNAPSHOT_SITE_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/record/call_tree.h"
#include "lib/snapshot/page_fill.h"

struct site_cohort {
	uint32_t epoch; /* first epoch */
	uint32_t stack;
	uint32_t next; /* index + 1 of the site's next cohort, 0: none */
	uint64_t blocks, bytes;
};

/* What the live blocks of a site rest on in a process that samples. */
struct site_samples {
	uint64_t count;
	/* Variances of the sums of blocks and bytes, in 2^-16. */
	unsigned __int128 blocks_variance, bytes_variance;
	uint64_t mappings, mapped_bytes; /* of the same stack, exact */
};

struct site_totals {
	uint32_t stack_count;		 /* ids below were looked at */
	struct site_counters *allocated; /* by stack id */
	uint32_t *first_cohort;		 /* by stack id: index + 1, 0: none; newest first seen */
	struct site_cohort *cohorts;
	uint64_t cohort_count, cohort_room;
	uint32_t *slots; /* hash of cohorts: index + 1 */
	uint64_t slot_count;
	uint32_t epoch;		      /* the one that this snapshot closes */
	bool is_failed;		      /* no memory: what is here is not complete */
	struct site_samples *samples; /* by stack id; null: every block is recorded */
	struct page_fill fill;	      /* of all blocks, also of stacks that are not looked at */
	/* All blocks, mappings not included. In a process that samples what they stand for: the sums of
	 * the sites as they are written. */
	uint64_t live_blocks, live_bytes, inherited_blocks, inherited_bytes;
	uint64_t mapped_bytes;
	uint64_t recorded_blocks, recorded_inherited_blocks; /* those that were really seen */
	struct site_samples all_samples;
};

/* Adds up the state of now for the stacks with ids below `stack_count`; `is_quiet` says that no
 * thread of the program runs any more. Without `fills_pages` nothing is known of `fill`. Release the
 * result in any case. */
void site_totals_take(struct site_totals *totals, uint32_t epoch, uint32_t stack_count,
		      bool is_quiet, bool fills_pages);
void site_totals_release(struct site_totals *totals);

/* Of a debug build: the cohorts of all sites are all blocks and mappings, each one where it is looked
 * for. site_totals_take does it itself. */
void site_totals_verify(const struct site_totals *totals);

/* So many of the newest epochs are never merged; seep_snapshot has the rule for the others. */
#define SITE_TOTALS_SINGLE_EPOCHS 16u

/* The first epoch of the cohort that a birth in `birth` belongs to, seen from epoch `now`: recent
 * epochs stand alone, older ones are merged ever more coarsely. */
uint32_t site_totals_cohort(uint32_t birth, uint32_t now);

#endif
