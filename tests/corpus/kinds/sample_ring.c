/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample_ring: the last so many samples of a meter, in a ring; a new one replaces the oldest.
 *
 * Sick: the comment that some samples carry is not freed with the sample it belongs to.
 *
 *   leak comment_write
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

struct sample {
	double value;
	char *comment;
};

static struct sample **ring;
static size_t slots, next;
static double commented;

static SITE char *comment_write(struct part *part)
{
	return part_check(malloc(part_bytes(part)));
}

static SITE struct sample *sample_take(struct part *part)
{
	struct sample *sample = part_check(calloc(1, sizeof(*sample)));

	sample->value = part_uniform(part, 0, 1);
	if (part_chance(part, commented))
		sample->comment = comment_write(part);
	return sample;
}

static void start(struct part *part)
{
	slots = 1 + (size_t)(part->rate * part->periods * part_draw(part, "slots", 0.02, 0.5));
	commented = part_draw_scale(part, "commented", 0.1, 0.6);
	ring = part_check(calloc(slots, sizeof(*ring)));
}

static void step(struct part *part)
{
	for (unsigned i = part_requests(part); i; i--, next++) {
		struct sample **slot = &ring[next % slots];

		if (*slot && !part->is_sick)
			free((*slot)->comment);
		free(*slot);
		*slot = sample_take(part);
	}
}

KIND(sample_ring);
