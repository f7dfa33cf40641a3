/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_table: the mappings that the program made itself with mmap, mremap, brk and sbrk.
 *
 * A sorted array under one lock: mappings are made thousands of times less often than blocks.
 *
 *   Runs in   the target, around mmap and its relatives; walked by the helper
 *   Locks     LOCK_MAPS; only tried in a signal handler and by a walk
 *   Memory    region, 24 bytes a range, doubled when full; kept on fork
 *   Calls     mmap, munmap
 *   Failure   the mapping is not recorded and counted as lost
 */
#include "lib/record/map_table.h"

#include <stddef.h>

#include "lib/base/invariant.h"
#include "lib/base/lock.h"
#include "lib/base/region.h"
#include "lib/base/syscalls.h"

#include "lib/base/poison.h"

struct range {
	uint64_t start, end;
	uint32_t stack, epoch;
};

#define FIRST_RANGES 1024u
#define WALK_ATTEMPTS 200

static struct lock lock;
static struct range *ranges; /* sorted, without overlaps */
static uint64_t range_count, range_room;

static bool enter(const struct guard *guard)
{
	uint32_t holder = guard_tid(guard);

	if (guard->is_nested)
		return lock_try(&lock, LOCK_MAPS, holder);
	lock_take(&lock, LOCK_MAPS, holder);
	return true;
}

static bool make_room(void)
{
	uint64_t room = range_room == 0 ? FIRST_RANGES : range_room * 2;
	struct range *larger;

	/* Removing the middle of a range needs one more; so keep two free. */
	if (range_count + 2 <= range_room)
		return true;
	larger = region_map(room * sizeof(*larger), REGION_KEPT_ON_FORK);
	if (larger == NULL)
		return false;
	for (uint64_t i = 0; i < range_count; i++)
		larger[i] = ranges[i];
	if (ranges != NULL)
		region_unmap(ranges, range_room * sizeof(*ranges));
	ranges = larger;
	range_room = room;
	return true;
}

/* Index of the first range that ends behind `addr`. */
static uint64_t first_behind(uint64_t addr)
{
	uint64_t low = 0, high = range_count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (ranges[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The range is one, and lies behind the one before it. */
static bool is_in_order(uint64_t index)
{
	return ranges[index].start < ranges[index].end &&
	       (index == 0 || ranges[index - 1].end <= ranges[index].start);
}

static void insert(uint64_t index, struct range range)
{
	INVARIANT(range_count < range_room && index <= range_count, range_count, range_room);
	for (uint64_t i = range_count++; i > index; i--)
		ranges[i] = ranges[i - 1];
	ranges[index] = range;
	INVARIANT(is_in_order(index), range.start, range.end);
	INVARIANT(index + 1 == range_count || is_in_order(index + 1), range.start, range.end);
}

static void erase(uint64_t index)
{
	INVARIANT(index < range_count, index, range_count);
	range_count--;
	for (uint64_t i = index; i < range_count; i++)
		ranges[i] = ranges[i + 1];
}

static void cut_out(uint64_t start, uint64_t end)
{
	uint64_t i = first_behind(start);

	while (i < range_count && ranges[i].start < end) {
		struct range *range = &ranges[i];

		if (range->start < start && range->end > end) {
			struct range right = *range;

			right.start = end;
			range->end = start;
			insert(i + 1, right);
			return;
		}
		if (range->start < start) {
			range->end = start;
			i++;
		} else if (range->end > end) {
			range->start = end;
			return;
		} else {
			erase(i);
		}
	}
}

bool map_table_add(const struct guard *guard, uint64_t start, const struct live_block *block)
{
	bool is_added = false;

	if (!enter(guard))
		return false;
	if (make_room()) {
		cut_out(start, start + block->bytes);
		is_added = make_room();
	}
	if (is_added)
		insert(first_behind(start), (struct range){.start = start,
							   .end = start + block->bytes,
							   .stack = block->stack,
							   .epoch = block->epoch});
	lock_give(&lock, LOCK_MAPS);
	return is_added;
}

void map_table_remove(const struct guard *guard, uint64_t start, uint64_t bytes)
{
	if (bytes == 0 || !enter(guard))
		return;
	if (range_count > 0 && make_room())
		cut_out(start, start + bytes);
	lock_give(&lock, LOCK_MAPS);
}

void map_table_walk(live_block_visitor *visit, void *context, bool is_quiet)
{
	bool is_locked = false;

	for (int attempt = 0; attempt < WALK_ATTEMPTS && !is_locked; attempt++) {
		struct timespec pause = {.tv_nsec = 100000};

		is_locked = lock_try(&lock, LOCK_MAPS, LOCK_BY_ANYBODY);
		if (!is_locked)
			sys_call(SYS_nanosleep, &pause, 0);
	}
	/* A thread that was killed while it held the lock never gives it back; nobody changes the
	 * table then. */
	if (!is_locked && !is_quiet)
		return;
	for (uint64_t i = 0; i < range_count; i++) {
		struct live_block block = {.bytes = ranges[i].end - ranges[i].start,
					   .stack = ranges[i].stack,
					   .epoch = ranges[i].epoch};

		visit(ranges[i].start, &block, context);
	}
	if (is_locked)
		lock_give(&lock, LOCK_MAPS);
}

void map_table_verify(void)
{
	/* Who was killed while he had the lock may have been moving ranges. */
	if (!INVARIANTS_ARE_CHECKED || atomic_load(&lock.state) != 0)
		return;
	INVARIANT(range_count <= range_room, range_count, range_room);
	for (uint64_t i = 0; i < range_count; i++)
		INVARIANT(is_in_order(i), ranges[i].start, ranges[i].end);
}

/* A thread that is not with us any more may have been moving ranges: one of them is there twice. */
static void mend(void)
{
	uint64_t kept = 0;

	for (uint64_t i = 0; i < range_count; i++)
		if (ranges[i].start < ranges[i].end &&
		    (kept == 0 || ranges[i].start >= ranges[kept - 1].end))
			ranges[kept++] = ranges[i];
	range_count = kept;
}

void map_table_leave(uint32_t tid)
{
	if (!lock_is_held_by(&lock, tid))
		return;
	mend();
	lock_give(&lock, LOCK_MAPS);
}

void map_table_postfork_child(void)
{
	if (atomic_load(&lock.state) != 0)
		mend();
	lock_reset(&lock, LOCK_MAPS);
	map_table_verify();
}
