/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uploads: most take a moment, a few take very long: times with a heavy tail.
 *
 * Sick: what was sent of an upload that breaks off is kept for a continuation that never comes.
 *
 *   leak upload_begin
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

struct upload {
	struct due due;
	char bytes[];
};

static struct calendar ends;
static double least, power, broken;

static SITE struct upload *upload_begin(struct part *part)
{
	return part_check(malloc(sizeof(struct upload) + 4 * part_bytes(part)));
}

static void start(struct part *part)
{
	least = part_draw_scale(part, "least", 0.05, 0.4);
	power = part_draw(part, "power", 1.3, 2.5);
	broken = part_draw_scale(part, "broken", 0.03, 0.2);
}

static void step(struct part *part)
{
	struct due *due;

	while ((due = calendar_take(&ends, part)))
		free(due);
	for (unsigned i = part_requests(part); i; i--) {
		struct upload *upload = upload_begin(part);

		if (!(part->is_sick && part_chance(part, broken)))
			calendar_add(&ends, part, &upload->due, part_pareto(part, least, power));
	}
}

KIND(uploads);
