/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_pool: objects come from a free list; when that is empty, from a new chunk. Chunks are
 * never given back, so the pool is as large as its busiest moment was.
 *
 * Sick: some objects are not put back, and the pool grows although no more of it is in use.
 *
 *   leak pool_grow
 */
#include "tests/corpus/part.h"

#include <math.h>
#include <stdlib.h>

struct object {
	struct due due; /* or the next in the free list */
	char bytes[48];
};

static struct calendar ends;
static struct due *free_objects;
static unsigned per_chunk, waiting_for_rush;
static double life, forgotten;

static SITE void pool_grow(void)
{
	struct object *chunk = part_check(malloc(per_chunk * sizeof(*chunk)));

	for (unsigned i = 0; i < per_chunk; i++) {
		chunk[i].due.next = free_objects;
		free_objects = &chunk[i].due;
	}
}

static struct due *object_get(void)
{
	struct due *object;

	if (!free_objects)
		pool_grow();
	object = free_objects;
	free_objects = object->next;
	return object;
}

static void start(struct part *part)
{
	per_chunk = (unsigned)part_draw_scale(part, "per_chunk", 1, 12);
	life = part_draw_scale(part, "life", 0.2, 2);
	forgotten = part_draw(part, "forgotten", 0.1, 0.5);
	waiting_for_rush =
		(unsigned)(part_draw(part, "rush", 0.05, 0.3) * part->periods * STEPS_PER_PERIOD);
}

static void step(struct part *part)
{
	struct due *due;
	unsigned requests = part_requests(part);

	/* The busiest moment of a run comes in its first third. */
	if (part->step == waiting_for_rush)
		requests += (unsigned)(part->rate * (1 + life) * 0.5);
	while ((due = calendar_take(&ends, part))) {
		if (part->is_sick && part_chance(part, forgotten))
			continue;
		due->next = free_objects;
		free_objects = due;
	}
	for (; requests; requests--)
		calendar_add(&ends, part, object_get(), part_exponential(part, life));
}

KIND(memory_pool);
