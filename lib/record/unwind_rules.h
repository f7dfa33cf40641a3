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
#include <stddef.h>
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

/*
 * Slots lie in lines of the processor's cache. The first of a line is that of a pc which the search
 * begins with; behind it are the rules of its caller, the caller of that, and the next: those that
 * were met first. A walk that comes the same way again has them all from one line, and knows where
 * the next one is before it has read who the caller is.
 */
#define UNWIND_LINE_SLOTS 4u
#define UNWIND_LINE_BITS 15
#define UNWIND_SLOTS (UNWIND_LINE_SLOTS << UNWIND_LINE_BITS)
/* Of nearby code the lines are in the same page. */
#define UNWIND_CODE_BITS 11
#define UNWIND_CODE_LINE_BITS 6

extern struct unwind_slot *unwind_slots __attribute__((visibility("hidden")));

/* As unwind_rule_next, for a rule that is not where it is looked for first. */
struct unwind_rule unwind_rule_slow(uint64_t pc, uint64_t key, struct unwind_slot **next);

/* The first slot of the line that a search for this pc begins with. */
static inline struct unwind_slot *unwind_line_of(uint64_t pc)
{
	const uint64_t golden = 0x9e3779b97f4a7c15ull;
	uint64_t page = (pc >> UNWIND_CODE_BITS) * golden >>
			(64 - UNWIND_LINE_BITS + UNWIND_CODE_LINE_BITS);
	uint64_t line = page << UNWIND_CODE_LINE_BITS | pc * golden >> (64 - UNWIND_CODE_LINE_BITS);

	return &unwind_slots[line * UNWIND_LINE_SLOTS];
}

static inline uint64_t unwind_key_of(uint64_t pc, uint32_t unloads)
{
	return pc | (uint64_t)(unloads & UNWIND_UNLOADS_MASK) << UNWIND_PC_BITS;
}

/* Whether it is the slot of this key. It is not replaced while it is read, after an unload. */
static inline bool unwind_slot_read(const struct unwind_slot *slot, uint64_t key,
				    struct unwind_rule *rule)
{
	if (__builtin_expect(atomic_load_explicit(&slot->key, memory_order_acquire) != key, 0))
		return false;
	*rule = slot->rule;
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&slot->key, memory_order_relaxed) == key;
}

/* Whether a slot behind the first of its line can be had: it is empty, or from before an unload. */
static inline bool unwind_slot_is_free(const struct unwind_slot *slot, uint64_t key)
{
	uint64_t found = atomic_load_explicit(&slot->key, memory_order_relaxed);

	return (uintptr_t)slot % (UNWIND_LINE_SLOTS * sizeof(*slot)) != 0 &&
	       (found == 0 || (found ^ key) >> UNWIND_PC_BITS != 0);
}

/*
 * The rule for an instruction address (a return address - 1). `unloads` is module_list_unloads.
 * *next is where it is expected, and becomes where that of the caller is; at the beginning of a walk
 * it is unwind_line_of(pc).
 */
static inline struct unwind_rule unwind_rule_next(uint64_t pc, uint32_t unloads,
						  struct unwind_slot **next)
{
	uint64_t key = unwind_key_of(pc, unloads);
	struct unwind_slot *slot = *next;
	struct unwind_rule rule;

	if (__builtin_expect(unwind_slot_read(slot, key, &rule), 1)) {
		*next = slot + 1;
		return rule;
	}
	if (!unwind_slot_is_free(slot, key)) {
		slot = unwind_line_of(pc);
		if (__builtin_expect(unwind_slot_read(slot, key, &rule), 1)) {
			*next = slot + 1;
			return rule;
		}
	}
	return unwind_rule_slow(pc, key, next);
}

static inline struct unwind_rule unwind_rule_of(uint64_t pc, uint32_t unloads)
{
	struct unwind_slot *next = unwind_line_of(pc);

	return unwind_rule_next(pc, unloads, &next);
}

#endif
