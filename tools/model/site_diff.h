/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_diff: the two kinds of diff, and what they share. For tools/model only; see report.h for diff_build.
 */
#ifndef SEEP_MODEL_SITE_DIFF_H
#define SEEP_MODEL_SITE_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/model/report.h"

struct error;
struct profile;
struct site;

/* One snapshot of one run. */
struct diff_side {
	const struct profile *profile;
	size_t index;
};

struct old_state {
	uint64_t live_bytes, live_blocks, allocations;
};

/* How many bytes of the site's growth over snapshots [first, last] (indices) are no traffic. With
 * `is_from_nothing` all it had at `first` has grown, too. `judgement` is the site's over these. */
int64_t diff_aged_bytes(const struct profile *profile, const struct site *site, size_t first,
			size_t last, bool is_from_nothing, const struct judgement *judgement);

void diff_set_old_state(struct report_site *site, const struct old_state *old);

/* Leaves out what did not change and sorts the others. */
void diff_keep_changed(struct report *report);

/* Two snapshots of one run; the report's sites have no symbols yet. 0, or a negative errno value and *error. */
int diff_snapshots(struct diff_side old, struct diff_side new, struct report **report,
		   struct error *error);

/* Snapshots of two runs, whose sites are matched by their symbols. */
int diff_runs(struct diff_side old, struct diff_side new, report_resolver resolve, void *context,
	      struct report **report, struct error *error);

#endif
