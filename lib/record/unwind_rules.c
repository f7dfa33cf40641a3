/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unwind_rules: the unwind rule of every program counter met so far, compiled once.
 *
 * Open addressing, 65536 entries of 16 bytes; real programs use a few thousand to ten thousand, and
 * then the misses of the processor's caches cost more than the instructions. An entry is claimed
 * by swapping its key from 0 to the pc with the top bit set, filled, and published by clearing the
 * bit; who meets it half filled compiles for himself. The number of unloads so far is part of the
 * key: after a dlclose every rule is compiled anew when it is next needed, into the slot that it
 * had, so none outlives its module. A full table stops growing, nothing else.
 *
 *   Runs in   the target, inside malloc, also in signal handlers
 *   Locks     none
 *   Memory    region, 1 MiB of address space, touched as rules appear
 *   Calls     what cfi_program calls
 *   Failure   rules are compiled at each use: slower, still right
 */
#include "lib/record/unwind_rules.h"

#include "lib/base/invariant.h"
#include "lib/base/region.h"
#include "lib/record/module_list.h"

#include "lib/base/poison.h"

#define TABLE_SLOTS (UNWIND_LINE_SLOTS << UNWIND_LINE_BITS)
#define LINES_PROBED 8u
#define KEY_IS_CLAIMED (1ull << 63)
#define KEY_PC ((1ull << UNWIND_PC_BITS) - 1)

_Static_assert(sizeof(struct unwind_slot) * UNWIND_LINE_SLOTS == 64, "one line of the cache");

struct unwind_slot *unwind_slots;

bool unwind_rules_start(void)
{
	unwind_slots = region_map(TABLE_SLOTS * sizeof(*unwind_slots), REGION_KEPT_ON_FORK);
	return unwind_slots != NULL;
}

/* The n-th slot that a pc may have: its line from its own place on, then the lines behind. */
static struct unwind_slot *slot_at(uint64_t pc, uint32_t n)
{
	uint32_t first = unwind_slot_of(pc), line = first / UNWIND_LINE_SLOTS;

	line = (line + n / UNWIND_LINE_SLOTS) % (1u << UNWIND_LINE_BITS);
	return &unwind_slots[line * UNWIND_LINE_SLOTS + (first + n) % UNWIND_LINE_SLOTS];
}

static struct unwind_rule compile(uint64_t pc, uint64_t key)
{
	struct unwind_rule rule = cfi_rule(pc);

	INVARIANT(rule.kind > UNWIND_NONE && rule.kind <= UNWIND_UNKNOWN, rule.kind, pc);
	INVARIANT((key & KEY_PC) == pc && (key & KEY_IS_CLAIMED) == 0, key, pc);
	if (!module_list_is_certain((uint32_t)(key >> UNWIND_PC_BITS)))
		return rule;
	for (uint32_t n = 0; n < LINES_PROBED * UNWIND_LINE_SLOTS; n++) {
		struct unwind_slot *slot = slot_at(pc, n);
		uint64_t found = atomic_load_explicit(&slot->key, memory_order_relaxed);

		if (found != 0 && (found & (KEY_PC | KEY_IS_CLAIMED)) != pc)
			continue;
		if (!atomic_compare_exchange_strong_explicit(
			    &slot->key, &found, key | KEY_IS_CLAIMED, memory_order_acquire,
			    memory_order_relaxed))
			break;
		slot->rule = rule;
		INVARIANT(atomic_load(&slot->key) == (key | KEY_IS_CLAIMED), slot->key, key);
		atomic_store_explicit(&slot->key, key, memory_order_release);
		break;
	}
	return rule;
}

__attribute__((noinline)) struct unwind_rule unwind_rule_of_slow(uint64_t pc, uint64_t key)
{
	if (pc >> UNWIND_PC_BITS != 0)
		return cfi_rule(pc);
	for (uint32_t n = 0; n < LINES_PROBED * UNWIND_LINE_SLOTS; n++) {
		struct unwind_slot *slot = slot_at(pc, n);
		uint64_t found = atomic_load_explicit(&slot->key, memory_order_acquire);

		if (found == key) {
			struct unwind_rule rule = slot->rule;

			atomic_thread_fence(memory_order_acquire);
			if (atomic_load_explicit(&slot->key, memory_order_relaxed) == key)
				return rule;
			return cfi_rule(pc);
		}
		if (found == 0)
			break;
	}
	return compile(pc, key);
}

/* A quarter of the way round: rules that have gone half of it are put back to one. */
#define EXPIRY_UNLOADS ((UNWIND_UNLOADS_MASK + 1) / 4)

void unwind_rules_expire(uint32_t unloads)
{
	uint64_t aged;

	unloads &= ~1u; /* no rule has an odd one */
	aged = (uint64_t)((unloads - EXPIRY_UNLOADS) & UNWIND_UNLOADS_MASK) << UNWIND_PC_BITS;

	for (uint32_t i = 0; unloads % EXPIRY_UNLOADS == 0 && i < TABLE_SLOTS; i++) {
		uint64_t key = atomic_load_explicit(&unwind_slots[i].key, memory_order_relaxed);
		uint32_t age = (unloads - (uint32_t)(key >> UNWIND_PC_BITS)) & UNWIND_UNLOADS_MASK;

		/* One that somebody is filling is as new as can be. */
		if (key != 0 && (key & KEY_IS_CLAIMED) == 0 && age >= 2 * EXPIRY_UNLOADS)
			atomic_compare_exchange_strong(&unwind_slots[i].key, &key,
						       (key & KEY_PC) | aged);
	}
}

/* Slots are never emptied, so there is no gap on the way from a pc to its slot. Two may have the same
 * pc, when somebody was filling the first; then that is the one which is found. */
static void verify_slot(const struct unwind_slot *slot)
{
	uint64_t key = atomic_load(&slot->key), pc = key & KEY_PC;
	uint32_t n = 0;

	if (key == 0)
		return;
	while (n < LINES_PROBED * UNWIND_LINE_SLOTS && slot_at(pc, n) != slot) {
		INVARIANT(atomic_load(&slot_at(pc, n)->key) != 0, pc, n);
		n++;
	}
	INVARIANT(n < LINES_PROBED * UNWIND_LINE_SLOTS, pc, slot - unwind_slots);
	INVARIANT((key & KEY_IS_CLAIMED) != 0 ||
			  (slot->rule.kind > UNWIND_NONE && slot->rule.kind <= UNWIND_UNKNOWN),
		  slot->rule.kind, pc);
}

void unwind_rules_verify(void)
{
	for (uint32_t i = 0; INVARIANTS_ARE_CHECKED && i < TABLE_SLOTS; i++)
		verify_slot(&unwind_slots[i]);
}
