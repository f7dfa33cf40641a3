/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_no_memory: every mapping that the library asks for is refused once, and then all that follow.
 *
 * What cannot be recorded is said to be lost; what was recorded before stays; and when there is
 * memory again everything goes on. region_map is replaced (-Wl,--wrap).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/buffer.h"
#include "lib/base/options.h"
#include "lib/base/region.h"
#include "lib/base/scratch.h"
#include "lib/record/call_tree.h"
#include "lib/record/free_pairs.h"
#include "lib/record/live_table.h"
#include "lib/record/map_table.h"
#include "lib/record/module_list.h"
#include "lib/record/side_table.h"
#include "lib/record/site_counters.h"
#include "lib/snapshot/frees_record.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/snapshot_file.h"
#include "lib/snapshot/snapshot_writer.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_stack.h"
#include "tests/support/lib_written.h"
#include "tools/model/profile.h"

/* Mappings that are still granted before the refusals, and how many are refused then. */
static uint64_t granted = UINT64_MAX, refusals, refused;

void *__real_region_map(size_t bytes, enum region_fork fork);
void *__wrap_region_map(size_t bytes, enum region_fork fork);

void *__wrap_region_map(size_t bytes, enum region_fork fork)
{
	if (granted > 0) {
		granted -= granted != UINT64_MAX;
		return __real_region_map(bytes, fork);
	}
	if (refusals == 0)
		return __real_region_map(bytes, fork);
	refusals -= refusals != UINT64_MAX;
	refused++;
	return NULL;
}

static void refuse_after(uint64_t count, uint64_t how_many)
{
	granted = count;
	refusals = how_many;
	refused = 0;
}

static void grant_all(void)
{
	granted = UINT64_MAX;
	refusals = 0;
}

static int have_memory_again(void **state)
{
	(void)state;
	grant_all();
	guard_enter().thread->inside = 0;
	return 0;
}

static uint64_t frame_numbered(uint64_t number)
{
	const struct loaded_module *module = module_list_at(0);

	return module->start + number % (module->end - module->start);
}

static uint64_t next_place = 0x610000000000ull;

static void blocks_are_lost_one_by_one(void **state)
{
	const struct live_block small = {.bytes = 10, .stack = 5, .epoch = 1, .kind = BLOCK_MALLOC};
	const struct live_block large = {.bytes = 9999, .stack = 6, .epoch = 1, .kind = BLOCK_NEW};
	GUARD_SCOPE struct guard guard = guard_enter();

	(void)state;
	for (uint64_t n = 0; n < 40; n++) {
		uint64_t place = next_place += 1ull << 30, added = 0, lost = 0, found = 0;
		struct live_block old;

		refuse_after(n, UINT64_MAX);
		for (uint64_t i = 0; i < 3000; i++) {
			/* Leaves of the live table far apart, and shards that grow. */
			uint64_t addr = place + (i % 16) * (64ull << 20) + i * 32;
			enum live_table_added result =
				live_table_add(&guard, addr, i % 2 ? &large : &small, &old);

			assert_int_not_equal(result, LIVE_TABLE_REPLACED);
			added += result == LIVE_TABLE_ADDED;
			lost += result == LIVE_TABLE_LOST;
		}
		assert_int_equal(added + lost, 3000);
		assert_true(refused > 0 || n > 10);
		grant_all();
		for (uint64_t i = 0; i < 3000; i++)
			found += live_table_remove(&guard,
						   place + (i % 16) * (64ull << 20) + i * 32, &old);
		assert_int_equal(found, added);
	}
}

static void a_mapping_is_refused_whole(void **state)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block page = {.bytes = 4096, .stack = 1, .epoch = 1};
	uint64_t place = next_place += 1ull << 30, added = 0;

	(void)state;
	refuse_after(1, UINT64_MAX);
	while (map_table_add(&guard, place + added * 8192, &page))
		added++;
	assert_true(added > 100);
	grant_all();
	assert_true(map_table_add(&guard, place + added * 8192, &page));
	map_table_remove(&guard, place, (added + 1) * 8192);
}

/* The outcome for a stack is its number or that there is no room; both are right. */
static void stacks_say_that_there_is_no_room(void **state)
{
	uint64_t number = 0, no_room = 0;

	(void)state;
	for (uint64_t n = 0; n < 4; n++) {
		refuse_after(n, UINT64_MAX);
		/* More than a chunk of nodes. */
		for (uint32_t i = 0; i < 70000; i++, number++) {
			const uint64_t frames[] = {frame_numbered(number),
						   frame_numbered(number / 1000)};
			uint32_t id = lib_stack_id(frames, 2);

			if (id == CALL_TREE_NO_ROOM) {
				no_room++;
				continue;
			}
			assert_int_equal(call_tree_node(id).pc, frames[0]);
			assert_int_equal(call_tree_node(call_tree_node(id).parent).pc, frames[1]);
		}
		grant_all();
		const uint64_t again[] = {frame_numbered(number), frame_numbered(7)};
		assert_int_not_equal(lib_stack_id(again, 2), CALL_TREE_NO_ROOM);
	}
	assert_true(no_room > 0);
}

static void *be_without_a_state(void *unused)
{
	struct guard guard = guard_enter();
	bool is_without = guard.thread == NULL && guard.is_nested;

	guard_leave(&guard);
	(void)unused;
	return is_without ? "without" : NULL;
}

static void *have_a_state(void *barrier)
{
	GUARD_SCOPE struct guard guard = guard_enter();

	pthread_barrier_wait(barrier);
	return guard.thread;
}

