/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_profile: what a sound file says, and how snapshots are found by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/every_record.h"
#include "tests/support/profile_writer.h"
#include "tools/model/error.h"
#include "tools/model/holders.h"
#include "tools/model/profile.h"
#include "tools/model/scan.h"

static void knows_whom_the_oom_killer_took(void **state)
{
	struct snapshot last = {.raw = {.limit_bytes = 1000, .limit_used_bytes = 950}};
	struct profile profile = {.snapshots = &last,
				  .snapshot_count = 1,
				  .end_how = SEEP_END_SIGNAL,
				  .end_status = SIGKILL};

	(void)state;
	assert_true(fabs(profile_oom_share(&profile) - 0.95) < 1e-9);
	last.raw.limit_used_bytes = 1200;
	assert_true(fabs(profile_oom_share(&profile) - 1) < 1e-9);
	last.raw.limit_used_bytes = 890; /* somebody else killed it */
	assert_true(fabs(profile_oom_share(&profile) - 0) < 1e-9);
	last.raw.limit_used_bytes = 950;
	profile.end_status = SIGTERM;
	assert_true(fabs(profile_oom_share(&profile) - 0) < 1e-9);
	profile.end_status = SIGKILL;
	profile.end_how = SEEP_END_EXIT;
	assert_true(fabs(profile_oom_share(&profile) - 0) < 1e-9);
	profile.end_how = SEEP_END_UNKNOWN; /* it took who would have seen it, too */
	assert_true(fabs(profile_oom_share(&profile) - 0.95) < 1e-9);
	profile.is_running = true;
	assert_true(fabs(profile_oom_share(&profile) - 0) < 1e-9);
	profile.is_running = false;
	last.reason = SEEP_REASON_FINAL; /* or did not */
	assert_true(fabs(profile_oom_share(&profile) - 0) < 1e-9);
	last.reason = SEEP_REASON_MEMORY;
	profile.end_how = SEEP_END_SIGNAL;
	last.raw.limit_bytes = 0;
	assert_true(fabs(profile_oom_share(&profile) - 0) < 1e-9);
	profile.snapshot_count = 0;
	assert_true(fabs(profile_oom_share(&profile) - 0) < 1e-9);
}

static void is_unseen_where_its_own_malloc_passes_nothing_on(void **state)
{
	struct snapshot last = {0};
	struct profile profile = {.snapshots = &last, .snapshot_count = 1, .has_own_malloc = true};

	(void)state;
	assert_true(profile_is_unseen(&profile));
	last.raw.allocations = 1;
	assert_false(profile_is_unseen(&profile));
	last.raw.allocations = 0;
	profile.has_own_malloc = false;
	assert_false(profile_is_unseen(&profile));
	profile.has_own_malloc = true;
	profile.snapshot_count = 0;
	assert_false(profile_is_unseen(&profile));
}

static void a_scan_that_failed_tells_of_no_site(void **state)
{
	(void)state;
	for (uint16_t outcome = SEEP_SCAN_NO_COPY; outcome <= SEEP_SCAN_TOO_LATE + 1; outcome++) {
		struct profile_writer writer;
		size_t count;
		every_record_write(&writer);
		profile_writer_scan(
			&writer, (struct seep_scan){.snapshot = 6, .outcome = outcome, .error = 12},
			NULL, 0);
		struct profile *profile = profile_writer_read(&writer);
		assert_int_equal(profile->damage.damaged_records, 0);
		assert_int_equal(profile_scan(profile, 3)->raw.outcome, outcome);
		assert_int_equal(profile_scan(profile, 3)->raw.error, 12);
		assert_null(site_scanned(profile, &profile->sites[0], 3));
		assert_null(site_holders(profile, &profile->sites[0], 3, &count));
		profile_free(profile);
		profile_writer_free(&writer);
	}
}

