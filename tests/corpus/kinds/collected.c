/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collected: a run-time with a collector of garbage that makes a full round only when a share of all
 * objects is garbage, three to ten times in a run. Until then all garbage stays. Objects have one size and are made
 * by a dozen functions; what was freed is handed out again to any of them, as far as the list of it is
 * long enough. A store that is full from the beginning replaces one now and then.
 *
 * Sick: some are registered and never taken off again.
 *
 *   leak object_give
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

#define FUNCTIONS 12
#define MOST_STORED 1500
#define MOST_GARBAGE 4000
#define MOST_AT_ONCE 8

struct object {
	struct object *next;
	char bytes[48];
};

static struct object *free_objects, *registered, *stored[MOST_STORED], *garbage[MOST_GARBAGE];
static unsigned free_count, most_free, store_size, garbage_count, most_garbage;
static double replaced, in_cycles, forgotten;

static struct object *take_free(void)
{
	struct object *object = free_objects;

	if (object) {
		free_objects = object->next;
		free_count--;
	}
	return object;
}

/* Each with a call of malloc of its own, as where the way to the list is inlined. */
#define MAKER(name)                                                                                \
	static SITE struct object *name(void)                                                      \
	{                                                                                          \
		struct object *object = take_free();                                               \
		return object ? object : part_check(malloc(sizeof(*object)));                      \
	}
MAKER(list_new)
MAKER(list_copy)
MAKER(list_slice)
MAKER(table_new)
MAKER(table_copy)
MAKER(table_grow)
MAKER(text_new)
MAKER(text_join)
MAKER(text_split)
MAKER(closure_new)
MAKER(frame_new)
MAKER(method_bind)

static struct object *(*const makers[FUNCTIONS])(void) = {
	list_new, list_copy, list_slice, table_new,   table_copy, table_grow,
	text_new, text_join, text_split, closure_new, frame_new,  method_bind,
};

static SITE struct object *object_give(struct part *part)
{
	/* Some are asked much more often than others. */
	unsigned few = 1 + (unsigned)part_uniform(part, 0, FUNCTIONS);
	struct object *object = makers[(unsigned)part_uniform(part, 0, few)]();

	__asm__ volatile("" : "+r"(object)); /* no tail call: the frame is in the truth */
	return object;
}

static void object_drop(struct object *object)
{
	if (free_count == most_free) {
		free(object);
		return;
	}
	object->next = free_objects;
	free_objects = object;
	free_count++;
}

static void start(struct part *part)
{
	most_free = (unsigned)part_draw(part, "most_free", 40, 160);
	store_size = (unsigned)part_draw_scale(part, "store_size", 300, MOST_STORED);
	replaced = part_draw(part, "replaced", 0.1, 0.5);
	in_cycles = part_draw(part, "in_cycles", 0.3, 0.9);
	double rounds = part_draw_scale(part, "rounds", 3, 10);
	most_garbage = (unsigned)(in_cycles * part->rate * part->periods / rounds) + 20;
	if (most_garbage > MOST_GARBAGE)
		most_garbage = MOST_GARBAGE;
	forgotten = part_draw(part, "forgotten", 0.03, 0.12);
	for (unsigned i = 0; i < store_size; i++)
		stored[i] = object_give(part);
}

static void answer_request(struct part *part)
{
	struct object *used[MOST_AT_ONCE];
	unsigned count = (unsigned)part_uniform(part, 1, MOST_AT_ONCE);

	for (unsigned i = 0; i < count; i++)
		used[i] = object_give(part);
	if (part_chance(part, replaced)) {
		unsigned at = (unsigned)part_uniform(part, 0, store_size);
		struct object *old = stored[at];
		stored[at] = used[--count];
		object_drop(old);
	}
	if (count && garbage_count < most_garbage && part_chance(part, in_cycles))
		garbage[garbage_count++] = used[--count];
	if (count && part->is_sick && part_chance(part, forgotten)) {
		used[--count]->next = registered;
		registered = used[count];
	}
	while (count)
		object_drop(used[--count]);
}

static void step(struct part *part)
{
	for (unsigned requests = part_requests(part); requests; requests--)
		answer_request(part);
	if (garbage_count >= most_garbage)
		while (garbage_count)
			object_drop(garbage[--garbage_count]);
}

KIND(collected);
