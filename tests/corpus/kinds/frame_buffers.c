/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_buffers: two large buffers, one drawn to while the other is shown. When the window changes
 * its size both are made anew.
 *
 * Sick: the one that is shown is not freed then. Few blocks, but large ones.
 *
 *   leak buffer_make
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

static void *drawn, *shown;
static double resizes;

static SITE void *buffer_make(struct part *part)
{
	return part_check(malloc(200 * part_bytes(part)));
}

static void resize(struct part *part)
{
	free(drawn);
	if (!part->is_sick)
		free(shown);
	drawn = buffer_make(part);
	shown = buffer_make(part);
}

static void start(struct part *part)
{
	resizes = part_draw_scale(part, "resizes", 0.7, 5);
	resize(part);
}

static void step(struct part *part)
{
	for (unsigned i = part_events(part, resizes); i; i--)
		resize(part);
	if (part->step % 2) {
		void *other = shown;

		shown = drawn;
		drawn = other;
	}
}

KIND(frame_buffers);
