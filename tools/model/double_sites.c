/* SPDX-License-Identifier: Apache-2.0 */
/*
 * double_sites: adds up, for every snapshot in which one of the stacks has a point, the newest
 * point of each of them.
 *
 * A sum repeats the cohorts of the stacks that did not change, so a hostile file could make it much
 * larger than itself. Honest writers merge old epochs and keep a few dozen cohorts; we do the same
 * beyond MAX_COHORTS, and keep next to no detail once the sums have outgrown the file. Blocks and
 * bytes are exact in any case.
 */
#include "tools/model/double_sites.h"

#include <errno.h>
#include <string.h>

#include "tools/model/arena.h"
#include "tools/model/node_table.h"
#include "tools/model/point_list.h"
#include "tools/model/profile_memory.h"

#define MAX_COHORTS 128
#define FEW_COHORTS 4

/* One of the stacks, as at its newest point. */
struct member {
	uint32_t stack;
	struct site_point point;
};

struct sum {
	struct cohort cohorts[2 * MAX_COHORTS]; /* the second half is room to add in */
	size_t count;
};

void double_sites_start(struct double_sites *doubles, struct profile_memory *memory,
			size_t cohort_count)
{
	doubles->memory = memory;
	doubles->cohorts_left = 2 * cohort_count + 1024;
}

/* Merges the oldest cohorts until at most `limit` are left. */
static void merge_old_cohorts(struct sum *sum, size_t limit)
{
	if (sum->count <= limit)
		return;
	size_t merged = sum->count - limit;
	for (size_t i = 1; i <= merged; i++) {
		sum->cohorts[0].blocks += sum->cohorts[i].blocks;
		sum->cohorts[0].bytes += sum->cohorts[i].bytes;
	}
	memmove(sum->cohorts + 1, sum->cohorts + 1 + merged, (limit - 1) * sizeof(*sum->cohorts));
	sum->count = limit;
}

static void add_cohorts(struct sum *sum, const struct site_point *point)
{
	struct sum old;
	memcpy(old.cohorts, sum->cohorts, sum->count * sizeof(*old.cohorts));
	old.count = sum->count;
	size_t left = 0, right = 0;
	/* Cohorts beyond the limit are the oldest; they go into the first one that is kept. */
	size_t surplus = point->cohort_count > MAX_COHORTS ? point->cohort_count - MAX_COHORTS : 0;

	sum->count = 0;
	while (left < old.count || right + surplus < point->cohort_count) {
		const struct cohort *a = left < old.count ? &old.cohorts[left] : NULL;
		struct cohort b = {0};
		bool has_b = right + surplus < point->cohort_count;
		if (has_b)
			b = point->cohorts[right + surplus];
		struct cohort *next = &sum->cohorts[sum->count++];
		if (a && has_b && a->epoch == b.epoch) {
			*next = (struct cohort){b.epoch, a->blocks + b.blocks, a->bytes + b.bytes};
			left++;
			right++;
		} else if (!has_b || (a && a->epoch < b.epoch)) {
			*next = *a;
			left++;
		} else {
			*next = b;
			right++;
		}
	}
	for (size_t i = 0; i < surplus; i++) {
		sum->cohorts[0].blocks += point->cohorts[i].blocks;
		sum->cohorts[0].bytes += point->cohorts[i].bytes;
	}
	if (surplus && point->cohorts[0].epoch < sum->cohorts[0].epoch)
		sum->cohorts[0].epoch = point->cohorts[0].epoch;
	merge_old_cohorts(sum, MAX_COHORTS);
}

/* The sum of all members; false when a number would not fit, which no honest file can say. */
static bool add_up(const struct member *members, size_t count, struct site_point *total,
		   struct sum *sum)
{
	bool overflow = false;
	sum->count = 0;
	*total = (struct site_point){0};
	for (size_t i = 0; i < count; i++) {
		const struct site_point *point = &members[i].point;
		overflow |= __builtin_add_overflow(total->live_blocks, point->live_blocks,
						   &total->live_blocks);
		overflow |= __builtin_add_overflow(total->live_bytes, point->live_bytes,
						   &total->live_bytes);
		overflow |= __builtin_add_overflow(total->allocations, point->allocations,
						   &total->allocations);
		overflow |= __builtin_add_overflow(total->allocated_bytes, point->allocated_bytes,
						   &total->allocated_bytes);
		add_cohorts(sum, point);
	}
	return !overflow;
}

static struct member *find_member(struct member *members, size_t *count, uint32_t stack)
{
	for (size_t i = 0; i < *count; i++)
		if (members[i].stack == stack)
			return &members[i];
	members[*count] = (struct member){.stack = stack};
	return &members[(*count)++];
}

int double_sites_merge(struct double_sites *doubles, const struct raw_point *raw,
		       const size_t *order, struct site_point *points, struct site *site)
{
	struct member members[NODE_MAX_DOUBLES];
	size_t member_count = 0;
	uint32_t made = 0;

	for (uint32_t i = 0; i < site->point_count;) {
		/* All points of one snapshot, then one sum in the place of the first. */
		uint32_t snapshot = points[i].snapshot;
		for (; i < site->point_count && points[i].snapshot == snapshot; i++)
			find_member(members, &member_count, raw[order[i]].stack)->point = points[i];

		struct sum sum;
		struct site_point total;
		if (!add_up(members, member_count, &total, &sum))
			continue;
		merge_old_cohorts(&sum,
				  sum.count <= doubles->cohorts_left ? MAX_COHORTS : FEW_COHORTS);
		doubles->cohorts_left -=
			sum.count < doubles->cohorts_left ? sum.count : doubles->cohorts_left;
		struct cohort *kept = arena_take(doubles->memory->arena, sum.count, sizeof(*kept));
		if (!kept)
			return -ENOMEM;
		memcpy(kept, sum.cohorts, sum.count * sizeof(*kept));
		total.snapshot = snapshot;
		total.cohort_count = (uint32_t)sum.count;
		total.cohorts = kept;
		points[made++] = total;
	}
	site->point_count = made;
	return 0;
}
