/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unwind_rules: the unwind rule of every program counter met so far, compiled once.
 *
 * The misses of the processor's caches cost more than the instructions: see the header for what lies
 * beside what. A slot is claimed by swapping its key for the new one with the top bit set, filled,
 * and published by clearing the bit; who meets it half filled compiles for himself. The number of
 * unloads so far is part of the key: after a dlclose every rule is compiled anew when it is next
 * needed, into the slot that it had or that of another old one, so none is used that may have been
 * its module's. A full table stops growing, nothing else.
 *
 *   Runs in   the target, inside malloc, also in signal handlers
 *   Locks     none
 *   Memory    region, 2 MiB of address space, touched as rules appear
 *   Calls     what cfi_program calls
 *   Failure   rules are compiled at each use: slower, still right
 */
#include "lib/record/unwind_rules.h"

#include <dlfcn.h>

#include "lib/base/invariant.h"
#include "lib/base/region.h"
#include "lib/record/module_list.h"

#include "lib/base/poison.h"

#define LINES_PROBED 8u
#define KEY_IS_CLAIMED (1ull << 63)
#define KEY_PC ((1ull << UNWIND_PC_BITS) - 1)

_Static_assert(sizeof(struct unwind_slot) * UNWIND_LINE_SLOTS == 64, "one line of the cache");

struct unwind_slot *unwind_slots;

bool unwind_rules_start(void)
{
	/* One more, see nowhere(). */
	unwind_slots = region_map((UNWIND_SLOTS + 1) * sizeof(*unwind_slots), REGION_KEPT_ON_FORK);
	return unwind_slots != NULL;
}

/* The first slot of the n-th line that a pc may have. */
static struct unwind_slot *head_at(uint64_t pc, uint32_t n)
{
	uint64_t first = (uint64_t)(unwind_line_of(pc) - unwind_slots);

	return &unwind_slots[(first + (uint64_t)n * UNWIND_LINE_SLOTS) % UNWIND_SLOTS];
}

/* Where no rule is ever found, nor put. */
static struct unwind_slot *nowhere(void)
{
	return &unwind_slots[UNWIND_SLOTS];
}

/* A line's first slot belongs to the pcs that are searched from there. */
static bool is_head(const struct unwind_slot *slot)
{
	return (slot - unwind_slots) % UNWIND_LINE_SLOTS == 0;
}

/* Writes the rule into a slot that had the key `found`; false when another thread is writing there. */
static bool fill(struct unwind_slot *slot, uint64_t found, uint64_t key,
		 const struct unwind_rule *rule)
{
	if (!atomic_compare_exchange_strong_explicit(&slot->key, &found, key | KEY_IS_CLAIMED,
						     memory_order_acquire, memory_order_relaxed))
		return false;
	/* Nobody sees the new rule behind the old key. */
	atomic_thread_fence(memory_order_release);
	slot->rule = *rule;
	INVARIANT(atomic_load(&slot->key) == (key | KEY_IS_CLAIMED), slot->key, key);
	atomic_store_explicit(&slot->key, key, memory_order_release);
	return true;
}

static struct unwind_rule compile(uint64_t pc, uint64_t key)
{
	struct unwind_rule rule = cfi_rule(pc);

	INVARIANT(rule.kind > UNWIND_NONE && rule.kind <= UNWIND_UNKNOWN, rule.kind, pc);
	INVARIANT((key & KEY_PC) == pc && (key & KEY_IS_CLAIMED) == 0, key, pc);
	return rule;
}

/* Where no module lies there may be one the next time, and nothing has been unloaded. A function, so that
 * the stack which compile needs is free. */
static __attribute__((noinline)) bool is_lasting(const struct unwind_rule *rule, uint64_t pc)
{
	struct dl_find_object object;

	return rule->kind != UNWIND_UNKNOWN || _dl_find_object((void *)pc, &object) == 0;
}

/* The rule, from the line of the pc, which gets it if it has not got it yet. */
static struct unwind_rule from_line(uint64_t pc, uint64_t key, struct unwind_slot **next)
{
	bool is_kept = module_list_is_certain((uint32_t)(key >> UNWIND_PC_BITS));
	struct unwind_slot *place = NULL;
	uint64_t before = 0;
	struct unwind_rule rule;