static void mappings_are_not_asked_for_by_a_scan(void **state)
{
	(void)state;
	struct profile_writer writer;
	every_record_write(&writer);
	profile_writer_node(&writer, 4, 1, SEEP_PC_MMAP, 0);
	struct profile *profile = profile_writer_read(&writer);
	assert_null(site_scanned(profile, &(struct site){.stack = 4}, 3));
	profile_free(profile);
	profile_writer_free(&writer);
}

/* It would be compared step by step: 200,000 of them took a minute. */
static void a_path_without_end_is_damage(void **state)
{
	const struct seep_root root = {
		.struct_bytes = sizeof(root), .kind = 7, .module = SEEP_ROOT_NO_MODULE};
	const struct seep_holders holders = {
		.struct_bytes = sizeof(holders),
		.snapshot = 6,
		.root_count = 1,
		.path_count = 1,
		.paths_offset = sizeof(holders) + sizeof(root),
	};

	(void)state;
	for (uint64_t steps = 17; steps < 100000; steps *= 100) {
		const uint64_t path[] = {2, 50, 0, steps};
		struct profile_writer writer;
		every_record_write(&writer);
		profile_writer_put(&writer, &holders, sizeof(holders));
		profile_writer_put(&writer, &root, sizeof(root));
		for (size_t i = 0; i < 4; i++)
			profile_writer_put_varint(&writer, path[i]);
		for (uint64_t i = 0; i < 3 * steps; i++)
			profile_writer_put_varint(&writer, 1);
		profile_writer_record(&writer, SEEP_RECORD_HOLDERS);
		struct profile *profile = profile_writer_read(&writer);
		assert_int_equal(profile->damage.damaged_records, steps > 17);
		profile_free(profile);
		profile_writer_free(&writer);
	}
}

