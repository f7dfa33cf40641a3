/* SPDX-License-Identifier: Apache-2.0 */
/*
 * side_table: the live blocks that have no word in the live table.
 *
 * 64 shards, each a hash with open addressing and linear probing under its own lock. An entry never
 * moves while its table lives: removed ones leave a tombstone, a table that is three quarters full
 * is copied into a new one. So a walk needs no lock: it reads a table that nobody changes the shape
 * of. A table that was replaced during a walk is unmapped after the walk.
 *
 *   Runs in   the target, inside malloc and free; walked by the helper
 *   Locks     LOCK_SIDE_SHARD for each change; only tried in a signal handler. Not taken for a fork
 *   Memory    region: 24 bytes an entry, tables at most three quarters full; kept on fork
 *   Calls     mmap, munmap
 *   Failure   the block is not recorded and counted as lost
 */
#include "lib/record/side_table.h"

#include <stddef.h>

#include "lib/base/invariant.h"
#include "lib/base/lock.h"
#include "lib/base/region.h"

#include "lib/base/poison.h"

#define SHARD_BITS 6
#define SHARDS (1u << SHARD_BITS)
#define FIRST_SLOTS 128u
#define TOMBSTONE 1u /* no block begins at address 1 */

struct slot {
	uint64_t addr;	/* 0: never used */
	uint64_t about; /* kind 3 | epoch 18 | stack 30 */
	uint64_t bytes;
};

struct table {
	uint64_t bytes; /* of the whole mapping */
	uint64_t slot_count;
	struct table *next_retired;
	struct slot slots[];
};

struct shard {
	struct lock lock;
	uint32_t live;
	uint64_t used; /* live ones and tombstones */
	struct table *table;
} __attribute__((aligned(64)));

static struct shard shards[SHARDS];
static _Atomic(uint32_t) walks;		/* a walk is under way */
static _Atomic(struct table *) retired; /* replaced during a walk */

static uint64_t hash_of(uint64_t addr)
{
	uint64_t hash = (addr >> 3) * 0x9e3779b97f4a7c15ull;

	return hash ^ hash >> 32;
}

static uint64_t about(const struct live_block *block)
{
	return (uint64_t)block->kind | (uint64_t)block->epoch << 3 | (uint64_t)block->stack << 21;
}

static struct live_block block_of(const struct slot *slot)
{
	uint64_t value = __atomic_load_n(&slot->about, __ATOMIC_RELAXED);

	return (struct live_block){
		.kind = value & 7,
		.epoch = value >> 3 & LIVE_BLOCK_EPOCH_MAX,
		.stack = (uint32_t)(value >> 21 & ((1u << 30) - 1)),
		.bytes = __atomic_load_n(&slot->bytes, __ATOMIC_RELAXED),
	};
}

static bool enter(const struct guard *guard, struct shard *shard)
{
	uint32_t holder = guard_tid(guard);

	if (__builtin_expect(guard->is_nested, 0))
		return lock_try(&shard->lock, LOCK_SIDE_SHARD, holder);
	lock_take(&shard->lock, LOCK_SIDE_SHARD, holder);
	return true;
}

static struct table *new_table(uint64_t slot_count)
{
	uint64_t bytes = sizeof(struct table) + slot_count * sizeof(struct slot);
	struct table *table;

	bytes = (bytes + 4095) & ~4095ull;
	table = region_map(bytes, REGION_KEPT_ON_FORK);
	if (table != NULL) {
		table->bytes = bytes;
		table->slot_count = slot_count;
	}
	return table;
}

