/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sessions: a server keeps a session for each client, some for a moment, some for long.
 *
 * Sick: clients that hang up instead of logging out are forgotten, with their session.
 *
 *   leak session_open
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

struct session {
	struct due due;
	char name[];
};

static struct calendar ends;
static double life, spread, hang_ups;

static SITE struct session *session_open(struct part *part)
{
	return part_check(malloc(sizeof(struct session) + part_bytes(part)));
}

static void start(struct part *part)
{
	life = part_draw_scale(part, "life", 0.3, 0.12 * part->periods);
	spread = part_draw(part, "spread", 0.2, 0.7);
	hang_ups = part_draw_scale(part, "hang_ups", 0.02, 0.2);
}

static void step(struct part *part)
{
	struct due *due;

	while ((due = calendar_take(&ends, part)))
		free(due);
	for (unsigned i = part_requests(part); i; i--) {
		struct session *session = session_open(part);

		if (part->is_sick && part_chance(part, hang_ups))
			continue;
		calendar_add(&ends, part, &session->due, part_lognormal(part, life, spread));
	}
}

KIND(sessions);
