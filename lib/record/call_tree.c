/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_tree: every stack that ever allocated, stored once and known by a number.
 *
 * The nodes lie in chunks of 65536; a hash from (parent, pc, generation) to the id finds them. When
 * a table of the hash is half full, one eight times as large takes its place, filled before anybody
 * sees it; the old one stays mapped, for somebody may be reading it. Two threads that add the same
 * node at that time may both succeed, one in the old and one in the new table: the same stack then
 * has two ids, which the reader of the file joins again.
 *
 *   Runs in   the target, inside malloc, also in signal handlers
 *   Locks     none
 *   Memory    region: 16 bytes a node, 16 bytes of counters (wiped on fork), 16 to 32 of hash
 *   Calls     mmap; _dl_find_object when a new frame lies in an unknown module
 *   Failure   CALL_TREE_NO_ROOM for every new stack, counted as lost
 */
#include "lib/record/call_tree.h"

#include <string.h>

#include "lib/base/region.h"
#include "lib/base/syscalls.h"
#include "lib/record/module_list.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

#define CHUNK_BITS 16
#define CHUNK_NODES (1u << CHUNK_BITS)
#define CHUNKS (CALL_TREE_NODES_MAX / CHUNK_NODES)
#define TABLES 5u
#define FIRST_TABLE_BITS 13u
#define TABLE_GROWTH_BITS 3u
#define PROBES_MAX 64u

struct table {
	_Atomic(uint64_t) *slots; /* upper half of the hash << 32 | id; 0: empty */
	uint32_t bits;
	_Atomic(uint32_t) used;
};

static struct call_node *node_chunks[CHUNKS];
static struct site_counters *counter_chunks[CHUNKS];
static _Atomic(uint32_t) node_count;
static _Atomic(uint32_t) node_limit = CALL_TREE_NODES_MAX;
static struct table tables[TABLES];
static _Atomic(uint32_t) table_count;

static uint64_t hash_of(uint32_t parent, uint64_t pc, uint32_t generation)
{
	uint64_t hash = (pc ^ (uint64_t)parent * 0xc2b2ae3d27d4eb4full) +
			(uint64_t)generation * 0x165667b19e3779f9ull;

	hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 29;
}

static struct call_node *node_at(uint32_t id)
{
	return &node_chunks[id >> CHUNK_BITS][id & (CHUNK_NODES - 1)];
}

