/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash_table: connections are kept in a table that doubles while there are more of them, and then
 * stays.
 *
 * Sick: a node that was found behind another one is unlinked, but not freed.
 *
 *   leak node_insert
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

struct node {
	struct due due;
	struct node *next;
	unsigned long key;
};

static struct calendar ends;
static struct node **table;
static size_t slots, count;
static unsigned long last_key;
static double life;

static SITE void table_double(void)
{
	struct node **old = table;
	size_t old_slots = slots;

	slots = slots ? 2 * slots : 16;
	table = part_check(calloc(slots, sizeof(*table)));
	for (size_t i = 0; i < old_slots; i++)
		for (struct node *node = old[i], *next; node; node = next) {
			struct node **slot = &table[node->key & (slots - 1)];

			next = node->next;
			node->next = *slot;
			*slot = node;
		}
	free(old);
}

static SITE struct node *node_insert(unsigned long key)
{
	struct node *node;

	if (count++ >= slots)
		table_double();
	node = part_check(calloc(1, sizeof(*node)));
	node->key = key;
	node->next = table[key & (slots - 1)];
	table[key & (slots - 1)] = node;
	return node;
}

static void node_remove(const struct part *part, struct node *node)
{
	struct node **at = &table[node->key & (slots - 1)];
	bool is_first = *at == node;

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	count--;
	if (is_first || !part->is_sick)
		free(node);
}

static void start(struct part *part)
{
	life = part_draw_scale(part, "life", 0.3, 0.08 * part->periods);
	table_double();
}

static void step(struct part *part)
{
	struct due *due;

	while ((due = calendar_take(&ends, part)))
		node_remove(part, (struct node *)due);
	for (unsigned i = part_requests(part); i; i--) {
		/* Keys as of addresses: they meet in some slots more often. */
		struct node *node = node_insert(last_key += 1 + (unsigned)part_uniform(part, 0, 7));

		calendar_add(&ends, part, &node->due, part_exponential(part, life));
	}
}

KIND(hash_table);
