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
#include <sys/mman.h>

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
	struct unwind_slot *slot = unwind_line_of(somewhere());

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

/* A module may come to lie where a program has made code: then nothing tells that it was not there. */
static void keeps_no_rule_for_code_of_no_module(void **state)
{
	static char data[64];
	char *code = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t pc = (uint64_t)code + 8, in_module = (uint64_t)&data[8];
	uint32_t unloads = atomic_load(&module_list_unloads);

	(void)state;
	assert_ptr_not_equal(code, MAP_FAILED);
	assert_int_equal(unwind_rule_of(pc, unloads).kind, UNWIND_UNKNOWN);
	assert_int_equal(atomic_load(&unwind_line_of(pc)->key), 0);
	assert_int_equal(unwind_rule_of(in_module, unloads).kind, UNWIND_UNKNOWN);
	assert_int_not_equal(atomic_load(&unwind_line_of(in_module)->key), 0);
	munmap(code, 4096);
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

/* Behind the rule of a function are those of its callers, the first that were met: also after an unload,
 * when both are compiled anew, and not those of another one that is met later. */
static void keeps_the_callers_behind(void **state)
{
	const uint64_t inside = (uint64_t)&bsearch + 1, outside = (uint64_t)&strtol + 1;

	(void)state;
	for (int unloaded = 0; unloaded < 3; unloaded++) {
		uint32_t unloads = atomic_load(&module_list_unloads);
		struct unwind_slot *next = unwind_line_of(inside), *line = next;

		unwind_rule_next(inside, unloads, &next);
		assert_ptr_equal(next, line + 1);
		unwind_rule_next(outside, unloads, &next);
		assert_ptr_equal(next, line + 2);
		assert_true(line[1].key == unwind_key_of(outside, unloads));
		next = line + 1;
		unwind_rule_next(somewhere(), unloads, &next);
		assert_ptr_equal(next, unwind_line_of(somewhere()) + 1);
		assert_true(line[1].key == unwind_key_of(outside, unloads));
		module_list_count_unload();
	}
	unwind_rules_verify();
}

/* A walk that is longer than a line goes on in another; the last line of all has one behind it. */
static void goes_on_behind_a_line(void **state)
{
	struct unwind_slot *next = unwind_slots + UNWIND_SLOTS;
	uint32_t unloads = atomic_load(&module_list_unloads);
	struct unwind_rule rule = unwind_rule_next(somewhere(), unloads, &next), same = rule_now();

	(void)state;
	assert_memory_equal(&rule, &same, sizeof(rule));
	assert_ptr_equal(next, unwind_line_of(somewhere()) + 1);
	assert_true(unwind_slots[UNWIND_SLOTS].key == 0);
	next = unwind_line_of(somewhere()) + UNWIND_LINE_SLOTS;
	unwind_rule_next(somewhere(), unloads, &next);
	assert_ptr_equal(next, unwind_line_of(somewhere()) + 1);
}

/* Of plug-ins that come and go at ever new addresses there is no end. */
static void takes_the_place_of_code_that_has_gone(void **state)
{
	static _Alignas(1u << UNWIND_CODE_BITS) char code[1u << UNWIND_CODE_BITS];
	uint32_t unloads = atomic_load(&module_list_unloads);
	struct unwind_slot *const nowhere = unwind_slots + UNWIND_SLOTS, *next = nowhere;
	uint64_t pc = 0;

	(void)state;
	for (uint64_t i = 0; i < sizeof(code); i++) {
		pc = (uint64_t)&code[i];
		next = unwind_line_of(pc);
		unwind_rule_next(pc, unloads, &next);
	}
	/* There is room no more. */
	assert_ptr_equal(next, nowhere);
	next = unwind_line_of(pc);
	unwind_rule_next(pc, unloads, &next);
	assert_ptr_equal(next, nowhere);

	module_list_count_unload();
	unloads = atomic_load(&module_list_unloads);
	for (uint32_t i = 0; i < 2; i++) {
		next = unwind_line_of(pc);
		assert_int_equal(unwind_rule_next(pc, unloads, &next).kind, UNWIND_UNKNOWN);
		assert_ptr_not_equal(next, nowhere);
		assert_true(next[-1].key == unwind_key_of(pc, unloads));
	}
	unwind_rules_verify();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_a_rule),
		cmocka_unit_test(keeps_no_rule_for_code_of_no_module),
		cmocka_unit_test(drops_a_rule_for_ever),
		cmocka_unit_test(keeps_the_callers_behind),
		cmocka_unit_test(goes_on_behind_a_line),
		cmocka_unit_test(takes_the_place_of_code_that_has_gone),
	};

	return cmocka_run_group_tests(tests, lib_life_setup, NULL);
}
