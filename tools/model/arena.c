/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena: chunks in a list; a large piece gets a chunk of its own.
 */
#include "tools/model/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (64u << 10)

struct chunk {
	struct chunk *next;
	size_t used_bytes, size_bytes;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct chunk *chunks; /* the one in front is filled, the others are full */
};

struct arena *arena_new(void)
{
	return calloc(1, sizeof(struct arena));
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	for (struct chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(arena);
}

static struct chunk *chunk_new(size_t bytes)
{
	if (bytes > SIZE_MAX - sizeof(struct chunk))
		return NULL;
	struct chunk *chunk = calloc(1, sizeof(struct chunk) + bytes);
	if (chunk)
		chunk->size_bytes = bytes;
	return chunk;
}

void *arena_take(struct arena *arena, size_t count, size_t item_bytes)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, item_bytes, &bytes) || bytes > SIZE_MAX / 2)
		return NULL;
	bytes = (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (!bytes)
		bytes = alignof(max_align_t);

	struct chunk *front = arena->chunks;
	if (front && front->size_bytes - front->used_bytes >= bytes) {
		void *piece = front->bytes + front->used_bytes;
		front->used_bytes += bytes;
		return piece;
	}

	bool is_large = bytes > CHUNK_BYTES / 4;
	struct chunk *chunk = chunk_new(is_large ? bytes : CHUNK_BYTES);
	if (!chunk)
		return NULL;
	chunk->used_bytes = bytes;
	if (is_large && front) {
		/* Behind the front, which still has room for small pieces. */
		chunk->next = front->next;
		front->next = chunk;
	} else {
		chunk->next = front;
		arena->chunks = chunk;
	}
	return chunk->bytes;
}

char *arena_text(struct arena *arena, const void *bytes, size_t length)
{
	if (length == SIZE_MAX)
		return NULL;
	char *text = arena_take(arena, length + 1, 1);
	if (text && length)
		memcpy(text, bytes, length);
	return text;
}

bool array_reserve(void **items, size_t *capacity, size_t needed, size_t item_bytes)
{
	if (needed <= *capacity)
		return true;
	size_t larger = *capacity + *capacity / 2;
	if (larger < needed)
		larger = needed;
	if (larger < 16)
		larger = 16;
	size_t bytes;
	if (__builtin_mul_overflow(larger, item_bytes, &bytes))
		return false;
	void *moved = realloc(*items, bytes);
	if (!moved)
		return false;
	*items = moved;
	*capacity = larger;
	return true;
}
