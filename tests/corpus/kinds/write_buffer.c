/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write_buffer: a data base collects what is written, and when that is enough it writes all of it
 * to a file and begins anew: a sawtooth.
 *
 * Sick: deletions are left over when the rest is freed.
 *
 *   leak change_put
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

struct change {
	struct change *next;
	bool is_deletion;
	char value[];
};

static struct change *changes;
static unsigned count, most;
static double deletions;

static SITE void change_put(struct part *part)
{
	struct change *change = part_check(malloc(sizeof(*change) + part_bytes(part)));

	change->is_deletion = part_chance(part, deletions);
	change->next = changes;
	changes = change;
	count++;
}

static void write_out(const struct part *part)
{
	for (struct change *change = changes, *next; change; change = next) {
		next = change->next;
		if (!(part->is_sick && change->is_deletion))
			free(change);
	}
	changes = NULL;
	count = 0;
}

static void start(struct part *part)
{
	most = 1 + (unsigned)(part->rate * part->periods * part_draw(part, "most", 0.03, 0.2));
	deletions = part_draw_scale(part, "deletions", 0.05, 0.3);
}

static void step(struct part *part)
{
	for (unsigned i = part_requests(part); i; i--) {
		change_put(part);
		if (count >= most)
			write_out(part);
	}
}

KIND(write_buffer);
