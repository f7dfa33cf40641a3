/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request_arena: what a request needs comes from an arena of a few chunks, released as a whole when
 * the answer is out.
 *
 * Sick: a request that is refused returns early, before its arena is released.
 *
 *   leak arena_grow
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

#define ARENA_BYTES 2048

struct chunk {
	struct chunk *before;
	size_t used;
	char bytes[ARENA_BYTES];
};

static struct calendar answers;
static double refused, life;

/* An arena is known by its newest chunk, which stands in the calendar by its first word. */
struct arena {
	struct due due;
	struct chunk *newest;
};

static SITE void arena_grow(struct arena *arena)
{
	struct chunk *chunk = part_check(malloc(sizeof(*chunk)));

	chunk->before = arena->newest;
	chunk->used = 0;
	arena->newest = chunk;
}

static void arena_get(struct arena *arena, size_t bytes)
{
	if (!arena->newest || arena->newest->used + bytes > ARENA_BYTES)
		arena_grow(arena);
	arena->newest->used += bytes;
}

static void arena_release(struct arena *arena)
{
	for (struct chunk *chunk = arena->newest, *before; chunk; chunk = before) {
		before = chunk->before;
		free(chunk);
	}
	arena->newest = NULL;
}

static void start(struct part *part)
{
	refused = part_draw_scale(part, "refused", 0.01, 0.1);
	life = part_draw_scale(part, "life", 0.05, 1);
}

static void step(struct part *part)
{
	struct due *due;

	while ((due = calendar_take(&answers, part))) {
		struct arena *arena = (struct arena *)due;

		if (!(part->is_sick && part_chance(part, refused)))
			arena_release(arena);
		free(arena);
	}
	for (unsigned i = part_requests(part); i; i--) {
		struct arena *arena = part_check(calloc(1, sizeof(*arena)));

		for (unsigned piece = 1 + part_poisson(part, 6); piece; piece--)
			arena_get(arena, part_bytes(part) % ARENA_BYTES);
		calendar_add(&answers, part, &arena->due, part_exponential(part, life));
	}
}

KIND(request_arena);
