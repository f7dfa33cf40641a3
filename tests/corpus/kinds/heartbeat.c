/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heartbeat: a timer writes down the state of the program, however much there is to do.
 *
 * Sick: the state written down before is not freed: few blocks, in time with the clock.
 *
 *   leak state_write
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

static double every, next;
static void *state;

static SITE void *state_write(struct part *part)
{
	return part_check(malloc(part_bytes(part)));
}

static void start(struct part *part)
{
	every = part_draw(part, "every", 0.3, 1.5);
}

static void step(struct part *part)
{
	for (unsigned i = part_requests(part); i; i--)
		free(part_check(malloc(part_bytes(part))));
	if (part_now(part) < next)
		return;
	next += every;
	if (!part->is_sick)
		free(state);
	state = state_write(part);
}

KIND(heartbeat);
