/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_history: what every site had at every snapshot, to be compared with what a file says.
 */
#include "tests/support/lib_history.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/profile.h"

#define MISTAKES_SHOWN 5

void lib_history_add(struct lib_history *history, const struct lib_history_value *values)
{
	size_t row = history->site_count * sizeof(*values);

	history->values = realloc(history->values, (history->snapshot_count + 1) * row);
	if (!history->values)
		abort();
	memcpy((char *)history->values + history->snapshot_count++ * row, values, row);
}

void lib_history_free(struct lib_history *history)
{
	free(history->values);
	*history = (struct lib_history){0};
}

static const struct site *site_of(const struct profile *profile, uint32_t stack)
{
	for (size_t i = 0; i < profile->site_count; i++)
		if (profile->sites[i].stack == stack)
			return &profile->sites[i];
	return NULL;
}

static bool is_right(const struct lib_history_value *expected, const struct site_point *point)
{
	static const struct site_point nothing;
	uint64_t blocks = 0, bytes = 0;

	if (!point)
		point = &nothing;
	for (uint32_t i = 0; i < point->cohort_count; i++) {
		blocks += point->cohorts[i].blocks;
		bytes += point->cohorts[i].bytes;
	}
	/* Cohorts cover all live blocks. */
	return point->live_blocks == expected->blocks && point->live_bytes == expected->bytes &&
	       point->allocations == expected->allocations &&
	       point->allocated_bytes == expected->allocated_bytes && blocks == expected->blocks &&
	       bytes == expected->bytes;
}

uint64_t lib_history_mistakes(const struct lib_history *history, const struct profile *profile)
{
	uint64_t mistakes = 0;

	for (uint32_t s = 0; s < history->site_count; s++) {
		const struct site *site = site_of(profile, history->stacks[s]);

		for (size_t i = 0; i < profile->snapshot_count; i++) {
			uint32_t number = profile->snapshots[i].number;
			const struct site_point *point = site ? site_at(site, i) : NULL;
			const struct lib_history_value *expected;

			if (number < 1 || number > history->snapshot_count) {
				fprintf(stderr, "  there was no snapshot %u\n", number);
				return mistakes + 1;
			}
			expected = &history->values[(number - 1) * history->site_count + s];
			if (is_right(expected, point) || mistakes++ >= MISTAKES_SHOWN)
				continue;
			fprintf(stderr,
				"  stack %u at snapshot %u has %" PRIu64 " blocks of %" PRIu64
				" bytes, %" PRIu64 " allocations of %" PRIu64 "; had %" PRIu64
				" of %" PRIu64 ", %" PRIu64 " of %" PRIu64 "\n",
				history->stacks[s], number, point ? point->live_blocks : 0,
				point ? point->live_bytes : 0, point ? point->allocations : 0,
				point ? point->allocated_bytes : 0, expected->blocks,
				expected->bytes, expected->allocations, expected->allocated_bytes);
		}
	}
	return mistakes;
}
