/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retired_nodes: a table that is read without locks. What is replaced in it is retired, and freed when the
 * epoch ends: when the slowest reader has looked away, a few times in a run. An epoch holds as many
 * nodes as were replaced in it, short or long.
 *
 * Sick: what is deleted, not replaced, is taken out and not retired; readers may still see it by a list
 * of all.
 *
 *   leak node_publish
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

#define MOST_NODES 600

struct node {
	struct node *retired, *all;
	char bytes[72];
};

static struct node *table[MOST_NODES], *limbo, *forgotten_nodes;
static unsigned size, filled;
static double replaced, deleted, epoch_periods, epoch_end;

static SITE struct node *node_publish(void)
{
	return part_check(malloc(sizeof(struct node)));
}

static void node_retire(struct node *node)
{
	node->retired = limbo;
	limbo = node;
}

static void end_epoch(struct part *part)
{
	while (limbo) {
		struct node *node = limbo;
		limbo = node->retired;
		free(node);
	}
	epoch_end = part_now(part) + epoch_periods * part_lognormal(part, 1, 0.25);
}

static void start(struct part *part)
{
	size = (unsigned)part_draw_scale(part, "size", 100, MOST_NODES);
	replaced = part_draw(part, "replaced", 0.2, 0.9);
	deleted = part_draw(part, "deleted", 0.08, 0.25);
	epoch_periods = part->periods / part_draw_scale(part, "epochs", 6, 16);
	end_epoch(part);
}

static SITE void node_replace(unsigned at, bool is_deleted)
{
	struct node *old = table[at];

	table[at] = node_publish();
	if (is_deleted) {
		old->all = forgotten_nodes;
		forgotten_nodes = old;
	} else if (old) {
		node_retire(old);
	}
}

/* Those of the beginning are published by the same stack: else it would lose what another gains. */
static SITE unsigned next_place(struct part *part)
{
	return filled < size ? filled++ : (unsigned)part_uniform(part, 0, size);
}

static void step(struct part *part)
{
	for (unsigned more = part_requests(part) + size - filled; more; more--) {
		unsigned at = next_place(part);
		bool is_deleted = table[at] && part->is_sick && part_chance(part, deleted);
		if (!table[at] || is_deleted || part_chance(part, replaced))
			node_replace(at, is_deleted);
	}
	if (part_now(part) >= epoch_end)
		end_epoch(part);
}

KIND(retired_nodes);
