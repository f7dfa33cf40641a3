/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_unwind_rules: a rule is kept as long as nothing is unloaded, and never longer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/record/module_list.h"
#include "lib/record/unwind_rules.h"
#include "tests/support/lib_life.h"

#define MARK 12344 /* no rule has this offset */

static uint64_t somewhere(void)
{
	return (uint64_t)&qsort + 1;
}

static struct unwind_rule rule_now(void)
{
	return unwind_rule_of(somewhere(), atomic_load(&module_list_unloads));
}

/* Makes the rule that is kept now another one than the right one, so that it is recognised. */
static void mark_rule(void)
{
	struct unwind_slot *slot = &unwind_slots[unwind_slot_of(somewhere())];

	assert_int_not_equal(rule_now().cfa_offset, MARK);
	slot->rule.cfa_offset = MARK;
}

static void keeps_a_rule(void **state)
{
	(void)state;
	mark_rule();
	assert_int_equal(rule_now().cfa_offset, MARK);
	module_list_count_unload();
	assert_int_not_equal(rule_now().cfa_offset, MARK);
}

/* Also when the number of unloads in its key has come round, and is the same again. */
static void drops_a_rule_for_ever(void **state)
{
	struct unwind_rule right = rule_now(), again;

	(void)state;
	mark_rule();
	for (uint32_t i = 0; i < 3 * (UNWIND_UNLOADS_MASK + 1); i++) {
		module_list_count_unload();
		/* Others keep the library busy; this one is not met at each number. */
		if (i % (UNWIND_UNLOADS_MASK + 1) != UNWIND_UNLOADS_MASK)
			continue;
		again = rule_now();
		assert_memory_equal(&again, &right, sizeof(right));
		mark_rule();
	}
	unwind_rules_verify();
}

static int start(void **state)
{
	(void)state;
	lib_life_start();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_a_rule),
		cmocka_unit_test(drops_a_rule_for_ever),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
