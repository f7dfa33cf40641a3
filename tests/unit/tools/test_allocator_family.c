/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_allocator_family: what belongs together, by the names of symbols alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/model/allocator_family.h"

static void gives_and_takes_within_a_family(void **state)
{
	(void)state;
	static const struct {
		const char *gives, *takes;
		enum allocator_family family;
	} pairs[] = {
		{"malloc", "free", FAMILY_MALLOC},
		{"posix_memalign", "cfree", FAMILY_MALLOC},
		{"realloc", "realloc", FAMILY_MALLOC},
		{"_Znwm", "_ZdlPv", FAMILY_NEW},
		{"_ZnwmRKSt9nothrow_t", "_ZdlPvm", FAMILY_NEW},
		{"_ZnwmSt11align_val_t", "_ZdlPvmSt11align_val_t", FAMILY_NEW},
		{"_Znam", "_ZdaPv", FAMILY_NEW_ARRAY},
		{"_ZnamSt11align_val_tRKSt9nothrow_t", "_ZdaPvm", FAMILY_NEW_ARRAY},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		assert_int_equal(allocator_family_given(pairs[i].gives), pairs[i].family);
		assert_int_equal(allocator_family_taken(pairs[i].takes), pairs[i].family);
	}
}

static void gives_does_not_take(void **state)
{
	(void)state;
	static const char *const gives[] = {"malloc", "calloc", "_Znwm", "_Znam"};
	static const char *const takes[] = {"free", "_ZdlPv", "_ZdaPvm"};

	for (size_t i = 0; i < sizeof(gives) / sizeof(*gives); i++)
		assert_int_equal(allocator_family_taken(gives[i]), FAMILY_UNKNOWN);
	for (size_t i = 0; i < sizeof(takes) / sizeof(*takes); i++)
		assert_int_equal(allocator_family_given(takes[i]), FAMILY_UNKNOWN);
}

static void knows_nobody_else(void **state)
{
	(void)state;
	/* A class's, a placement operator, a function that begins like one. */
	static const char *const others[] = {"_ZN7SessionnwEm",
					     "_ZN7SessiondlEPv",
					     "_ZnwmRN4llvm20BumpPtrAllocator",
					     "_ZnwmPv",
					     "malloc_usable_size",
					     "free_session",
					     "xfree",
					     "g_free",
					     "strdup",
					     "_ZdlPvS_",
					     "_",
					     "",
					     NULL};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		assert_int_equal(allocator_family_given(others[i]), FAMILY_UNKNOWN);
		assert_int_equal(allocator_family_taken(others[i]), FAMILY_UNKNOWN);
		assert_false(allocator_family_is_operator(others[i]));
	}
}

static void tells_operators(void **state)
{
	(void)state;
	assert_true(allocator_family_is_operator("_Znwm"));
	assert_true(allocator_family_is_operator("_ZdaPvRKSt9nothrow_t"));
	assert_false(allocator_family_is_operator("malloc"));
	assert_false(allocator_family_is_operator("free"));
}

static void says_what_is_written_in_a_program(void **state)
{
	(void)state;
	assert_string_equal(allocator_family_word("_ZnamRKSt9nothrow_t"), "new[]");
	assert_string_equal(allocator_family_word("_ZdlPvm"), "delete");
	assert_string_equal(allocator_family_word("calloc"), "calloc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_and_takes_within_a_family),
		cmocka_unit_test(gives_does_not_take),
		cmocka_unit_test(knows_nobody_else),
		cmocka_unit_test(tells_operators),
		cmocka_unit_test(says_what_is_written_in_a_program),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
