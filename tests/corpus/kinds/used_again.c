/* SPDX-License-Identifier: Apache-2.0 */
/*
 * used_again: one function for all callers takes what was freed before it asks malloc, so a block goes
 * from caller to caller. A store that is full from the beginning replaces one now and then; a batch
 * piles up and is dropped at once; requests need some for a moment. What malloc gave to one of them is
 * soon held by another, and the site of one gains for long what those of others lose.
 *
 * Sick: a request forgets to give some back, and the function has to ask for more.
 *
 *   leak node_new
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

#define MOST_STORED 1000
#define MOST_IN_BATCH 2000
#define MOST_AT_ONCE 16

struct node {
	struct node *next;
	char bytes[40];
};

static struct node *free_nodes, *stored[MOST_STORED], *batch[MOST_IN_BATCH];
static unsigned free_count, most_free, store_size, batch_size, in_batch;
static double replaced, batched, forgotten;

static SITE struct node *node_new(void)
{
	struct node *node = free_nodes;

	if (!node)
		return part_check(malloc(sizeof(*node)));
	free_nodes = node->next;
	free_count--;
	return node;
}

static void node_drop(struct node *node)
{
	if (free_count == most_free) {
		free(node);
		return;
	}
	node->next = free_nodes;
	free_nodes = node;
	free_count++;
}

static void store_fill(void)
{
	for (unsigned i = 0; i < store_size; i++)
		stored[i] = node_new();
}

static void store_replace(unsigned at)
{
	struct node *node = node_new();

	node_drop(stored[at]);
	stored[at] = node;
}

static void start(struct part *part)
{
	most_free = (unsigned)part_draw(part, "most_free", 40, 160);
	store_size = (unsigned)part_draw_scale(part, "store_size", 200, MOST_STORED);
	batch_size = (unsigned)part_draw_scale(part, "batch_size", 150, 900);
	replaced = part_draw(part, "replaced", 0.2, 0.7);
	/* A wave of a few periods, or of a good part of the run. */
	batched = batch_size / part_draw_scale(part, "wave", 3, 12);
	forgotten = part_draw(part, "forgotten", 0.02, 0.1);
	store_fill();
}

static void answer_request(struct part *part)
{
	struct node *used[MOST_AT_ONCE];
	unsigned count = (unsigned)part_uniform(part, 1, MOST_AT_ONCE);
	unsigned for_reading = (unsigned)part_uniform(part, 0, count + 1);

	for (unsigned i = 0; i < for_reading; i++)
		used[i] = node_new();
	for (unsigned i = for_reading; i < count; i++)
		used[i] = node_new();
	if (part_chance(part, replaced))
		store_replace((unsigned)part_uniform(part, 0, store_size));
	if (part->is_sick && part_chance(part, forgotten))
		count--;
	while (count)
		node_drop(used[--count]);
}

static void step(struct part *part)
{
	for (unsigned requests = part_requests(part); requests; requests--)
		answer_request(part);
	for (unsigned more = part_events(part, batched); more && in_batch < MOST_IN_BATCH; more--)
		batch[in_batch++] = node_new();
	if (in_batch >= batch_size)
		while (in_batch)
			node_drop(batch[--in_batch]);
}

KIND(used_again);
