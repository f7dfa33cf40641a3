/* SPDX-License-Identifier: Apache-2.0 */
/*
 * free_pairs: who frees whose blocks.
 *
 * Four tables, each four times as large as the one before it, so that a program with few pairs
 * touches few pages. A pair belongs into one row of each; it lies in the first place that was empty,
 * beginning with the smallest table, when it came, and stays there. So an empty place ends the
 * search, two threads that come with the same pair meet at the same place, and nothing is ever moved.
 *
 *   Runs in   the target, inside free, once in FREE_TURN_ONE_IN times, not in nested signal handlers;
 *             read by whoever takes a snapshot
 *   Locks     none; a place is taken with compare-and-swap, samples are added atomically
 *   Memory    region: none before the first sample, 16 bytes a pair, at most 1.4 MB; wiped on fork
 *   Calls     mmap
 *   Failure   a sample whose pair has no room, or whose stack has none, is counted as lost
 */
#include "lib/record/free_pairs.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/invariant.h"
#include "lib/base/region.h"
#include "lib/record/call_tree.h"

#include "lib/base/poison.h"

#define TABLES 4u
#define FIRST_ROWS_BITS 6u
#define GROWTH_BITS 2u
#define ROW 16u /* places; four lines of the processor's caches */

#define STACK_BITS 24
_Static_assert(CALL_TREE_NODES_MAX == 1u << STACK_BITS, "two stacks fit into a key");
_Static_assert(FREE_PAIRS_MAX ==
		       ROW * ((1u << FIRST_ROWS_BITS) + (1u << (FIRST_ROWS_BITS + 2)) +
			      (1u << (FIRST_ROWS_BITS + 4)) + (1u << (FIRST_ROWS_BITS + 6))),
	       "what the tables hold");

struct place {
	_Atomic(uint64_t) key; /* allocated_by, 24 bits | freed_by, 24; 0: empty. Written once */
	_Atomic(uint64_t) samples;
};

static _Atomic(struct place *) tables[TABLES];
static _Atomic(uint64_t) lost;

static uint64_t key_of(uint32_t allocated_by, uint32_t freed_by)
{
	return (uint64_t)allocated_by << STACK_BITS | freed_by;
}

static uint32_t rows_bits(uint32_t table)
{
	return FIRST_ROWS_BITS + table * GROWTH_BITS;
}

static uint32_t place_count(uint32_t table)
{
	return ROW << rows_bits(table);
}

/* Where the pair's row begins; another in each table. */
static uint32_t row_of(uint64_t key, uint32_t table)
{
	uint64_t hash = (key ^ key >> STACK_BITS) * 0x9e3779b97f4a7c15ull;

	hash = (hash ^ hash >> 29) * (0xbf58476d1ce4e5b9ull + 2 * table);
	return (uint32_t)(hash >> (64 - rows_bits(table))) * ROW;
}

static struct place *map_table(uint32_t table)
{
	const size_t bytes = place_count(table) * sizeof(struct place);
	struct place *places = region_map(bytes, REGION_WIPED_ON_FORK), *none = NULL;

	if (places == NULL || atomic_compare_exchange_strong(&tables[table], &none, places))
		return places;
	region_unmap(places, bytes); /* another thread was faster */
	return none;
}

/* Whether a signal handler has forked during the search, and this is the child, where all that was in the
 * way is gone: the pair's first place is empty. */
static bool was_wiped(uint64_t key)
{
	const struct place *places = atomic_load_explicit(&tables[0], memory_order_acquire);

	return atomic_load(&places[row_of(key, 0)].key) == 0;
}

/* The pair's place, taken for it if it had none; null where there is none left. */
static struct place *place_of(uint64_t key)
{
	for (uint32_t table = 0; table < TABLES; table++) {
		struct place *places = atomic_load_explicit(&tables[table], memory_order_acquire);

		if (places == NULL && (places = map_table(table)) == NULL)
			return NULL;
		places += row_of(key, table);
		for (uint32_t i = 0; i < ROW; i++) {
			uint64_t found = atomic_load_explicit(&places[i].key, memory_order_relaxed);

			if (found == 0 &&
			    atomic_compare_exchange_strong(&places[i].key, &found, key)) {
				if (!was_wiped(key))
					return &places[i];
				atomic_store(&places[i].key, 0);
				return place_of(key);
			}
			if (found == key)
				return &places[i];
		}
	}
	return NULL;
}

void free_pairs_add(uint32_t allocated_by, uint32_t freed_by)
{
	uint64_t key = key_of(allocated_by, freed_by);
	struct place *place = NULL;

	INVARIANT(allocated_by < call_tree_count() && freed_by < call_tree_count(), allocated_by,
		  freed_by);
	if (allocated_by != CALL_TREE_ROOT && freed_by != CALL_TREE_NO_ROOM)
		place = place_of(key);
	if (place == NULL) {
		atomic_fetch_add(&lost, 1);
		return;
	}
	atomic_fetch_add(&place->samples, 1);
	/* A signal handler has forked in between, and this is the child, where the place was wiped: the
	 * next pair to take it must not find a sample. */
	if (atomic_load(&place->key) != key)
		atomic_store(&place->samples, 0);
}

uint32_t free_pairs_read(struct stack_pair *pairs, uint32_t most)
{
	uint32_t count = 0;

	for (uint32_t table = 0; table < TABLES; table++) {
		struct place *places = atomic_load_explicit(&tables[table], memory_order_acquire);

		for (uint32_t i = 0; places != NULL && i < place_count(table); i++) {
			uint64_t key = atomic_load_explicit(&places[i].key, memory_order_acquire);
			uint64_t samples =
				atomic_load_explicit(&places[i].samples, memory_order_relaxed);

			if (key == 0 || samples == 0)
				continue;
			if (count == most)
				return count;
			pairs[count++] = (struct stack_pair){
				.allocated_by = (uint32_t)(key >> STACK_BITS),
				.freed_by = key & ((1u << STACK_BITS) - 1),
				.samples = samples,
			};
		}
	}
	return count;
}

struct free_pairs_sums free_pairs_sum(void)
{
	struct free_pairs_sums sums = {.lost = atomic_load(&lost)};

	for (uint32_t table = 0; table < TABLES; table++) {
		struct place *places = atomic_load_explicit(&tables[table], memory_order_acquire);

		for (uint32_t i = 0; places != NULL && i < place_count(table); i++) {
			uint64_t samples =
				atomic_load_explicit(&places[i].samples, memory_order_relaxed);

			sums.samples += samples;
			sums.pairs += samples != 0;
		}
	}
	return sums;
}

void free_pairs_verify(void)
{
	for (uint32_t table = 0; INVARIANTS_ARE_CHECKED && table < TABLES; table++) {
		struct place *places = atomic_load(&tables[table]);

		for (uint32_t i = 0; places != NULL && i < place_count(table); i++) {
			uint64_t key = atomic_load(&places[i].key);

			INVARIANT(key != 0 || atomic_load(&places[i].samples) == 0, i,
				  places[i].samples);
			if (key == 0)
				continue;
			INVARIANT(key >> STACK_BITS < call_tree_count(), key >> STACK_BITS,
				  call_tree_count());
			INVARIANT((key & ((1u << STACK_BITS) - 1)) < call_tree_count(), key,
				  call_tree_count());
			/* Also: nowhere before it, and behind no empty place. */
			INVARIANT(place_of(key) == &places[i], key, i);
		}
	}
}

void free_pairs_postfork_child(void)
{
	atomic_store(&lost, 0);
}
