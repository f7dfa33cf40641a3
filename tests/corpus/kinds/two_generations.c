/* SPDX-License-Identifier: Apache-2.0 */
/*
 * two_generations: a cache in two generations. Now and then the young one becomes the old one, and
 * what was old is freed, all at once.
 *
 * Sick: what was found in the old generation is copied into the young one, and its original lost.
 *
 *   leak glyph_render
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

#define MOST_GLYPHS 8192

struct generation {
	unsigned count;
	void *glyphs[MOST_GLYPHS];
};

static struct generation generations[2], *young = &generations[0], *old = &generations[1];
static double every, next, news, found;

static SITE void *glyph_render(struct part *part)
{
	return part_check(malloc(part_bytes(part)));
}

static void turn(void)
{
	struct generation *gone = old;

	for (unsigned i = 0; i < gone->count; i++)
		free(gone->glyphs[i]);
	gone->count = 0;
	old = young;
	young = gone;
}

static void promote(struct part *part)
{
	unsigned which = (unsigned)part_uniform(part, 0, old->count);

	if (!part->is_sick)
		free(old->glyphs[which]);
	old->glyphs[which] = old->glyphs[--old->count];
}

static void start(struct part *part)
{
	every = part_draw(part, "every", 0.04, 0.15) * part->periods;
	next = every * part_draw(part, "first", 0.2, 1);
	news = part->rate / 4;
	found = part_draw_scale(part, "found", 0.02, 0.3);
}

static void step(struct part *part)
{
	if (part_now(part) >= next) {
		next += every;
		turn();
	}
	for (unsigned i = part_events(part, news); i && young->count < MOST_GLYPHS; i--) {
		if (old->count && part_chance(part, found))
			promote(part);
		young->glyphs[young->count++] = glyph_render(part);
	}
}

KIND(two_generations);
