/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stray_free: the free that has ended a program is told from those that only were under way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/record/stray_free.h"
#include "lib/record/thread_state.h"

#define TID 4711u
#define STACK 12u

/* As libc's struct abort_msg_s. */
struct words {
	uint32_t bytes;
	char text[60];
};
static const struct words double_free = {64, "free(): double free detected in tcache 2\n"};
static const struct words under_lock = {64, "double free or corruption (!prev)\n"};
static const struct words assertion = {64, "main.c:3: main: Assertion `0' failed.\n"};
static const void *abort_message;

static int start(void **state)
{
	(void)state;
	stray_free_postfork_child();
	abort_message = NULL;
	stray_free_abort_message = &abort_message;
	return 0;
}

static void the_one_that_libc_speaks_of_is_found(void **state)
{
	(void)state;
	struct fatal_free fatal;

	assert_true(stray_free_is_wanted());
	assert_non_null(stray_free_begin(0x1008, STACK, TID));
	assert_false(stray_free_find_fatal(&fatal));
	abort_message = &double_free;
	assert_true(stray_free_find_fatal(&fatal));
	assert_int_equal(fatal.addr, 0x1008);
	assert_int_equal(fatal.stack, STACK);
	assert_string_equal(fatal.message, "free(): double free detected in tcache 2");
}

static void one_that_has_come_back_is_none(void **state)
{
	(void)state;
	struct fatal_free fatal;

	stray_free_end(stray_free_begin(0x1008, STACK, TID));
	abort_message = &double_free;
	assert_false(stray_free_find_fatal(&fatal));
	assert_int_equal(stray_free_pending, 0);
}

static void of_two_nobody_knows_which(void **state)
{
	(void)state;
	struct fatal_free fatal;
	struct stray_free *other = stray_free_begin(0x2008, STACK + 1, TID + 1);

	stray_free_begin(0x1008, STACK, TID);
	abort_message = &double_free;
	assert_false(stray_free_find_fatal(&fatal));
	stray_free_end(other);
	assert_true(stray_free_find_fatal(&fatal));
	assert_int_equal(fatal.stack, STACK);
}

static void words_from_before_or_of_others_mean_nothing(void **state)
{
	(void)state;
	struct fatal_free fatal;

	abort_message = &double_free;
	stray_free_begin(0x1008, STACK, TID);
	assert_false(stray_free_find_fatal(&fatal));
	abort_message = &assertion;
	assert_false(stray_free_find_fatal(&fatal));
}

static void what_is_found_under_a_lock_counts_in_one_thread(void **state)
{
	(void)state;
	struct fatal_free fatal;

	stray_free_begin(0x1008, STACK, TID);
	abort_message = &under_lock;
	assert_true(stray_free_find_fatal(&fatal));
}

/* What frees a block of its own may have found it, whose end is damaged, while this one waited. */
static void what_is_found_under_a_lock_does_not_count_in_several(void **state)
{
	static const struct words found[] = {{64, "double free or corruption (!prev)\n"},
					     {64, "free(): invalid next size (normal)\n"},
					     {64, "free(): corrupted unsorted chunks\n"}};

	(void)state;
	struct fatal_free fatal;

	/* That of this thread, which is not the one that frees. */
	struct thread_state *other = thread_state_attach_slow();
	assert_non_null(other);
	stray_free_begin(0x1008, STACK, TID);
	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
		abort_message = &found[i];
		assert_false(stray_free_find_fatal(&fatal));
	}
	abort_message = &double_free;
	assert_true(stray_free_find_fatal(&fatal));
	atomic_store(&other->owner_tid, 0);
	abort_message = &found[0];
	assert_true(stray_free_find_fatal(&fatal));
}

static void a_thread_that_leaves_has_none_any_more(void **state)
{
	(void)state;
	struct fatal_free fatal;

	stray_free_begin(0x1008, STACK, TID);
	stray_free_leave(TID + 1);
	assert_int_equal(stray_free_pending, 1);
	stray_free_leave(TID);
	abort_message = &double_free;
	assert_false(stray_free_find_fatal(&fatal));
}

static void there_is_room_for_some_and_an_end_of_asking(void **state)
{
	(void)state;
	struct stray_free *last = NULL;
	uint32_t count = 0;

	while ((last = stray_free_begin(0x1008, STACK, TID)) != NULL)
		count++;
	assert_in_range(count, 4, 64);
	for (uint32_t i = 0; i < 10000 && stray_free_is_wanted(); i++)
		stray_free_begin(0x1008, STACK, TID);
	assert_false(stray_free_is_wanted());
	stray_free_postfork_child();
	assert_true(stray_free_is_wanted());
	assert_non_null(stray_free_begin(0x1008, STACK, TID));
}

static void without_libcs_words_nothing_is_wanted(void **state)
{
	(void)state;
	struct fatal_free fatal;

	stray_free_abort_message = NULL;
	assert_false(stray_free_is_wanted());
	assert_false(stray_free_find_fatal(&fatal));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_one_that_libc_speaks_of_is_found, start),
		cmocka_unit_test_setup(one_that_has_come_back_is_none, start),
		cmocka_unit_test_setup(of_two_nobody_knows_which, start),
		cmocka_unit_test_setup(words_from_before_or_of_others_mean_nothing, start),
		cmocka_unit_test_setup(what_is_found_under_a_lock_counts_in_one_thread, start),
		cmocka_unit_test_setup(what_is_found_under_a_lock_does_not_count_in_several, start),
		cmocka_unit_test_setup(a_thread_that_leaves_has_none_any_more, start),
		cmocka_unit_test_setup(there_is_room_for_some_and_an_end_of_asking, start),
		cmocka_unit_test_setup(without_libcs_words_nothing_is_wanted, start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
