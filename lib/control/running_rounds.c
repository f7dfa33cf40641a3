/* SPDX-License-Identifier: Apache-2.0 */
/*
 * running_rounds: the growth checks that threads are in the middle of, and those that were left.
 *
 * Rounds were left when their thread is gone, or when it begins others in a frame that is not inside of
 * theirs. A program that changes stacks by itself (swapcontext) may seem to have left what it goes on
 * with: so rounds go by a name that is never used again, and whoever comes with a name that is gone
 * learns that.
 *
 *   Runs in   the target, in any thread; releases where the caller has them run
 *   Locks     none; slots are claimed with compare-and-swap
 *   Memory    static: 256 slots
 *   Calls     tgkill(0)
 *   Failure   null: no slot is free
 */
#include "lib/control/running_rounds.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

#include "lib/base/syscalls.h"
#include "lib/snapshot/round_growth.h"

#include "lib/base/poison.h"

#define SLOTS 256u

enum state { SLOT_FREE, SLOT_TAKEN, SLOT_RUNNING, SLOT_LEFT };

static struct slot {
	_Atomic(uint32_t) state;
	uint32_t turn; /* how often it was claimed: tells its names apart */
	uint32_t pid, tid;
	uint64_t frame;
	struct round_growth *growth;
} slots[SLOTS];
static _Atomic(uint32_t) slots_used; /* those behind have never been */

static bool change(struct slot *slot, enum state from, enum state to)
{
	uint32_t state = from;

	return atomic_compare_exchange_strong(&slot->state, &state, to);
}

static void *name_of(const struct slot *slot)
{
	return (void *)(uintptr_t)((uint64_t)slot->turn * SLOTS + (uint64_t)(slot - slots));
}

static struct slot *slot_of(void *name)
{
	struct slot *slot = &slots[(uint64_t)(uintptr_t)name % SLOTS];

	return atomic_load(&slot->state) == SLOT_RUNNING && name_of(slot) == name ? slot : NULL;
}

void *running_rounds_add(struct round_growth *growth, uint64_t frame)
{
	for (uint32_t i = 0; i < SLOTS; i++) {
		uint32_t used = atomic_load(&slots_used);

		if (!change(&slots[i], SLOT_FREE, SLOT_TAKEN))
			continue;
		while (used <= i && !atomic_compare_exchange_weak(&slots_used, &used, i + 1))
			;
		slots[i].turn++;
		slots[i].pid = sys_pid();
		slots[i].tid = sys_tid();
		slots[i].frame = frame;
		slots[i].growth = growth;
		atomic_store(&slots[i].state, SLOT_RUNNING);
		return name_of(&slots[i]);
	}
	return NULL;
}

struct round_growth *running_rounds_find(void *name)
{
	struct slot *slot = slot_of(name);

	if (slot == NULL)
		return NULL;
	/* The thread that goes on with them may be that of a child, forked in one of the rounds. */
	slot->tid = sys_tid();
	slot->pid = sys_pid();
	return slot->growth;
}

void running_rounds_remove(void *name)
{
	struct slot *slot = slot_of(name);

	if (slot != NULL)
		change(slot, SLOT_RUNNING, SLOT_FREE);
}

void running_rounds_leave(void *name)
{
	struct slot *slot = slot_of(name);

	if (slot != NULL)
		change(slot, SLOT_RUNNING, SLOT_LEFT);
}

/* In a child nothing is known of those that have not gone on in it. */
static bool is_left(const struct slot *slot, uint64_t frame)
{
	if (slot->pid != sys_pid())
		return false;
	return slot->tid == sys_tid() ? slot->frame <= frame
				      : sys_call(SYS_tgkill, slot->pid, slot->tid, 0) == -ESRCH;
}

bool running_rounds_are_left(uint64_t frame)
{
	uint32_t used = atomic_load(&slots_used), left = 0;

	for (uint32_t i = 0; i < used; i++) {
		if (atomic_load(&slots[i].state) == SLOT_RUNNING && is_left(&slots[i], frame))
			change(&slots[i], SLOT_RUNNING, SLOT_LEFT);
		left += atomic_load(&slots[i].state) == SLOT_LEFT;
	}
	return left > 0;
}

void running_rounds_release_left(void *unused)
{
	uint32_t used = atomic_load(&slots_used);

	(void)unused;
	for (uint32_t i = 0; i < used; i++) {
		if (!change(&slots[i], SLOT_LEFT, SLOT_TAKEN))
			continue;
		round_growth_release(slots[i].growth);
		atomic_store(&slots[i].state, SLOT_FREE);
	}
}
