/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena: memory that is taken in many small pieces and given back all at once.
 *
 * A profile and a report each own one. Also here: arrays that grow while their final length is
 * not known yet.
 */
#ifndef SEEP_MODEL_ARENA_H
#define SEEP_MODEL_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void); /* null without memory */
void arena_free(struct arena *arena);

/* `count` zeroed items, aligned for anything; null without memory. Never null for a count of 0. */
void *arena_take(struct arena *arena, size_t count, size_t item_bytes);

/* A copy of `length` bytes with a terminating zero. */
char *arena_text(struct arena *arena, const void *bytes, size_t length);

/* Makes room for `needed` items in an array from malloc, growing it by halves. `*items` is the
 * array, `*capacity` its size in items. Returns false and changes nothing without memory. */
bool array_reserve(void **items, size_t *capacity, size_t needed, size_t item_bytes);

#endif
