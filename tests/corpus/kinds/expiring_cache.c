/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expiring_cache: answers are kept for a fixed time, then a sweeper frees them.
 *
 * Sick: an entry that was renewed meanwhile drops out of the sweeper's list and never expires.
 *
 *   leak entry_new
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

struct entry {
	struct due due;
	char answer[];
};

static struct calendar expiries;
static double time_to_live, renewed;

static SITE struct entry *entry_new(struct part *part)
{
	return part_check(malloc(sizeof(struct entry) + part_bytes(part)));
}

static void start(struct part *part)
{
	time_to_live = part_draw(part, "time_to_live", 0.04, 0.15) * part->periods;
	renewed = part_draw_scale(part, "renewed", 0.02, 0.2);
}

static void step(struct part *part)
{
	struct due *due;

	while ((due = calendar_take(&expiries, part)))
		free(due);
	for (unsigned i = part_requests(part); i; i--) {
		struct entry *entry = entry_new(part);

		if (!(part->is_sick && part_chance(part, renewed)))
			calendar_add(&expiries, part, &entry->due, time_to_live);
	}
}

KIND(expiring_cache);
