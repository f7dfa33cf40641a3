/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listeners: windows open and close; each listens to a few events of an object that lives as long
 * as the program.
 *
 * Sick: a window that closes does not stop listening.
 *
 *   leak listener_add
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

struct listener {
	struct listener *next, **at;
	void *window;
};

struct window {
	struct due due;
	struct listener *listeners[4];
	char content[400];
};

static struct listener *subject;
static struct calendar closings;
static double windows, life;

static SITE struct listener *listener_add(struct window *window)
{
	struct listener *listener = part_check(malloc(sizeof(*listener)));

	*listener = (struct listener){.next = subject, .at = &subject, .window = window};
	if (subject)
		subject->at = &listener->next;
	subject = listener;
	return listener;
}

static void listener_remove(struct listener *listener)
{
	*listener->at = listener->next;
	if (listener->next)
		listener->next->at = listener->at;
	free(listener);
}

static void start(struct part *part)
{
	windows = part_draw_scale(part, "windows", 4, 40);
	life = part_draw_scale(part, "life", 0.3, 0.1 * part->periods);
}

static void step(struct part *part)
{
	struct due *due;

	while ((due = calendar_take(&closings, part))) {
		struct window *window = (struct window *)due;

		for (unsigned i = 0; i < 4 && !part->is_sick; i++)
			listener_remove(window->listeners[i]);
		free(window);
	}
	for (unsigned i = part_events(part, windows); i; i--) {
		struct window *window = part_check(malloc(sizeof(*window)));

		for (unsigned event = 0; event < 4; event++)
			window->listeners[event] = listener_add(window);
		calendar_add(&closings, part, &window->due, part_exponential(part, life));
	}
}

KIND(listeners);