static void retire(struct table *table)
{
	/* Against side_table_walk: it raises `walks` and then reads shard->table; we have replaced
	 * shard->table and then read `walks`. One of us sees the other. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&walks, memory_order_relaxed) == 0) {
		region_unmap(table, table->bytes);
		return;
	}
	table->next_retired = atomic_load(&retired);
	while (!atomic_compare_exchange_weak(&retired, &table->next_retired, table))
		;
}

/* The slot of `addr`, or where it belongs. The table has a free slot. */
static struct slot *find(struct table *table, uint64_t addr, struct slot **free_slot)
{
	uint64_t mask = table->slot_count - 1;

	*free_slot = NULL;
	for (uint64_t index = hash_of(addr) >> SHARD_BITS;; index++) {
		struct slot *slot = &table->slots[index & mask];

		if (slot->addr == addr)
			return slot;
		if (slot->addr == TOMBSTONE && *free_slot == NULL)
			*free_slot = slot;
		if (slot->addr == 0) {
			if (*free_slot == NULL)
				*free_slot = slot;
			return NULL;
		}
	}
}

static void put(struct slot *slot, uint64_t addr, uint64_t about_value, uint64_t bytes)
{
	/* In this order, which the walk relies on: see read_slot. */
	__atomic_store_n(&slot->about, about_value, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->bytes, bytes, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->addr, addr, __ATOMIC_RELEASE);
}

static bool make_room(struct shard *shard)
{
	struct table *old = shard->table, *table;
	struct slot *slot;
	uint64_t slot_count = FIRST_SLOTS;

	if (old != NULL && shard->used < old->slot_count / 4 * 3)
		return true;
	while (slot_count / 2 < shard->live + 1u)
		slot_count *= 2;
	table = new_table(slot_count);
	if (table == NULL)
		return old != NULL && shard->used < old->slot_count - 1;
	for (uint64_t i = 0; old != NULL && i < old->slot_count; i++) {
		if (old->slots[i].addr > TOMBSTONE) {
			find(table, old->slots[i].addr, &slot);
			put(slot, old->slots[i].addr, old->slots[i].about, old->slots[i].bytes);
		}
	}
	shard->used = shard->live;
	__atomic_store_n(&shard->table, table, __ATOMIC_RELEASE);
	if (old != NULL)
		retire(old);
	return true;
}

enum side_table_added side_table_add(const struct guard *guard, uint64_t addr,
				     const struct live_block *block, struct live_block *old)
{
	struct shard *shard = &shards[hash_of(addr) % SHARDS];
	enum side_table_added added = SIDE_TABLE_LOST;
	struct slot *slot, *free_slot;

	if (addr <= TOMBSTONE || !enter(guard, shard))
		return SIDE_TABLE_LOST;
	if (!make_room(shard))
		goto out;
	INVARIANT(shard->live <= shard->used && shard->used < shard->table->slot_count, shard->used,
		  shard->table->slot_count);
	slot = find(shard->table, addr, &free_slot);
	if (slot != NULL) {
		*old = block_of(slot);
		put(slot, addr, about(block), block->bytes);
		added = SIDE_TABLE_REPLACED;
		goto out;
	}
	shard->used += free_slot->addr == 0;
	shard->live++;
	put(free_slot, addr, about(block), block->bytes);
	added = SIDE_TABLE_ADDED;
out:
	lock_give(&shard->lock, LOCK_SIDE_SHARD);
	return added;
}

bool side_table_remove(const struct guard *guard, uint64_t addr, struct live_block *block)
{
	struct shard *shard = &shards[hash_of(addr) % SHARDS];
	struct slot *slot = NULL, *free_slot;

	/* Nobody else frees this address now, so an empty shard says no without its lock. */
	if (addr <= TOMBSTONE || __atomic_load_n(&shard->live, __ATOMIC_RELAXED) == 0 ||
	    !enter(guard, shard))
		return false;
	if (shard->table != NULL)
		slot = find(shard->table, addr, &free_slot);
	if (slot != NULL) {
		INVARIANT(shard->live > 0, addr, shard->used);
		*block = block_of(slot);
		__atomic_store_n(&slot->addr, TOMBSTONE, __ATOMIC_RELEASE);
		shard->live--;
	}
	lock_give(&shard->lock, LOCK_SIDE_SHARD);
	return slot != NULL;
}

static struct slot *find_around(struct table *table, uint64_t addr)
{
	for (uint64_t i = 0; table != NULL && i < table->slot_count; i++) {
		struct slot *slot = &table->slots[i];

		if (slot->addr > TOMBSTONE && slot->addr <= addr &&
		    (slot->addr == addr || addr - slot->addr < slot->bytes))
			return slot;
	}
	return NULL;
}

static bool ignore_in(const struct guard *guard, struct shard *shard, uint64_t addr, bool is_start)
{
	struct slot *slot = NULL, *free_slot;

	if (__atomic_load_n(&shard->live, __ATOMIC_RELAXED) == 0 || !enter(guard, shard))
		return false;
	if (shard->table != NULL)
		slot = is_start ? find(shard->table, addr, &free_slot)
				: find_around(shard->table, addr);
	if (slot != NULL)
		__atomic_store_n(&slot->about, slot->about & ~(uint64_t)BLOCK_KIND_MASK,
				 __ATOMIC_RELAXED);
	lock_give(&shard->lock, LOCK_SIDE_SHARD);
	return slot != NULL;
}

bool side_table_ignore(const struct guard *guard, uint64_t addr)
{
	if (addr <= TOMBSTONE)
		return false;
	if (ignore_in(guard, &shards[hash_of(addr) % SHARDS], addr, true))
		return true;
	for (uint32_t i = 0; i < SHARDS; i++)
		if (ignore_in(guard, &shards[i], addr, false))
			return true;
	return false;
}

/* Reads a slot that its owner may be changing; 0 when it was. Also when the same address was used
 * again meanwhile: bytes of the new block are written behind its `about`, so whoever sees them sees
 * that. */
static uint64_t read_slot(const struct slot *slot, struct live_block *block)
{
	uint64_t addr = __atomic_load_n(&slot->addr, __ATOMIC_ACQUIRE);
	uint64_t about_before = __atomic_load_n(&slot->about, __ATOMIC_ACQUIRE);

	*block = block_of(slot);
	atomic_thread_fence(memory_order_acquire);
	if (__atomic_load_n(&slot->about, __ATOMIC_RELAXED) != about_before ||
	    __atomic_load_n(&slot->addr, __ATOMIC_RELAXED) != addr)
		return 0;
	return addr;
}

void side_table_walk(live_block_visitor *visit, void *context)
{
	struct table *table;

	INVARIANT(atomic_load(&walks) == 0, atomic_load(&walks), 0);
	atomic_store(&walks, 1);
	atomic_thread_fence(memory_order_seq_cst);
	for (uint32_t i = 0; i < SHARDS; i++) {
		table = __atomic_load_n(&shards[i].table, __ATOMIC_ACQUIRE);
		for (uint64_t s = 0; table != NULL && s < table->slot_count; s++) {
			struct live_block block;
			uint64_t addr = read_slot(&table->slots[s], &block);

			if (addr > TOMBSTONE)
				visit(addr, &block, context);
		}
	}
	atomic_store(&walks, 0);
	table = atomic_exchange(&retired, NULL);
	while (table != NULL) {
		struct table *next = table->next_retired;

		region_unmap(table, table->bytes);
		table = next;
	}
}

static void verify_shard(const struct shard *shard, uint64_t number)
{
	struct table *table = shard->table;
	uint64_t live = 0, used = 0;
	struct slot *free_slot;

	INVARIANT(table != NULL || shard->live == 0, shard->live, number);
	if (table == NULL)
		return;
	INVARIANT((table->slot_count & (table->slot_count - 1)) == 0, table->slot_count, number);
	INVARIANT(table->bytes >= sizeof(*table) + table->slot_count * sizeof(struct slot),
		  table->bytes, table->slot_count);
	for (uint64_t i = 0; i < table->slot_count; i++) {
		uint64_t addr = table->slots[i].addr;

		used += addr != 0;
		live += addr > TOMBSTONE;
	}
	/* Otherwise looking for what is not there has no end. */
	INVARIANT(used < table->slot_count, used, table->slot_count);
	for (uint64_t i = 0; i < table->slot_count; i++) {
		uint64_t addr = table->slots[i].addr;

		if (addr <= TOMBSTONE)
			continue;
		INVARIANT(hash_of(addr) % SHARDS == number, addr, number);
		INVARIANT(find(table, addr, &free_slot) == &table->slots[i], addr, i);
	}
	/* Who was killed while he had the lock may not have counted yet. */
	if (atomic_load(&shard->lock.state) != 0)
		return;
	INVARIANT(shard->live == live, shard->live, live);
	INVARIANT(shard->used == used, shard->used, used);
}

void side_table_verify(void)
{
	for (uint64_t i = 0; INVARIANTS_ARE_CHECKED && i < SHARDS; i++)
		verify_shard(&shards[i], i);
}

/* Whoever was changing it does not go on: its entries are sound, its counts may not be. */
static void mend_counts(struct shard *shard)
{
	if (shard->table == NULL)
		return;
	shard->live = 0;
	shard->used = 0;
	for (uint64_t s = 0; s < shard->table->slot_count; s++) {
		shard->live += shard->table->slots[s].addr > TOMBSTONE;
		shard->used += shard->table->slots[s].addr != 0;
	}
}

void side_table_leave(uint32_t tid)
{
	for (uint32_t i = 0; i < SHARDS; i++) {
		if (!lock_is_held_by(&shards[i].lock, tid))
			continue;
		mend_counts(&shards[i]);
		lock_give(&shards[i].lock, LOCK_SIDE_SHARD);
	}
}

void side_table_postfork_child(void)
{
	for (uint32_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &shards[i];

		if (atomic_load(&shard->lock.state) != 0)
			mend_counts(shard);
		lock_reset(&shard->lock, LOCK_SIDE_SHARD);
	}
	atomic_store(&walks, 0);
	atomic_store(&retired, NULL);
}