static void a_site_left_out_of_a_snapshot_is_as_it_was(void **state)
{
	(void)state;
	struct profile_writer writer;
	every_record_write(&writer);
	struct profile *profile = profile_writer_read(&writer);
	const struct site *first = &profile->sites[0], *second = &profile->sites[1];
	assert_int_equal(site_at(first, 0)->live_blocks, 10);
	assert_int_equal(site_at(first, 1)->live_blocks, 10);
	assert_int_equal(site_at(first, 3)->live_blocks, 13);
	assert_null(site_at(second, 0));
	assert_int_equal(site_at(second, 2)->live_blocks, 2);
	assert_int_equal(site_at(second, 3)->live_blocks, 0);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void a_site_left_out_of_a_keyframe_is_empty(void **state)
{
	(void)state;
	struct profile_writer writer;
	every_record_write(&writer);
	profile_writer_snapshot(&writer, 9, 5, SEEP_SNAPSHOT_IS_KEYFRAME, SEEP_REASON_INTERVAL, "");
	profile_writer_entry(&writer, 3, 1, 8, 3, 1);
	profile_writer_cohort(&writer, 7, 1, 8);
	profile_writer_snapshot_done(&writer);
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(site_at(&profile->sites[0], 3)->live_blocks, 13);
	assert_int_equal(site_at(&profile->sites[0], 4)->live_blocks, 0);
	assert_int_equal(site_at(&profile->sites[0], 4)->allocations, 20);
	assert_int_equal(site_at(&profile->sites[1], 4)->live_blocks, 1);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void a_module_that_comes_back_elsewhere_is_the_same_code(void **state)
{
	(void)state;
	struct profile_writer writer;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	profile_writer_module(&writer, 0, 0, 0x10000, 0x20000, "/plugin.so");
	profile_writer_module(&writer, 1, 0, 0x50000, 0x60000, "/plugin.so");
	profile_writer_module(&writer, 2, 1, 0x18000, 0x28000, "/plugin.so");
	profile_writer_module(&writer, 3, 0, 0x70000, 0x80000, "/other.so");
	profile_writer_node(&writer, 1, 0, 0x90000, 0); /* of no module */
	profile_writer_node(&writer, 2, 1, 0x10100, 0);
	profile_writer_node(&writer, 3, 1, 0x50100, 0);
	profile_writer_node(&writer, 4, 1, 0x18100, 1);
	profile_writer_node(&writer, 5, 1, 0x50104, 0); /* another place in it */
	profile_writer_node(&writer, 6, 1, 0x70100, 0); /* the same place in another file */
	profile_writer_node(&writer, 7, 3, 0x90010, 0); /* these two have the same callers */
	profile_writer_node(&writer, 8, 4, 0x90010, 0);
	profile_writer_snapshot(&writer, 1, 1, SEEP_SNAPSHOT_IS_KEYFRAME, SEEP_REASON_INTERVAL, "");
	for (uint32_t id = 2; id <= 8; id++) {
		profile_writer_entry(&writer, id, id, 10 * id, id, 1);
		profile_writer_cohort(&writer, 1, id, 10 * id);
	}
	profile_writer_snapshot_done(&writer);
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->damage.damaged_records, 0);
	static const uint64_t expected[] = {2 + 3 + 4, 5, 6, 7 + 8};
	assert_int_equal(profile->site_count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(site_at(&profile->sites[i], 0)->live_blocks, expected[i]);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void a_reused_address_belongs_to_the_module_of_its_generation(void **state)
{
	(void)state;
	struct profile_writer writer;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	profile_writer_module(&writer, 0, 0, 0x10000, 0x20000, "/first.so");
	profile_writer_module(&writer, 1, 1, 0x18000, 0x30000, "/second.so");
	profile_writer_node(&writer, 1, 0, 0x19000, 0);
	profile_writer_node(&writer, 2, 0, 0x19000, 1);
	profile_writer_node(&writer, 3, 0, 0x30000, 1); /* one past the end */
	profile_writer_node(&writer, 4, 0, 0x19000, 2); /* no such generation */
	profile_writer_node(&writer, 5, 0, SEEP_PC_MMAP, 0);
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->nodes[1].module, 0);
	assert_int_equal(profile->nodes[2].module, 1);
	assert_int_equal(profile->nodes[3].module, PROFILE_NO_MODULE);
	assert_int_equal(profile->nodes[4].module, PROFILE_NO_MODULE);
	assert_int_equal(profile->nodes[5].module, PROFILE_NO_MODULE);
	assert_string_equal(profile->modules[profile->nodes[2].module].path, "/second.so");
	profile_free(profile);
	profile_writer_free(&writer);
}

static void the_surest_end_wins(void **state)
{
	(void)state;
	struct profile_writer writer;
	every_record_write(&writer);
	profile_writer_end(&writer, SEEP_END_SIGNAL, 9);
	profile_writer_end(&writer, SEEP_END_UNKNOWN, 0);
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->end_how, SEEP_END_EXIT);
	assert_int_equal(profile->end_status, 3);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void an_end_that_somebody_else_appended_is_no_damage(void **state)
{
	(void)state;
	struct profile_writer writer;
	every_record_write(&writer);
	writer.sequence = 0;
	profile_writer_end(&writer, SEEP_END_SIGNAL, 9);
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->damage.damaged_records, 0);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void a_process_that_is_there_is_running_until_an_end_is_written(void **state)
{
	(void)state;
	unsigned long long ticks = 0;
	FILE *file = fopen("/proc/self/stat", "r");
	assert_non_null(file);
	char line[1024] = "";
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	char *at = strrchr(line, ')');
	for (int field = 2; field < 22; field++)
		at = strchr(at + 1, ' ');
	ticks = strtoull(at, NULL, 10);

	for (int with_end = 0; with_end < 2; with_end++) {
		struct profile_writer writer;
		profile_writer_start(&writer);
		profile_writer_process(&writer, (uint32_t)getpid(), "self");
		size_t at_ticks = writer.last_record + sizeof(struct seep_record_header) +
				  offsetof(struct seep_process, start_ticks);
		for (int other = 0; other < 2; other++) {
			uint64_t value = ticks + (uint64_t)other;
			memcpy(writer.file.bytes + at_ticks, &value, sizeof(value));
			profile_writer_reseal(&writer);
			struct profile_writer copy = writer;
			if (with_end) {
				copy = (struct profile_writer){.sequence = 1};
				copy.file.bytes = malloc(writer.file.size);
				memcpy(copy.file.bytes, writer.file.bytes, writer.file.size);
				copy.file.size = copy.file.capacity = writer.file.size;
				profile_writer_end(&copy, SEEP_END_UNKNOWN, 0);
			}
			struct profile *profile = profile_writer_read(&copy);
			assert_int_equal(profile->is_running, !with_end && !other);
			profile_free(profile);
			if (with_end)
				profile_writer_free(&copy);
		}
		profile_writer_free(&writer);
	}
}

static void a_file_without_a_snapshot_is_read_without_error(void **state)
{
	(void)state;
	struct profile_writer writer;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	struct profile *profile = profile_writer_read(&writer);
	size_t index;
	struct error error = {""};
	assert_int_equal(profile->snapshot_count, 0);
	assert_int_equal(profile->site_count, 0);
	assert_int_equal(profile_find_snapshot(profile, "last", &index, &error), -ENOENT);
	assert_non_null(strstr(error.text, "holds no snapshot"));
	profile_free(profile);
	profile_writer_free(&writer);
}

static void finds_a_snapshot_by_number_label_and_place(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int index; /* -1: not found */
		const char *sentence;
	} cases[] = {
		{"first", 0, ""},
		{"last", 3, ""},
		{"1", 0, ""},
		{"6", 3, ""},
		{"-1", 3, ""},
		{"-4", 0, ""},
		{"loaded", 1, ""},
		{"3", -1, "neighbours are 2 and 5"},
		{"7", -1, "the last one is 6"},
		{"0", -1, "the first one is 1"},
		{"-5", -1, "only 4 snapshots"},
		{"99999999999999999999999", -1, "the last one is 6"},
		{"-99999999999999999999999", -1, "only 4 snapshots"},
		{"", -1, "no snapshot called \"\""},
		{"-", -1, "no snapshot called"},
		{"unloaded\n", -1, "no snapshot called \"unloaded?\""},
	};
	struct profile_writer writer;
	every_record_write(&writer);
	struct profile *profile = profile_writer_read(&writer);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t index = 77;
		struct error error = {""};
		int result = profile_find_snapshot(profile, cases[i].name, &index, &error);
		assert_int_equal(result == 0, cases[i].index >= 0);
		if (result == 0)
			assert_int_equal(index, cases[i].index);
		else if (!strstr(error.text, cases[i].sentence))
			fail_msg("%s: %s", cases[i].name, error.text);
	}
	profile_free(profile);

	profile_writer_snapshot(&writer, 8, 4, 0, SEEP_REASON_REQUEST, "loaded");
	profile_writer_snapshot_done(&writer);
	profile = profile_writer_read(&writer);
	size_t index;
	struct error error = {""};
	assert_int_equal(profile_find_snapshot(profile, "loaded", &index, &error), -EINVAL);
	assert_non_null(strstr(error.text, "2 and 8"));
	profile_free(profile);
	profile_writer_free(&writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_whom_the_oom_killer_took),
		cmocka_unit_test(is_unseen_where_its_own_malloc_passes_nothing_on),
		cmocka_unit_test(a_scan_that_failed_tells_of_no_site),
		cmocka_unit_test(mappings_are_not_asked_for_by_a_scan),
		cmocka_unit_test(a_path_without_end_is_damage),
		cmocka_unit_test(a_site_left_out_of_a_snapshot_is_as_it_was),
		cmocka_unit_test(a_site_left_out_of_a_keyframe_is_empty),
		cmocka_unit_test(a_module_that_comes_back_elsewhere_is_the_same_code),
		cmocka_unit_test(a_reused_address_belongs_to_the_module_of_its_generation),
		cmocka_unit_test(the_surest_end_wins),
		cmocka_unit_test(an_end_that_somebody_else_appended_is_no_damage),
		cmocka_unit_test(a_process_that_is_there_is_running_until_an_end_is_written),
		cmocka_unit_test(a_file_without_a_snapshot_is_read_without_error),
		cmocka_unit_test(finds_a_snapshot_by_number_label_and_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
