/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stack_records: a node that nobody fills any more does not hold back the others.
 *
 * Such a node can only be made from within, so the call tree is part of this file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/options.h"
#include "lib/base/text.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/snapshot_file.h"
#include "lib/snapshot/snapshot_writer.h"
#include "lib/snapshot/stack_records.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_stack.h"
#include "tests/support/lib_written.h"
#include "tools/model/profile.h"

#include "lib/record/call_tree.c"

#define PAUSES_NS 10000000ull /* that a snapshot makes for threads that are adding stacks */

static uint64_t frame_numbered(uint64_t number)
{
	return module_list_at(0)->start + number;
}

/* A stack of one frame that no test has used yet. */
static uint32_t new_stack(void)
{
	static uint64_t number = 100;
	uint64_t frame = frame_numbered(++number);

	return lib_stack_id(&frame, 1);
}

/* As a thread leaves it that has only taken the number. */
static uint32_t empty_stack(void)
{
	return atomic_fetch_add(&node_count, 1);
}

static void fill_late(uint32_t id)
{
	node_at(id)->pc = frame_numbered(1);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* The file is gone when the test is over, whatever its end. */
static void begin_a_file(void)
{
	struct text output = TEXT_IN(options.output);

	text_add(&output, "/tmp/seep-stacks.%p.seep");
	snapshot_writer_postfork_child();
	process_facts_read(0);
	assert_int_equal(snapshot_writer_start(), 0);
}

static int end_the_file(void **state)
{
	(void)state;
	snapshot_file_remove();
	for (uint32_t id = CALL_TREE_FIRST; id < call_tree_count(); id++)
		if (call_tree_node(id).pc == 0)
			fill_late(id);
	return 0;
}

static uint32_t take(bool is_quiet)
{
	assert_int_equal(snapshot_writer_take(SEEP_REASON_REQUEST, NULL, is_quiet, NULL), 0);
	return stack_records_end();
}

static void a_node_that_stays_empty_is_given_up_in_the_second_snapshot(void **state)
{
	struct profile *profile;
	uint32_t before, empty, behind, newest;
	uint64_t started_ns;

	(void)state;
	begin_a_file();
	before = new_stack();
	empty = empty_stack();
	behind = new_stack();
	started_ns = now_ns();
	assert_int_equal(take(false), empty);
	assert_true(now_ns() - started_ns >= PAUSES_NS);
	newest = new_stack();
	assert_int_equal(take(false), newest + 1);
	profile = lib_written_read();
	assert_int_equal(profile->nodes[before].pc, node_at(before)->pc);
	assert_int_equal(profile->nodes[empty].pc, SEEP_PC_NO_ROOM);
	assert_int_equal(profile->nodes[behind].pc, node_at(behind)->pc);
	assert_int_equal(profile->nodes[newest].pc, node_at(newest)->pc);
	profile_free(profile);
}

/* They are of threads that did the same at the same time, and cost no snapshot each. */
static void all_empty_nodes_are_given_up_together(void **state)
{
	uint32_t first, newest;

	(void)state;
	begin_a_file();
	first = empty_stack();
	for (int i = 0; i < 50; i++) {
		empty_stack();
		newest = new_stack();
	}
	assert_int_equal(take(false), first);
	assert_int_equal(take(false), newest + 1);
}

static void a_node_that_came_after_the_first_snapshot_is_waited_for_again(void **state)
{
	uint32_t late, newest;

	(void)state;
	begin_a_file();
	empty_stack();
	take(false);
	new_stack();
	late = empty_stack();
	newest = new_stack();
	assert_int_equal(take(false), late);
	fill_late(late);
	assert_int_equal(take(false), newest + 1);
}

static void where_nobody_runs_any_more_nothing_is_waited_for(void **state)
{
	uint32_t newest;

	(void)state;
	begin_a_file();
	empty_stack();
	newest = new_stack();
	assert_int_equal(take(true), newest + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			a_node_that_stays_empty_is_given_up_in_the_second_snapshot, end_the_file),
		cmocka_unit_test_teardown(all_empty_nodes_are_given_up_together, end_the_file),
		cmocka_unit_test_teardown(
			a_node_that_came_after_the_first_snapshot_is_waited_for_again,
			end_the_file),
		cmocka_unit_test_teardown(where_nobody_runs_any_more_nothing_is_waited_for,
					  end_the_file),
	};

	return cmocka_run_group_tests(tests, lib_life_setup, NULL);
}
