/* SPDX-License-Identifier: Apache-2.0 */
/*
 * documents: what is in use wanders up and down without a goal, as with a person who opens and
 * closes documents; what is closed is any of them.
 *
 * Sick: the preview of some documents is not freed.
 *
 *   leak page_make
 */
#include "tests/corpus/part.h"

#include <math.h>
#include <stdlib.h>

#define MOST_PAGES 8192

static void *pages[MOST_PAGES];
static unsigned count;
static double wander, swing, back, previews;

static SITE void *page_make(struct part *part)
{
	return part_check(malloc(part_bytes(part)));
}

static void start(struct part *part)
{
	swing = part_draw(part, "swing", 0.1, 0.4);
	/* The way back takes a few periods. */
	back = pow(part_draw(part, "back", 0.5, 0.8), 1.0 / STEPS_PER_PERIOD);
	previews = part_draw_scale(part, "previews", 0.02, 0.15);
}

static void close_any(struct part *part)
{
	unsigned which = (unsigned)part_uniform(part, 0, count);

	if (!(part->is_sick && part_chance(part, previews)))
		free(pages[which]);
	pages[which] = pages[--count];
}

static void step(struct part *part)
{
	double wanted;

	wander = back * wander + swing * sqrt(1 - back * back) * part_normal(part);
	wanted = fmin(2 * part->rate * exp(wander), MOST_PAGES - 1);
	for (unsigned i = part_requests(part); i; i--) {
		if (count < MOST_PAGES)
			pages[count++] = page_make(part);
		while (count > wanted)
			close_any(part);
	}
	while (count < wanted)
		pages[count++] = page_make(part);
}

KIND(documents);
