/* SPDX-License-Identifier: Apache-2.0 */
/*
 * late_feature: somewhere in the run an administrator turns auditing on. Notes are then taken of
 * requests, and dropped when they have been written.
 *
 * Sick: some notes are never dropped. Before that moment the site did nothing.
 *
 *   leak note_take
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

struct note {
	struct due due;
	char text[];
};

static struct calendar writes;
static double moment, noted, kept, life;
static void *table;

static SITE struct note *note_take(struct part *part)
{
	return part_check(malloc(sizeof(struct note) + part_bytes(part)));
}

static void start(struct part *part)
{
	moment = part_draw(part, "moment", 0.2, 0.45);
	noted = part_draw(part, "noted", 0.1, 1);
	kept = part_draw_scale(part, "kept", 0.05, 0.5);
	life = part_draw_scale(part, "life", 0.05, 0.8);
}

static void step(struct part *part)
{
	struct due *due;

	while ((due = calendar_take(&writes, part)))
		free(due);
	if (part_share(part) < moment)
		return;
	if (!table)
		table = part_check(calloc(1000, 64));
	for (unsigned i = part_events(part, part->rate * noted); i; i--) {
		struct note *note = note_take(part);

		if (!(part->is_sick && part_chance(part, kept)))
			calendar_add(&writes, part, &note->due, part_exponential(part, life));
	}
}

KIND(late_feature);
