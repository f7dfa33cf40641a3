/* SPDX-License-Identifier: Apache-2.0 */
/*
 * full_site: thousands of records are loaded at the start; updates replace them one by one.
 *
 * Sick: the old version of some records is not freed. The leak is small beside what the site holds.
 *
 *   leak record_new
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

#define MOST_RECORDS 20000

static void *records[MOST_RECORDS];
static unsigned count;
static double updates, forgotten;

static SITE void *record_new(struct part *part)
{
	return part_check(malloc(part_bytes(part)));
}

static void start(struct part *part)
{
	count = (unsigned)part_draw_scale(part, "records", 1000, MOST_RECORDS);
	updates = part->rate;
	forgotten = part_draw_scale(part, "forgotten", 0.05, 0.5);
}

static void step(struct part *part)
{
	/* One call, so that what is loaded and what is updated is one site. */
	unsigned first = part->step ? (unsigned)part_uniform(part, 0, count) : 0;
	unsigned todo = part->step ? part_events(part, updates) : count;

	for (unsigned i = 0; i < todo; i++) {
		/* A few records are updated again and again, as in most tables. */
		unsigned which = part->step ? (first + i) % (count / 50) : i;

		if (!(part->is_sick && part_chance(part, forgotten)))
			free(records[which]);
		records[which] = record_new(part);
	}
}

KIND(full_site);
