/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unwind_rules: the unwind rule of every program counter met so far, compiled once.
 *
 * A rule costs a search in .eh_frame the first time and one probe of a table from then on. The
 * table is shared by all threads and never locked.
 */
#ifndef LIB_RECORD_UNWIND_RULES_H
#define LIB_RECORD_UNWIND_RULES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/record/cfi_program.h"

/* Makes the table; false when there is no memory for it. */
bool unwind_rules_start(void);

/* A key has 16 bits for the number of unloads. To be called before that becomes `unloads`, so that
 * no rule is ever so old that its number comes round. */
void unwind_rules_expire(uint32_t unloads);

/* Of a debug build: every rule lies where it is looked for. */
void unwind_rules_verify(void);

#define UNWIND_PC_BITS 47
#define UNWIND_UNLOADS_MASK 0xffffu

struct unwind_slot {
	_Atomic(uint64_t) key; /* pc | unloads << UNWIND_PC_BITS; 0: empty */
	struct unwind_rule rule;
};

/* Slots lie in lines of the cache. The calls of one piece of code are needed together, so they share
 * lines. */
#define UNWIND_LINE_SLOTS 4u
#define UNWIND_LINE_BITS 14
#define UNWIND_CODE_BITS 7 /* 128 bytes of code begin their search in the same line */
extern struct unwind_slot *unwind_slots __attribute__((visibility("hidden")));

struct unwind_rule unwind_rule_of_slow(uint64_t pc, uint64_t key);

static inline uint32_t unwind_slot_of(uint64_t pc)
{
	uint64_t line =
		((pc >> UNWIND_CODE_BITS) * 0x9e3779b97f4a7c15ull) >> (64 - UNWIND_LINE_BITS);

	return (uint32_t)line * UNWIND_LINE_SLOTS + (uint32_t)(pc >> 2) % UNWIND_LINE_SLOTS;
}

/*
 * The rule for an instruction address (a return address - 1). `unloads` is module_list_unloads.
 * Leaves for the slow half when the rule is not in its first slot or is just being written there.
 */
static inline struct unwind_rule unwind_rule_of(uint64_t pc, uint32_t unloads)
{
	uint64_t key = pc | (uint64_t)(unloads & UNWIND_UNLOADS_MASK) << UNWIND_PC_BITS;
	struct unwind_slot *slot = &unwind_slots[unwind_slot_of(pc)];

	if (__builtin_expect(atomic_load_explicit(&slot->key, memory_order_acquire) == key, 1)) {
		struct unwind_rule rule = slot->rule;

		/* Not replaced while we read it, after an unload. */
		atomic_thread_fence(memory_order_acquire);
		if (__builtin_expect(atomic_load_explicit(&slot->key, memory_order_relaxed) == key,
				     1))
			return rule;
	}
	return unwind_rule_of_slow(pc, key);
}

#endif