	*next = nowhere();
	for (uint32_t n = 0; n < LINES_PROBED; n++) {
		struct unwind_slot *head = head_at(pc, n);
		uint64_t found = atomic_load_explicit(&head->key, memory_order_acquire);

		if (found == key && unwind_slot_read(head, key, &rule)) {
			*next = head + 1;
			return rule;
		}
		/* Its own old rule, or nobody's. If there is none, the old rule of another pc, which
		 * may have gone. No head is ever emptied: on the way to one behind it there is no gap. */
		if (found == 0 || (found & (KEY_PC | KEY_IS_CLAIMED)) == pc) {
			place = head;
			before = found;
			break;
		}
		if (place == NULL && (found & KEY_IS_CLAIMED) == 0 &&
		    (found ^ key) >> UNWIND_PC_BITS != 0) {
			place = head;
			before = found;
		}
	}
	rule = compile(pc, key);
	if (is_kept && place != NULL && is_lasting(&rule, pc) && fill(place, before, key, &rule))
		*next = place + 1;
	return rule;
}

__attribute__((noinline)) struct unwind_rule unwind_rule_slow(uint64_t pc, uint64_t key,
							      struct unwind_slot **next)
{
	struct unwind_slot *expected = *next;
	uint64_t found = atomic_load_explicit(&expected->key, memory_order_relaxed);
	struct unwind_rule rule;

	if (pc >> UNWIND_PC_BITS != 0) {
		*next = nowhere();
		return cfi_rule(pc);
	}
	if (!unwind_slot_is_free(expected, key) || (found & KEY_IS_CLAIMED) != 0 ||
	    !module_list_is_certain((uint32_t)(key >> UNWIND_PC_BITS)))
		return from_line(pc, key, next);
	/* The first that is met behind the one before. */
	rule = compile(pc, key);
	*next = is_lasting(&rule, pc) && fill(expected, found, key, &rule) ? expected + 1
									   : nowhere();
	return rule;
}

/* A quarter of the way round: rules that have gone half of it are put back to one. */
#define EXPIRY_UNLOADS ((UNWIND_UNLOADS_MASK + 1) / 4)

void unwind_rules_expire(uint32_t unloads)
{
	uint64_t aged;

	unloads &= ~1u; /* no rule has an odd one */
	aged = (uint64_t)((unloads - EXPIRY_UNLOADS) & UNWIND_UNLOADS_MASK) << UNWIND_PC_BITS;

	for (uint32_t i = 0; unloads % EXPIRY_UNLOADS == 0 && i < UNWIND_SLOTS; i++) {
		uint64_t key = atomic_load_explicit(&unwind_slots[i].key, memory_order_relaxed);
		uint32_t age = (unloads - (uint32_t)(key >> UNWIND_PC_BITS)) & UNWIND_UNLOADS_MASK;

		/* One that somebody is filling is as new as can be. */
		if (key != 0 && (key & KEY_IS_CLAIMED) == 0 && age >= 2 * EXPIRY_UNLOADS)
			atomic_compare_exchange_strong(&unwind_slots[i].key, &key,
						       (key & KEY_PC) | aged);
	}
}

/* Heads are never emptied, so there is no gap on the way from a pc to its line. Two may have the same
 * pc, when somebody was filling the first; then that is the one which is found. */
static void verify_slot(const struct unwind_slot *slot)
{
	uint64_t key = atomic_load(&slot->key), pc = key & KEY_PC;
	uint32_t n = 0;

	if (key == 0)
		return;
	while (is_head(slot) && n < LINES_PROBED && head_at(pc, n) != slot) {
		INVARIANT(atomic_load(&head_at(pc, n)->key) != 0, pc, n);
		n++;
	}
	INVARIANT(n < LINES_PROBED, pc, slot - unwind_slots);
	INVARIANT((key & KEY_IS_CLAIMED) != 0 ||
			  (slot->rule.kind > UNWIND_NONE && slot->rule.kind <= UNWIND_UNKNOWN),
		  slot->rule.kind, pc);
}

void unwind_rules_verify(void)
{
	for (uint32_t i = 0; INVARIANTS_ARE_CHECKED && i < UNWIND_SLOTS; i++)
		verify_slot(&unwind_slots[i]);
}
