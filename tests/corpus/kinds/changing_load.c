/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changing_load: tickets live for a while, and there are more of them when there is more to do: the
 * load rises, falls, takes a step, or comes and goes like day and night.
 *
 * Sick: of every hundred tickets a few are never closed, so the leak goes with the load.
 *
 *   leak ticket_issue
 */
#include "tests/corpus/part.h"

#include <math.h>
#include <stdlib.h>

enum shape { RISES, FALLS, STEPS_UP, STEPS_DOWN, DAYS, SHAPES };

struct ticket {
	struct due due;
	char text[];
};

static struct calendar closings;
static unsigned shape;
static double moment, day, swing, life, lost;

static SITE struct ticket *ticket_issue(struct part *part)
{
	return part_check(malloc(sizeof(struct ticket) + part_bytes(part)));
}

static void start(struct part *part)
{
	shape = (unsigned)part_draw(part, "shape", 0, SHAPES);
	moment = part_draw(part, "moment", 0.2, 0.7);
	day = part_draw(part, "day", 0.15, 0.4);
	swing = part_draw(part, "swing", 0.4, 0.9);
	life = part_draw_scale(part, "life", 0.1, 0.05 * part->periods);
	lost = part_draw_scale(part, "lost", 0.02, 0.2);
	part->has_own_load = true;
}

static double load_at(double share)
{
	switch ((enum shape)shape) {
	case RISES:
		return 1 - swing + 2 * swing * share;
	case FALLS:
		return 1 + swing - 2 * swing * share;
	case STEPS_UP:
		return share < moment ? 1 - swing : 1 + swing;
	case STEPS_DOWN:
		return share < moment ? 1 + swing : 1 - swing;
	case DAYS:
	default:
		return 1 + swing * sin(2 * M_PI * share / day);
	}
}

static void step(struct part *part)
{
	struct due *due;

	part->load = load_at(part_share(part));
	while ((due = calendar_take(&closings, part)))
		free(due);
	for (unsigned i = part_requests(part); i; i--) {
		struct ticket *ticket = ticket_issue(part);

		if (!(part->is_sick && part_chance(part, lost)))
			calendar_add(&closings, part, &ticket->due, part_exponential(part, life));
	}
}

KIND(changing_load);
