/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection_pool: a connection is made when none is idle, and closed when it has not been used for
 * some time. The one that was used last is taken first.
 *
 * Sick: a connection whose query timed out is taken off the pool and not closed.
 *
 *   leak connection_make
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

struct connection {
	struct due due;
	struct connection *next;
	double used_at;
	char buffers[1000];
};

static struct calendar answers;
static struct connection *idle;
static double life, idle_time, timeouts;

static SITE struct connection *connection_make(void)
{
	return part_check(malloc(sizeof(struct connection)));
}

static void close_idle(const struct part *part)
{
	for (struct connection **at = &idle; *at;) {
		struct connection *connection = *at;

		if (connection->used_at + idle_time > part_now(part)) {
			at = &connection->next;
			continue;
		}
		*at = connection->next;
		free(connection);
	}
}

static void start(struct part *part)
{
	life = part_draw_scale(part, "life", 0.1, 1);
	idle_time = part_draw(part, "idle_time", 0.5, 0.1 * part->periods);
	timeouts = part_draw_scale(part, "timeouts", 0.02, 0.2);
}

static void step(struct part *part)
{
	struct due *due;

	while ((due = calendar_take(&answers, part))) {
		struct connection *connection = (struct connection *)due;

		if (part->is_sick && part_chance(part, timeouts))
			continue;
		connection->used_at = part_now(part);
		connection->next = idle;
		idle = connection;
	}
	close_idle(part);
	for (unsigned i = part_requests(part); i; i--) {
		struct connection *connection = idle;

		if (connection)
			idle = connection->next;
		else
			connection = connection_make();
		calendar_add(&answers, part, &connection->due, part_exponential(part, life));
	}
}

KIND(connection_pool);
