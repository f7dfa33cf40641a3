/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unwind_rules: the unwind rule of every program counter met so far, compiled once.
 *
 * Open addressing, 65536 entries of 16 bytes; real programs use a few thousand. An entry is claimed
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

#include <stdatomic.h>

#include "lib/base/region.h"
#include "lib/record/module_list.h"

#include "lib/base/poison.h"

#define TABLE_BITS 16
#define TABLE_SLOTS (1u << TABLE_BITS)
#define PROBES_MAX 32u
#define KEY_IS_CLAIMED (1ull << 63)
#define KEY_PC ((1ull << 47) - 1)

struct slot {
	_Atomic(uint64_t) key; /* pc | unloads << 47; 0: empty */
	struct unwind_rule rule;
};

_Static_assert(sizeof(struct slot) == 16, "two slots per 32 bytes");

static struct slot *table;

bool unwind_rules_start(void)
{
	table = region_map(TABLE_SLOTS * sizeof(*table), REGION_KEPT_ON_FORK);
	return table != NULL;
}

static __attribute__((noinline)) struct unwind_rule compile_slow(uint64_t pc, uint64_t key,
								 uint32_t index)
{
	struct unwind_rule rule = cfi_rule(pc);

	for (uint32_t probe = 0; probe < PROBES_MAX; probe++) {
		struct slot *slot = &table[(index + probe) & (TABLE_SLOTS - 1)];
		uint64_t found = atomic_load_explicit(&slot->key, memory_order_relaxed);

		if (found != 0 && (found & (KEY_PC | KEY_IS_CLAIMED)) != pc)
			continue;
		if (!atomic_compare_exchange_strong_explicit(
			    &slot->key, &found, key | KEY_IS_CLAIMED, memory_order_acquire,
			    memory_order_relaxed))
			break;
		slot->rule = rule;
		atomic_store_explicit(&slot->key, key, memory_order_release);
		break;
	}
	return rule;
}

struct unwind_rule unwind_rule_of(uint64_t pc)
{
	uint64_t unloads = atomic_load_explicit(&module_list_unloads, memory_order_acquire);
	uint64_t key = pc | (unloads & 0xffff) << 47;
	uint32_t index = (uint32_t)((pc * 0x9e3779b97f4a7c15ull) >> (64 - TABLE_BITS));

	if (table == NULL || pc >> 47 != 0)
		return cfi_rule(pc);
	for (uint32_t probe = 0; probe < PROBES_MAX; probe++) {
		struct slot *slot = &table[(index + probe) & (TABLE_SLOTS - 1)];
		uint64_t found = atomic_load_explicit(&slot->key, memory_order_acquire);

		if (__builtin_expect(found == key, 1)) {
			struct unwind_rule rule = slot->rule;

			/* Replaced while we read it, after an unload. */
			atomic_thread_fence(memory_order_acquire);
			if (atomic_load_explicit(&slot->key, memory_order_relaxed) == key)
				return rule;
			return cfi_rule(pc);
		}
		if (found == 0)
			break;
	}
	return compile_slow(pc, key, index);
}
