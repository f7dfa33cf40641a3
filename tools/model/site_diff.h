/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_diff: the parts that the two kinds of diff share. For tools/model only; see report.h for
 * diff_build.
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

/* A site of the diff and what it is sorted by. */
struct ranked_site {
	struct report_site site;
	int64_t lasting_bytes; /* how much of its growth is no traffic */
};

/* The epoch of the newest snapshot up to the middle between `start_s` and the side's snapshot; that
 * of the snapshot itself when there is none after `start_s`. */
uint32_t diff_middle_epoch(struct diff_side side, double start_s);

/* The site's bytes at snapshot index `index` that were born above `after` and up to `until`. */
uint64_t diff_bytes_born(const struct site *site, size_t index, uint32_t after, uint32_t until);

void diff_set_old_state(struct report_site *site, uint64_t bytes, uint64_t blocks);

/* Puts those that changed into the report, which must have room for them, in their order. */
void diff_take_ranked(struct report *report, struct ranked_site *ranked, size_t count);

/* The diff of two runs, see run_diff.c. */
int diff_two_runs(struct diff_side old, struct diff_side new, report_resolver resolve,
		  void *context, struct report **report, struct error *error);

#endif
