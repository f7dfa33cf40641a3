/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_double_sites: a stack that threads have given several ids is one site, whatever is said of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/profile_writer.h"
#include "tools/model/holders.h"
#include "tools/model/profile.h"
#include "tools/model/scan.h"

/* Two ids for one stack: what is not known of them has nothing to do with each other. */
static void errors_of_a_stack_with_two_ids_are_added_as_squares(void **state)
{
	(void)state;
	struct profile_writer writer;
	profile_writer_start(&writer);
	writer.sample_bytes = 1000;
	profile_writer_process(&writer, 4711, "server");
	profile_writer_module(&writer, 0, 0, 0x10000, 0x20000, "/usr/bin/server");
	profile_writer_node(&writer, 1, 0, 0x10100, 0);
	profile_writer_node(&writer, 2, 0, 0x10200, 0);
	profile_writer_node(&writer, 3, 0, 0x10100, 0);
	profile_writer_snapshot(&writer, 1, 1, SEEP_SNAPSHOT_IS_KEYFRAME, SEEP_REASON_FINAL, "");
	for (uint32_t stack = 1; stack <= 3; stack++) {
		profile_writer_entry(&writer, stack, 20, 20000, 20, 1);
		profile_writer_cohort(&writer, 1, 20, 20000);
	}
	profile_writer_snapshot_done(&writer);
	profile_writer_samples(&writer, (struct seep_samples){.snapshot = 1, .live_samples = 21},
			       (const struct profile_writer_sampled[]){
				       {1, 10, 3, 300}, {2, 1, 1, 1}, {3, 10, 4, 400}},
			       3);
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->damage.damaged_records, 0);
	assert_int_equal(profile->site_count, 2);
	assert_int_equal(profile->sampling->site_count, 2);
	const struct sampled_site *site = site_sampled(profile, &profile->sites[0], 0);
	assert_int_equal(site->samples, 20);
	assert_true(site->blocks_error == 5 && site->bytes_error == 500);
	assert_true(site_sampled(profile, &profile->sites[1], 0)->bytes_error == 1);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void frees_of_and_by_a_stack_with_two_ids_are_added_up(void **state)
{
	(void)state;
	struct profile_writer writer;
	size_t count;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	profile_writer_module(&writer, 0, 0, 0x10000, 0x20000, "/usr/bin/server");
	profile_writer_node(&writer, 1, 0, 0x10100, 0);
	profile_writer_node(&writer, 2, 0, 0x10200, 0);
	profile_writer_node(&writer, 3, 0, 0x10100, 0); /* as 1 */
	profile_writer_node(&writer, 4, 0, 0x10400, 0);
	profile_writer_node(&writer, 5, 0, 0x10200, 0); /* as 2 */
	profile_writer_snapshot(&writer, 1, 1, SEEP_SNAPSHOT_IS_KEYFRAME, SEEP_REASON_FINAL, "");
	profile_writer_entry(&writer, 1, 20, 20000, 20, 1);
	profile_writer_cohort(&writer, 1, 20, 20000);
	profile_writer_snapshot_done(&writer);
	profile_writer_frees(&writer, (struct seep_frees){.snapshot = 1, .one_in = 1},
			     (const struct profile_writer_freed[]){
				     {1, 2, 10}, {1, 4, 50}, {3, 2, 20}, {3, 5, 30}, {4, 4, 1}},
			     5);
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->damage.damaged_records, 0);
	assert_int_equal(profile->site_count, 1);
	const struct free_pair *pairs = site_freers(profile, &profile->sites[0], &count);
	assert_int_equal(count, 2);
	/* The most frequent first. */
	assert_int_equal(pairs[0].free_stack, 2);
	assert_int_equal(pairs[0].samples, 60);
	assert_int_equal(pairs[1].free_stack, 4);
	assert_int_equal(pairs[1].samples, 50);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void pins_of_a_stack_with_two_ids_are_added_up(void **state)
{
	(void)state;
	struct profile_writer writer;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	profile_writer_module(&writer, 0, 0, 0x10000, 0x20000, "/usr/bin/server");
	profile_writer_node(&writer, 1, 0, 0x10100, 0);
	profile_writer_node(&writer, 2, 0, 0x10200, 0);
	profile_writer_node(&writer, 3, 0, 0x10100, 0); /* as 1 */
	profile_writer_snapshot(&writer, 2, 1, SEEP_SNAPSHOT_IS_KEYFRAME, SEEP_REASON_FINAL, "");
	profile_writer_snapshot_done(&writer);
	/* The snapshot that it speaks of may have been thinned out. */
	profile_writer_pins(
		&writer, (struct seep_pins){.snapshot = 1},
		(const struct profile_writer_pinned[]){{1, 5000}, {2, UINT64_MAX}, {3, 6000}}, 3);
	struct profile *profile = profile_writer_read(&writer);
	const struct site_pins *pins = profile_pins(profile, 0);
	assert_int_equal(profile->damage.damaged_records, 0);
	assert_non_null(pins);
	assert_int_equal(pins->site_count, 2);
	assert_int_equal(pins->sites[0].stack, 1);
	assert_int_equal(pins->sites[0].bytes, 11000);
	assert_int_equal(pins->sites[1].stack, 2);
	assert_true(pins->sites[1].bytes == UINT64_MAX);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void what_a_stack_with_two_ids_lost_is_added_up(void **state)
{
	(void)state;
	struct profile_writer writer;
	size_t count;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	profile_writer_module(&writer, 0, 0, 0x10000, 0x20000, "/usr/bin/server");
	profile_writer_node(&writer, 1, 0, 0x10100, 0);
	profile_writer_node(&writer, 2, 0, 0x10200, 0);
	profile_writer_node(&writer, 3, 0, 0x10100, 0); /* as 1 */
	profile_writer_snapshot(&writer, 1, 1, SEEP_SNAPSHOT_IS_KEYFRAME, SEEP_REASON_FINAL, "");
	for (uint32_t stack = 1; stack <= 3; stack++) {
		profile_writer_entry(&writer, stack, 20, 20000, 20, 1);
		profile_writer_cohort(&writer, 1, 20, 20000);
	}
	profile_writer_snapshot_done(&writer);
	profile_writer_scan(
		&writer, (struct seep_scan){.snapshot = 1, .flags = SEEP_SCAN_HAS_HEADS},
		(const struct profile_writer_scanned[]){
			{1, {{1, 10}, {2, 20}, {3, 30}, {4, 40}, {5, UINT64_MAX}}, 3},
			{2, {{9, 90}, {0, 0}, {0, 0}, {0, 0}, {0, 0}}, 0},
			{3, {{10, 100}, {20, 200}, {30, 300}, {40, 400}, {50, 500}}, 2}},
		3);
	profile_writer_holders(
		&writer, (struct seep_holders){.snapshot = 1},
		&(struct profile_writer_root){
			{.kind = SEEP_ROOT_LOADER, .module = SEEP_ROOT_NO_MODULE}, ""},
		1,
		(const struct profile_writer_path[]){{1, 3, 0, 1, {{3, 0, 1}}},
						     {2, 4, 0, 0, {{0, 0, 0}}},
						     {3, 5, 0, 0, {{0, 0, 0}}}},
		3);
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->damage.damaged_records, 0);
	assert_int_equal(profile->scan->site_count, 2);
	const struct scanned_site *site = site_scanned(profile, &profile->sites[0], 0);
	assert_int_equal(site->definitely.blocks, 11);
	assert_int_equal(site->indirectly.bytes, 220);
	assert_int_equal(site->possibly.blocks, 33);
	assert_int_equal(site->reachable.bytes, 440);
	assert_int_equal(site->below.blocks, 55);
	assert_true(site->below.bytes == UINT64_MAX);
	assert_int_equal(site->head, 1); /* as 3 */
	assert_int_equal(site_scanned(profile, &profile->sites[1], 0)->head, 0);
	assert_int_equal(site_scanned(profile, &profile->sites[1], 0)->definitely.blocks, 9);
	const struct holder_path *paths = site_holders(profile, &profile->sites[0], 0, &count);
	assert_int_equal(count, 2);
	assert_int_equal(paths[0].blocks, 5);
	assert_int_equal(paths[1].steps[0].stack, 1);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void two_ids_of_one_node_are_one_site_and_their_numbers_add_up(void **state)
{
	(void)state;
	struct profile_writer writer;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	profile_writer_node(&writer, 1, 0, 0x10100, 0);
	profile_writer_node(&writer, 2, 0, 0x10100, 0); /* the same as 1 */
	profile_writer_node(&writer, 3, 1, 0x10200, 0);
	profile_writer_node(&writer, 4, 2, 0x10200, 0); /* so this is the same as 3 */
	profile_writer_node(&writer, 5, 2, 0x10200, 1); /* but this is another generation */
	profile_writer_snapshot(&writer, 1, 1, SEEP_SNAPSHOT_IS_KEYFRAME, SEEP_REASON_INTERVAL, "");
	profile_writer_entry(&writer, 3, 5, 50, 5, 1);
	profile_writer_cohort(&writer, 1, 5, 50);
	profile_writer_entry(&writer, 4, 2, 20, 2, 1);
	profile_writer_cohort(&writer, 1, 2, 20);
	profile_writer_entry(&writer, 5, 1, 1, 1, 1);
	profile_writer_cohort(&writer, 1, 1, 1);
	profile_writer_snapshot_done(&writer);
	/* Only the second id changes. */
	profile_writer_snapshot(&writer, 2, 2, 0, SEEP_REASON_INTERVAL, "");
	profile_writer_entry(&writer, 4, 4, 40, 5, 2);
	profile_writer_cohort(&writer, 1, 1, 10);
	profile_writer_cohort(&writer, 2, 3, 30);
	profile_writer_snapshot_done(&writer);
	/* And now only the first. */
	profile_writer_snapshot(&writer, 3, 3, 0, SEEP_REASON_INTERVAL, "");
	profile_writer_entry(&writer, 3, 0, 0, 5, 0);
	profile_writer_snapshot_done(&writer);

	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->damage.damaged_records, 0);
	assert_int_equal(profile->site_count, 2);
	const struct site *site = &profile->sites[0];
	assert_int_equal(site->stack, 3);
	assert_int_equal(profile->nodes[5].parent, 1);
	assert_int_equal(site_at(site, 0)->live_blocks, 7);
	assert_int_equal(site_at(site, 0)->live_bytes, 70);
	assert_int_equal(site_at(site, 1)->live_blocks, 9);
	assert_int_equal(site_at(site, 1)->allocations, 10);
	assert_int_equal(site_at(site, 1)->cohort_count, 2);
	assert_int_equal(site_at(site, 1)->cohorts[0].blocks, 6);
	assert_int_equal(site_at(site, 1)->cohorts[1].bytes, 30);
	assert_int_equal(site_at(site, 2)->live_blocks, 4);
	assert_int_equal(site_at(site, 2)->live_bytes, 40);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void more_doubles_than_can_be_added_up_still_lose_no_block(void **state)
{
	(void)state;
	enum { DOUBLES = 100 };
	struct profile_writer writer;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	for (uint32_t id = 1; id <= DOUBLES; id++)
		profile_writer_node(&writer, id, 0, 0x10100, 0);
	profile_writer_snapshot(&writer, 1, 1, SEEP_SNAPSHOT_IS_KEYFRAME, SEEP_REASON_INTERVAL, "");
	for (uint32_t id = 1; id <= DOUBLES; id++) {
		profile_writer_entry(&writer, id, 1, 10, 1, 1);
		profile_writer_cohort(&writer, 1, 1, 10);
	}
	profile_writer_snapshot_done(&writer);
	struct profile *profile = profile_writer_read(&writer);
	uint64_t blocks = 0;
	for (size_t i = 0; i < profile->site_count; i++)
		blocks += site_at(&profile->sites[i], 0)->live_blocks;
	assert_int_equal(blocks, DOUBLES);
	assert_true(profile->site_count < DOUBLES);
	profile_free(profile);
	profile_writer_free(&writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_of_a_stack_with_two_ids_are_added_as_squares),
		cmocka_unit_test(frees_of_and_by_a_stack_with_two_ids_are_added_up),
		cmocka_unit_test(pins_of_a_stack_with_two_ids_are_added_up),
		cmocka_unit_test(what_a_stack_with_two_ids_lost_is_added_up),
		cmocka_unit_test(two_ids_of_one_node_are_one_site_and_their_numbers_add_up),
		cmocka_unit_test(more_doubles_than_can_be_added_up_still_lose_no_block),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
