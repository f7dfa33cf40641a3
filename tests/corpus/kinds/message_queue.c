/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_queue: messages wait for a server that is nearly as busy as it can be, so the queue is
 * sometimes long and sometimes empty.
 *
 * Sick: what cannot be delivered goes to a list of dead letters that nobody empties.
 *
 *   leak message_new
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

struct message {
	struct message *next;
	char text[];
};

static struct message *first, **last = &first, *dead_letters;
static double capacity, undeliverable;

static SITE struct message *message_new(struct part *part)
{
	return part_check(malloc(sizeof(struct message) + part_bytes(part)));
}

static void deliver(struct part *part)
{
	struct message *message = first;

	first = message->next;
	if (!first)
		last = &first;
	if (part->is_sick && part_chance(part, undeliverable)) {
		message->next = dead_letters;
		dead_letters = message;
	} else {
		free(message);
	}
}

static void start(struct part *part)
{
	capacity = part->rate / part_draw(part, "used", 0.8, 0.95);
	undeliverable = part_draw_scale(part, "undeliverable", 0.02, 0.2);
	/* Bursts of its own make the queue; load that stays high would make it endless. */
	part->has_own_load = true;
}

static void step(struct part *part)
{
	for (unsigned i = part_requests(part); i; i--) {
		struct message *message = message_new(part);

		message->next = NULL;
		*last = message;
		last = &message->next;
	}
	for (unsigned i = part_poisson(part, capacity / STEPS_PER_PERIOD); i && first; i--)
		deliver(part);
}

KIND(message_queue);
