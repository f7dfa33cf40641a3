/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer_wheel: every request arms a timer; most are cancelled soon because the answer came, the
 * others go off.
 *
 * Sick: some of those that are cancelled are taken off the wheel and not freed.
 *
 *   leak timer_arm
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

struct timer {
	struct due due;
	bool goes_off;
	void (*action)(void *);
	void *argument;
};

static struct calendar wheel;
static double answered, life, timeout, forgotten;

static SITE struct timer *timer_arm(void)
{
	return part_check(calloc(1, sizeof(struct timer)));
}

static void start(struct part *part)
{
	answered = part_draw(part, "answered", 0.7, 0.99);
	life = part_draw_scale(part, "life", 0.05, 1);
	timeout = part_draw(part, "timeout", 1, 1 + 0.1 * part->periods);
	forgotten = part_draw_scale(part, "forgotten", 0.02, 0.2);
}

static void step(struct part *part)
{
	struct due *due;

	while ((due = calendar_take(&wheel, part))) {
		struct timer *timer = (struct timer *)due;

		if (part->is_sick && !timer->goes_off && part_chance(part, forgotten))
			continue;
		free(timer);
	}
	for (unsigned i = part_requests(part); i; i--) {
		struct timer *timer = timer_arm();
		double answer = part_exponential(part, life);

		timer->goes_off = !part_chance(part, answered) || answer > timeout;
		calendar_add(&wheel, part, &timer->due, timer->goes_off ? timeout : answer);
	}
}

KIND(timer_wheel);