/* Publishes a new mapping in *place, or gives it back when another thread was faster. */
static bool map_once(void **place, size_t bytes, enum region_fork fork)
{
	void *none = NULL, *start;

	if (__atomic_load_n(place, __ATOMIC_ACQUIRE) != NULL)
		return true;
	start = region_map(bytes, fork);
	if (start == NULL)
		return false;
	if (!__atomic_compare_exchange_n(place, &none, start, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		region_unmap(start, bytes);
	return true;
}

static bool map_chunk(uint32_t chunk)
{
	return map_once((void **)&node_chunks[chunk], CHUNK_NODES * sizeof(struct call_node),
			REGION_KEPT_ON_FORK) &&
	       map_once((void **)&counter_chunks[chunk], CHUNK_NODES * sizeof(struct site_counters),
			REGION_WIPED_ON_FORK);
}

/* Makes the next table and publishes it with everything that the one before it holds. What others
 * add to that one meanwhile gets a twin when it is met again. */
static bool map_table(uint32_t index)
{
	struct table *table = &tables[index];
	uint32_t bits = FIRST_TABLE_BITS + index * TABLE_GROWTH_BITS, before = index, used = 0;
	_Atomic(uint64_t) *slots = region_map(sizeof(uint64_t) << bits, REGION_KEPT_ON_FORK);
	_Atomic(uint64_t) *none = NULL;

	if (slots == NULL)
		return false;
	for (uint64_t i = 0; index > 0 && i < 1ull << tables[index - 1].bits; i++) {
		uint64_t entry =
			atomic_load_explicit(&tables[index - 1].slots[i], memory_order_acquire);
		const struct call_node *node = node_at((uint32_t)entry);
		uint64_t place = entry == 0 ? 0 : hash_of(node->parent, node->pc, node->generation);

		if (entry == 0)
			continue;
		while (slots[place & ((1ull << bits) - 1)] != 0)
			place++;
		atomic_init(&slots[place & ((1ull << bits) - 1)], entry);
		used++;
	}
	table->bits = bits;
	if (!__atomic_compare_exchange_n(&table->slots, &none, slots, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE)) {
		region_unmap((void *)slots, sizeof(uint64_t) << bits);
	} else {
		atomic_fetch_add(&table->used, used);
	}
	atomic_compare_exchange_strong(&table_count, &before, index + 1);
	return true;
}

bool call_tree_start(void)
{
	if (!map_chunk(0) || !map_table(0))
		return false;
	*node_at(CALL_TREE_NESTED) = (struct call_node){.pc = SEEP_PC_NESTED};
	*node_at(CALL_TREE_NO_ROOM) = (struct call_node){.pc = SEEP_PC_NO_ROOM};
	atomic_store_explicit(&node_count, CALL_TREE_FIRST, memory_order_release);
	return true;
}

void call_tree_limit(uint64_t nodes)
{
	if (nodes < CALL_TREE_NODES_MAX)
		atomic_store(&node_limit, (uint32_t)nodes);
}

uint32_t call_tree_count(void)
{
	uint32_t count = atomic_load_explicit(&node_count, memory_order_acquire);

	return count < CALL_TREE_NODES_MAX ? count : CALL_TREE_NODES_MAX;
}

struct call_node call_tree_node(uint32_t id)
{
	const struct call_node *chunk =
		__atomic_load_n(&node_chunks[id >> CHUNK_BITS], __ATOMIC_ACQUIRE);
	struct call_node node = {0};

	if (chunk == NULL)
		return node;
	node.pc = __atomic_load_n(&chunk[id & (CHUNK_NODES - 1)].pc, __ATOMIC_ACQUIRE);
	node.parent = chunk[id & (CHUNK_NODES - 1)].parent;
	node.generation = chunk[id & (CHUNK_NODES - 1)].generation;
	return node;
}

struct site_counters *call_tree_counters(uint32_t id)
{
	static struct site_counters nowhere; /* an id that is being made has no chunk yet */
	struct site_counters *chunk =
		__atomic_load_n(&counter_chunks[id >> CHUNK_BITS], __ATOMIC_ACQUIRE);

	return chunk == NULL ? &nowhere : &chunk[id & (CHUNK_NODES - 1)];
}

static bool is_node(uint32_t id, uint32_t parent, uint64_t pc, uint32_t generation)
{
	const struct call_node *node = node_at(id);

	return node->pc == pc && node->parent == parent && node->generation == generation;
}

/* The id of the node, or 0. Stores in *free_slot where it belongs in this table, if there is room.
 */
static uint32_t find_in(struct table *table, uint64_t hash, uint32_t parent, uint64_t pc,
			uint32_t generation, _Atomic(uint64_t) **free_slot)
{
	uint32_t mask = (1u << table->bits) - 1;

	*free_slot = NULL;
	for (uint32_t probe = 0; probe < PROBES_MAX; probe++) {
		_Atomic(uint64_t) *slot = &table->slots[((uint32_t)hash + probe) & mask];
		uint64_t entry = atomic_load_explicit(slot, memory_order_acquire);

		if (entry == 0) {
			*free_slot = slot;
			return 0;
		}
		if (entry >> 32 == hash >> 32 && is_node((uint32_t)entry, parent, pc, generation))
			return (uint32_t)entry;
	}
	return 0;
}

static uint32_t new_node(uint32_t parent, uint64_t pc, uint32_t generation)
{
	uint32_t id = atomic_load_explicit(&node_count, memory_order_relaxed);

	/* The chunk first: an id below the count always has its memory. */
	do {
		if (id >= atomic_load_explicit(&node_limit, memory_order_relaxed) ||
		    !map_chunk(id >> CHUNK_BITS))
			return 0;
	} while (!atomic_compare_exchange_weak(&node_count, &id, id + 1));
	node_at(id)->parent = parent;
	node_at(id)->generation = generation;
	__atomic_store_n(&node_at(id)->pc, pc, __ATOMIC_RELEASE);
	if (pc >= SEEP_PC_LIMIT && !module_list_knows(pc))
		module_list_note(pc);
	return id;
}

static __attribute__((noinline)) uint32_t add_child_slow(uint32_t parent, uint64_t pc,
							 uint32_t generation, uint64_t hash)
{
	uint32_t id = new_node(parent, pc, generation);

	if (id == 0)
		return CALL_TREE_NO_ROOM;
	for (;;) {
		uint32_t newest = atomic_load_explicit(&table_count, memory_order_acquire) - 1;
		struct table *table = &tables[newest];
		_Atomic(uint64_t) *slot;
		uint64_t empty = 0;
		uint32_t found = find_in(table, hash, parent, pc, generation, &slot);

		/* Another thread was faster; our node stays as an unused twin. */
		if (found != 0)
			return found;
		if (slot != NULL && atomic_compare_exchange_strong_explicit(
					    slot, &empty, (hash >> 32 << 32) | id,
					    memory_order_acq_rel, memory_order_acquire)) {
			uint32_t used = atomic_fetch_add(&table->used, 1) + 1;

			if (used > 1u << (table->bits - 1) && newest + 1 < TABLES)
				map_table(newest + 1);
			return id;
		}
		if (slot == NULL && (newest + 1 >= TABLES || !map_table(newest + 1)))
			return id; /* not found again: the same stack will get another id */
	}
}

static __attribute__((noinline)) uint32_t child_of_slow(uint32_t parent, uint64_t pc)
{
	_Atomic(uint64_t) *free_slot;
	uint32_t generation, newest, id;
	uint64_t hash;

	/* Where something was unloaded before, a module that nobody has told us of may lie by now. */
	if (atomic_load_explicit(&module_list_unloads, memory_order_acquire) != 0 &&
	    pc >= SEEP_PC_LIMIT && !module_list_knows(pc))
		module_list_note(pc);
	generation = module_list_generation(pc);
	hash = hash_of(parent, pc, generation);
	newest = atomic_load_explicit(&table_count, memory_order_acquire) - 1;
	id = find_in(&tables[newest], hash, parent, pc, generation, &free_slot);
	return id != 0 ? id : add_child_slow(parent, pc, generation, hash);
}

static uint32_t child_of(struct call_tree_cache *cache, uint32_t parent, uint64_t pc)
{
	uint64_t hash = (pc ^ (uint64_t)parent << 20) * 0x9e3779b97f4a7c15ull;
	uint32_t slot = (uint32_t)(hash >> 56) % CALL_TREE_CACHE_SLOTS, id;

	if (__builtin_expect(cache->slots[slot].pc == pc && cache->slots[slot].parent == parent, 1))
		return cache->slots[slot].id;
	id = child_of_slow(parent, pc);
	if (id != CALL_TREE_NO_ROOM) {
		cache->slots[slot].pc = pc;
		cache->slots[slot].parent = parent;
		cache->slots[slot].id = id;
	}
	return id;
}

uint32_t call_tree_stack(struct stack_trace *trace, struct call_tree_cache *cache,
			 uint64_t pseudo_pc)
{
	uint32_t node = CALL_TREE_ROOT;

	/* The same address may be another function by now. */
	if (__builtin_expect(cache->unloads != trace->unloads, 0)) {
		memset(cache->slots, 0, sizeof(cache->slots));
		cache->unloads = trace->unloads;
	}
	if (trace->noded > 0)
		node = trace->frames[trace->noded - 1].node;
	else if (trace->is_cut)
		node = child_of(cache, node, SEEP_PC_CUT);
	while (trace->noded < trace->count && node != CALL_TREE_NO_ROOM) {
		struct stack_frame *frame = &trace->frames[trace->noded];

		node = child_of(cache, node, frame->pc);
		if (frame->is_signal && node != CALL_TREE_NO_ROOM)
			node = child_of(cache, node, SEEP_PC_SIGNAL);
		if (node == CALL_TREE_NO_ROOM)
			return node;
		frame->node = node;
		trace->noded++;
	}
	return pseudo_pc != 0 && node != CALL_TREE_NO_ROOM ? child_of(cache, node, pseudo_pc)
							   : node;
}