static void a_thread_without_a_state_is_not_recorded(void **state)
{
	pthread_t threads[64];
	pthread_barrier_t barrier;
	uint32_t count;
	void *result;

	(void)state;
	/* As many threads as there are states, so that none is free. */
	{
		GUARD_SCOPE struct guard guard = guard_enter();

		assert_non_null(guard.thread);
	}
	pthread_barrier_init(&barrier, NULL, 1 + 7);
	for (count = 0; count < 7; count++)
		pthread_create(&threads[count], NULL, have_a_state, &barrier);
	while (thread_state_alive((uint32_t)getpid()) < 8)
		usleep(1000);
	assert_int_equal(thread_state_count(), 8);
	refuse_after(0, UINT64_MAX);
	pthread_create(&threads[count], NULL, be_without_a_state, NULL);
	pthread_join(threads[count], &result);
	grant_all();
	assert_non_null(result);
	pthread_barrier_wait(&barrier);
	while (count-- > 0) {
		pthread_join(threads[count], &result);
		assert_non_null(result);
	}
	pthread_barrier_destroy(&barrier);
}

static void a_buffer_keeps_its_failure(void **state)
{
	struct buffer buffer = {0};
	uint8_t bytes[1000] = {0};

	(void)state;
	refuse_after(2, 1);
	for (int i = 0; i < 1000; i++)
		buffer_add(&buffer, bytes, sizeof(bytes));
	/* One refusal, then memory again: what is missing in the middle must not go unnoticed. */
	assert_true(buffer.is_failed);
	assert_int_equal(refused, 1);
	assert_true(buffer.bytes < 1000 * 1000);
	buffer_release(&buffer);
	grant_all();
}

static size_t snapshots_in_file(void)
{
	struct profile *profile = lib_written_read();
	size_t count = profile->snapshot_count;

	profile_free(profile);
	return count;
}

/* Each of the mappings that a snapshot needs: an error, a sound file, and the next one works. */
static void a_snapshot_is_not_taken_or_whole(void **state)
{
	char folder[] = "/tmp/seep-unit-XXXXXX";
	GUARD_SCOPE struct guard guard = guard_enter();
	uint64_t place = next_place += 1ull << 30;
	size_t written = 0;
	uint32_t failed = 0;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(options.output, sizeof(options.output), "%s/file", folder);
	process_facts_read(0);
	assert_int_equal(snapshot_writer_start(), 0);
	for (uint64_t n = 0; n < 40; n++) {
		const uint64_t frames[] = {frame_numbered(3 * n), frame_numbered(n + 1)};
		struct live_block block = {.bytes = n, .epoch = 1, .kind = BLOCK_MALLOC}, old;
		int result;

		block.stack = lib_stack_id(frames, 2);
		live_table_add(&guard, place + n * 32, &block, &old);
		guard_count(&guard, COUNT_ALLOCATIONS, 1);
		site_counters_add(&guard, block.stack, block.bytes);
		scratch_forget(); /* or it needs no new memory */
		refuse_after(n, n % 2 ? 1 : UINT64_MAX);
		result = snapshot_writer_take(SEEP_REASON_INTERVAL, NULL, true, NULL);
		grant_all();
		if (result == 0)
			written++;
		else
			assert_int_equal(result, -ENOMEM);
		failed += result != 0;
		assert_int_equal(snapshots_in_file(), written);
		assert_int_equal(snapshot_writer_take(SEEP_REASON_INTERVAL, NULL, true, NULL), 0);
		assert_int_equal(snapshots_in_file(), ++written);
	}
	print_message("          %u of 40 failed\n", failed);
	assert_true(failed >= 5 && failed < 40);
	snapshot_file_remove();
	rmdir(folder);
}

/* Whoever frees is named by the first record for which there is memory. */
static void who_frees_is_said_when_there_is_memory(void **state)
{
	const uint64_t frames[] = {frame_numbered(5), frame_numbered(6)};
	const uint64_t most = options.max_file_bytes;
	uint32_t stack = lib_stack_id(frames, 2), failed = 0;
	struct buffer payload = {0};

	(void)state;
	options.max_file_bytes = 64 << 20;
	free_pairs_add(stack, stack);
	for (uint64_t n = 0; payload.bytes == 0; n++) {
		assert_true(n < 10);
		scratch_forget();
		refuse_after(n, UINT64_MAX);
		payload = frees_record_payload(1, SEEP_REASON_REQUEST, call_tree_count());
		grant_all();
		assert_false(payload.is_failed);
		failed += payload.bytes == 0;
		/* Empty as it is, it has been written. */
		frees_record_note_written();
	}
	assert_true(failed >= 4); /* pairs, two lists, and the payload itself */
	buffer_release(&payload);
	options.max_file_bytes = most;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_thread_without_a_state_is_not_recorded,
					  have_memory_again),
		cmocka_unit_test_teardown(blocks_are_lost_one_by_one, have_memory_again),
		cmocka_unit_test_teardown(a_mapping_is_refused_whole, have_memory_again),
		cmocka_unit_test_teardown(a_buffer_keeps_its_failure, have_memory_again),
		cmocka_unit_test_teardown(a_snapshot_is_not_taken_or_whole, have_memory_again),
		cmocka_unit_test_teardown(who_frees_is_said_when_there_is_memory,
					  have_memory_again),
		cmocka_unit_test_teardown(stacks_say_that_there_is_no_room, have_memory_again),
	};

	return cmocka_run_group_tests(tests, lib_life_setup, NULL);
}
