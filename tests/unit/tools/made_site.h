/* SPDX-License-Identifier: Apache-2.0 */
/* made_site: a run with one site, made by hand block by block, and its verdict. */
#ifndef SEEP_TESTS_MADE_SITE_H
#define SEEP_TESTS_MADE_SITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "tools/model/profile.h"
#include "tools/model/verdict.h"

#define MAX_PERIODS 400
#define BLOCK_BYTES 64

/* blocks[t][b] live at snapshot t, born in period b. */
struct run {
	size_t periods;
	struct profile profile;
	struct site site;
	struct snapshot snapshots[MAX_PERIODS];
	struct site_point points[MAX_PERIODS];
	struct cohort cohorts[MAX_PERIODS][MAX_PERIODS];
	uint64_t blocks[MAX_PERIODS][MAX_PERIODS];
	uint64_t allocations[MAX_PERIODS], others[MAX_PERIODS];
};

static inline struct run *run_new(size_t periods)
{
	struct run *run = calloc(1, sizeof(*run));
	assert_non_null(run);
	run->periods = periods;
	return run;
}

/* Makes profile and site of the numbers. Snapshots 10 seconds apart; or, when `ratio` is more than
 * 1, each distance so many times the one before. */
static inline void finish_run(struct run *run, double ratio)
{
	double time_s = 0, interval_s = ratio > 1 ? 0.1 : 10;
	uint64_t allocations = 0, others = 0;
	for (size_t t = 0; t < run->periods; t++, interval_s *= ratio) {
		struct site_point *point = &run->points[t];
		time_s += interval_s;
		allocations += run->allocations[t];
		others += run->others[t];
		*point = (struct site_point){
			.snapshot = (uint32_t)t,
			.cohorts = run->cohorts[t],
			.allocations = allocations,
			.allocated_bytes = allocations * BLOCK_BYTES,
		};
		for (size_t b = 0; b <= t; b++) {
			uint64_t blocks = run->blocks[t][b];
			if (!blocks)
				continue;
			run->cohorts[t][point->cohort_count++] =
				(struct cohort){(uint32_t)b + 1, blocks, blocks * BLOCK_BYTES};
			point->live_blocks += blocks;
			point->live_bytes += blocks * BLOCK_BYTES;
		}
		run->snapshots[t] = (struct snapshot){
			.number = (uint32_t)t + 1,
			.epoch = (uint32_t)t + 1,
			.time_s = time_s,
			.reason = SEEP_REASON_INTERVAL,
			.label = (char *)"",
		};
		run->snapshots[t].raw.live_bytes = (1 << 20) + point->live_bytes;
		run->snapshots[t].raw.allocations = allocations + others;
	}
	run->site = (struct site){1, (uint32_t)run->periods, run->points};
	run->profile = (struct profile){
		.snapshots = run->snapshots,
		.snapshot_count = run->periods,
		.sites = &run->site,
		.site_count = 1,
	};
}

static inline struct judgement judge(struct run *run)
{
	return verdict_judge(&run->profile, &run->site, 0, run->periods - 1);
}

/* `count` blocks born in period `b` that live through `lives` further snapshots. */
static inline void add_blocks(struct run *run, size_t b, double lives, uint64_t count)
{
	for (size_t t = b; t < run->periods && (double)(t - b) <= lives; t++)
		run->blocks[t][b] += count;
	run->allocations[b] += count;
}

static inline void expect_verdict(struct run *run, enum verdict expected)
{
	enum verdict verdict = judge(run).verdict;
	if (verdict != expected)
		fail_msg("expected %s, got %s", verdict_name(expected), verdict_name(verdict));
	free(run);
}

#endif
