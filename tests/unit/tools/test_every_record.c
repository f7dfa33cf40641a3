/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_every_record: what each kind of record says comes back, also out of the files that are kept of every
 * version, and out of later ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/every_record.h"
#include "tests/support/profile_writer.h"
#include "tools/model/error.h"
#include "tools/model/holders.h"
#include "tools/model/profile.h"
#include "tools/model/scan.h"

#define KEPT_FILE_1_0 "tests/unit/files/version_1_0.seep"
#define KEPT_FILE_1_1 "tests/unit/files/version_1_1.seep"
#define KEPT_FILE_1_2 "tests/unit/files/version_1_2.seep"
#define KEPT_FILE_1_3 "tests/unit/files/version_1_3.seep"
#define KEPT_FILE_1_4 "tests/unit/files/version_1_4.seep"
#define KEPT_FILE_1_5 "tests/unit/files/version_1_5.seep"
#define KEPT_FILE_1_6 "tests/unit/files/version_1_6.seep"
#define KEPT_FILE_1_7 "tests/unit/files/version_1_7.seep"
#define KEPT_FILE_1_8 "tests/unit/files/version_1_8.seep"
#define KEPT_FILE "tests/unit/files/version_1_9.seep" /* of the current version */

static void check_example(const struct profile *profile)
{
	assert_int_equal(profile->damage.damaged_records, 0);
	assert_int_equal(profile->damage.skipped_bytes, 0);
	assert_false(profile->damage.tail_is_torn);
	assert_int_equal(profile->pid, 4711);
	assert_string_equal(profile->name, "server");
	assert_string_equal(profile->exe, "/usr/bin/server");
	assert_int_equal(profile->command_count, 2);
	assert_string_equal(profile->command[0], "server");
	assert_string_equal(profile->command[1], "--port=80");
	assert_int_equal(profile->end_how, SEEP_END_EXIT);
	assert_int_equal(profile->end_status, 3);
	assert_false(profile->is_running);
	assert_int_equal(profile->started_unix_ns, 1700000000000000000);

	assert_int_equal(profile->module_count, 2);
	assert_string_equal(profile->modules[1].path, "/usr/lib/plugin.so");
	assert_int_equal(profile->modules[1].unloaded_epoch, 5);
	assert_int_equal(profile->modules[0].build_id_bytes, 5);
	assert_int_equal(profile->modules[0].build_id[1], 0xad);
	assert_int_equal(profile->node_count, 4);
	assert_int_equal(profile->nodes[3].parent, 1);
	assert_int_equal(profile->nodes[3].pc, 0x40300);
	assert_int_equal(profile->nodes[3].module, 1);
	assert_int_equal(profile->nodes[2].module, 0);

	assert_int_equal(profile->snapshot_count, 4);
	assert_int_equal(profile->snapshots[2].number, 5);
	assert_string_equal(profile->snapshots[1].label, "loaded");
	assert_int_equal(profile->snapshots[3].reason, SEEP_REASON_FINAL);
	assert_int_equal(profile->site_count, 2);
	const struct site *site = &profile->sites[0];
	assert_int_equal(site->stack, 2);
	assert_int_equal(site->point_count, 2);
	assert_int_equal(site->points[1].snapshot, 2);
	assert_int_equal(site->points[1].live_blocks, 13);
	assert_int_equal(site->points[1].allocations, 20);
	assert_int_equal(site->points[1].cohort_count, 2);
	assert_int_equal(site->points[1].cohorts[1].epoch, 4);
	assert_int_equal(site->points[1].cohorts[1].bytes, 400);
}

static void check_self_check(const struct self_check *check)
{
	assert_non_null(check);
	assert_int_equal(check->raw.one_in, 10);
	assert_int_equal(check->raw.compared, 500);
	assert_int_equal(check->raw.different, 9);
	assert_int_equal(check->raw.libunwind_gave_up, 3);
	assert_int_equal(check->raw.cut, 2);
	assert_int_equal(check->raw.skipped, 1);
	assert_int_equal(check->difference_count, 2);
	assert_int_equal(check->differences[0].ours, 2);
	assert_int_equal(check->differences[0].libunwinds, 3);
	assert_int_equal(check->differences[0].thread_id, 4711);
	assert_int_equal(check->differences[0].count, 8);
	assert_int_equal(check->differences[1].libunwinds, 1);
}

static void check_sampling(const struct profile *profile)
{
	const struct sampling *sampling = snapshot_sampling(profile, 3);

	assert_int_equal(profile->sample_bytes, 524288);
	assert_non_null(sampling);
	assert_int_equal(sampling->raw.live_samples, 4);
	assert_int_equal(sampling->raw.samples, 9);
	assert_int_equal(sampling->raw.blocks_error, 5);
	assert_int_equal(sampling->raw.bytes_error, 500);
	assert_int_equal(sampling->site_count, 1);
	const struct sampled_site *site = site_sampled(profile, &profile->sites[0], 3);
	assert_non_null(site);
	assert_int_equal(site->samples, 4);
	assert_true(site->blocks_error == 6 && site->bytes_error == 600);
	/* Not of the other site, nor of another snapshot. */
	assert_null(site_sampled(profile, &profile->sites[1], 3));
	assert_null(site_sampled(profile, &profile->sites[0], 2));
	assert_null(snapshot_sampling(profile, 2));
	assert_null(snapshot_sampling(profile, 4));
}

static void check_frees(const struct profile *profile)
{
	size_t count;

	assert_int_equal(profile->version_minor, SEEP_VERSION_MINOR);
	assert_non_null(profile->frees);
	assert_int_equal(profile->frees->raw.snapshot, 6);
	assert_int_equal(profile->frees->raw.one_in, 64);
	assert_int_equal(profile->frees->raw.samples, 7);
	assert_int_equal(profile->frees->raw.lost, 1);
	const struct free_pair *pairs = site_freers(profile, &profile->sites[0], &count);
	assert_int_equal(count, 2);
	assert_int_equal(pairs[0].free_stack, 1);
	assert_int_equal(pairs[0].samples, 2);
	assert_int_equal(pairs[1].free_stack, 3);
	pairs = site_freers(profile, &profile->sites[1], &count);
	assert_int_equal(count, 1);
	assert_int_equal(pairs[0].samples, 3);
	/* Of another site none was a sample. */
	assert_non_null(site_freers(profile, &(struct site){.stack = 1}, &count));
	assert_int_equal(count, 0);
}

static void check_alerts(const struct profile *profile)
{
	assert_int_equal(profile->alert_count, 2);
	assert_int_equal(profile->alerts[0].raw.kind, SEEP_ALERT_LIVE);
	assert_int_equal(profile->alerts[0].raw.snapshot, 5);
	assert_int_equal(profile->alerts[0].raw.value, 1364);
	assert_int_equal(profile->alerts[0].raw.limit, 1000);
	assert_int_equal(profile->alerts[1].raw.kind, SEEP_ALERT_SITE_LIVE);
	assert_int_equal(profile->alerts[1].raw.stack, 2);
	assert_true(profile->alerts[1].time_s >= profile->alerts[0].time_s);
}

static void check_reachability(const struct profile *profile)
{
	const struct scan *scan = profile_scan(profile, 3);

	assert_non_null(scan);
	assert_int_equal(scan->raw.outcome, SEEP_SCAN_DONE);
	assert_int_equal(scan->raw.flags, SEEP_SCAN_IS_CONFIRMED | SEEP_SCAN_IS_STOPPED);
	assert_int_equal(scan->raw.threads, 3);
	assert_int_equal(scan->raw.unread_threads, 1);
	assert_int_equal(scan->raw.pause_ns, 2500000);
	assert_int_equal(scan->raw.definitely_bytes, 500);
	assert_int_equal(scan->raw.indirectly_blocks, 6);
	assert_true(scan->time_s == 3);
	const struct scanned_site *site = site_scanned(profile, &profile->sites[0], 3);
	assert_non_null(site);
	assert_int_equal(site->definitely.blocks, 5);
	assert_int_equal(site->definitely.bytes, 500);
	assert_int_equal(site->indirectly.blocks, 4);
	assert_int_equal(site->possibly.bytes, 300);
	assert_int_equal(site->reachable.blocks, 1);
	assert_int_equal(site->below.bytes, 64);
	site = site_scanned(profile, &profile->sites[1], 3);
	assert_int_equal(site->indirectly.blocks, 2);
	/* A site without blocks has lost none; of the time before nothing is known. */
	site = site_scanned(profile, &(struct site){.stack = 1}, 3);
	assert_int_equal(site->definitely.blocks + site->reachable.blocks, 0);
	assert_null(site_scanned(profile, &profile->sites[0], 2));
	assert_null(profile_scan(profile, 2));
	assert_null(profile_scan(profile, 4));
}

static void check_suppressions(const struct profile *profile)
{
	assert_non_null(profile->suppressions);
	assert_string_equal(profile->suppressions, "leak:of_the_program\n");
}

static void check_holders(const struct profile *profile)
{
	size_t count;
	const struct holder_path *paths = site_holders(profile, &profile->sites[0], 3, &count);

	assert_non_null(profile->holders);
	assert_int_equal(profile->holders->root_count, 2);
	const struct holder_root *roots = profile->holders->roots;
	assert_int_equal(roots[0].kind, SEEP_ROOT_MODULE);
	assert_int_equal(roots[0].module, 0);
	assert_int_equal(roots[0].address, 0x10010);
	assert_int_equal(roots[0].offset, 16);
	assert_int_equal(roots[0].pc_module, PROFILE_NO_MODULE);
	assert_string_equal(roots[0].name, "");
	assert_int_equal(roots[1].kind, SEEP_ROOT_STACK);
	assert_int_equal(roots[1].thread, 4713);
	assert_int_equal(roots[1].pc, 0x10108);
	assert_int_equal(roots[1].pc_module, 0);
	assert_int_equal(roots[1].module, PROFILE_NO_MODULE);
	assert_string_equal(roots[1].name, "worker");
	/* Those of the most blocks first. */
	assert_int_equal(count, 2);
	assert_int_equal(paths[0].blocks, 90);
	assert_int_equal(paths[0].root, 0);
	assert_int_equal(paths[0].step_count, 3);
	assert_int_equal(paths[0].steps[0].stack, 3);
	assert_int_equal(paths[0].steps[0].offset, 8);
	assert_int_equal(paths[0].steps[1].stack, 0);
	assert_int_equal(paths[0].steps[1].count, 7);
	assert_int_equal(paths[0].steps[2].count, 1000);
	assert_int_equal(paths[1].blocks, 10);
	assert_int_equal(paths[1].root, 1);
	assert_int_equal(paths[1].step_count, 0);
	assert_null(site_holders(profile, &profile->sites[1], 3, &count));
	assert_int_equal(count, 0);
	assert_null(site_holders(profile, &profile->sites[0], 2, &count));
}

static void check_memory(const struct profile *profile)
{
	const struct seep_snapshot *raw = &profile->snapshots[0].raw;
	const struct site_pins *pins = profile_pins(profile, 3);

	assert_int_equal(raw->anonymous_bytes, 70 << 20);
	assert_int_equal(raw->heap_bytes, 60 << 20);
	assert_int_equal(raw->heap_resident_bytes, 50 << 20);
	assert_int_equal(raw->live_page_bytes, 40 << 20);
	assert_int_equal(profile->snapshots[1].raw.heap_bytes, 0);
	assert_non_null(pins);
	assert_int_equal(pins->raw.snapshot, 6);
	assert_int_equal(pins->raw.pinned_bytes, 9 << 20);
	assert_int_equal(pins->site_count, 2);
	assert_int_equal(pins->sites[0].stack, 2);
	assert_int_equal(pins->sites[0].bytes, 5 << 20);
	assert_int_equal(pins->sites[1].stack, 3);
	/* Nothing is known of the time before. */
	assert_null(profile_pins(profile, 2));
	assert_null(profile_pins(profile, 4));
}

static void check_fatal_free(const struct profile *profile)
{
	const struct fatal_free *fatal = profile->fatal_free;

	assert_non_null(fatal);
	assert_int_equal(fatal->raw.snapshot, 6);
	assert_int_equal(fatal->raw.freed_by, 3);
	assert_int_equal(fatal->raw.allocated_by, 2);
	assert_int_equal(fatal->raw.block_bytes, 400);
	assert_int_equal(fatal->raw.block_offset, 64);
	assert_string_equal(fatal->message, "free(): invalid pointer");
}

static void reads_every_kind_of_record(void **state)
{
	(void)state;
	struct profile_writer writer;
	every_record_write(&writer);
	struct profile *profile = profile_writer_read(&writer);
	check_example(profile);
	check_self_check(profile->self_check);
	check_sampling(profile);
	check_frees(profile);
	check_alerts(profile);
	check_memory(profile);
	check_reachability(profile);
	check_holders(profile);
	check_suppressions(profile);
	check_fatal_free(profile);
	profile_free(profile);
	profile_writer_free(&writer);
}

static struct profile *read_kept(const char *path)
{
	struct profile *profile;
	struct error error = {""};

	if (profile_read(path, &profile, &error) != 0)
		fail_msg("%s", error.text);
	check_example(profile);
	return profile;
}

/* With SEEP_KEEP_FILE=1 the file of the current version is written, once for each version. */
static void still_reads_the_files_kept_from_every_version(void **state)
{
	(void)state;
	if (getenv("SEEP_KEEP_FILE")) {
		struct profile_writer writer;
		every_record_write(&writer);
		FILE *file = fopen(KEPT_FILE, "wb");
		assert_non_null(file);
		fwrite(writer.file.bytes, 1, writer.file.size, file);
		fclose(file);
		profile_writer_free(&writer);
	}
	struct profile *profile = read_kept(KEPT_FILE_1_0);
	assert_null(profile->self_check);
	assert_int_equal(profile->single_epochs, 16);
	profile_free(profile);
	profile = read_kept(KEPT_FILE_1_1);
	check_self_check(profile->self_check);
	assert_int_equal(profile->sample_bytes, 0);
	assert_null(profile->sampling);
	profile_free(profile);
	profile = read_kept(KEPT_FILE_1_2);
	check_self_check(profile->self_check);
	check_sampling(profile);
	assert_int_equal(profile->single_epochs, 16);
	assert_int_equal(profile->snapshots[0].raw.limit_bytes, 0);
	assert_int_equal(profile->snapshots[0].raw.limit_kind, SEEP_LIMIT_UNKNOWN);
	profile_free(profile);
	profile = read_kept(KEPT_FILE_1_3);
	assert_int_equal(profile->single_epochs, 32);
	assert_int_equal(profile->snapshots[0].raw.limit_bytes, 512 << 20);
	assert_int_equal(profile->snapshots[0].raw.heap_bytes, 0);
	size_t freers;
	assert_null(site_freers(profile, &profile->sites[0], &freers));
	assert_int_equal(freers, 0);
	profile_free(profile);
	profile = read_kept(KEPT_FILE_1_4);
	check_alerts(profile);
	check_memory(profile);
	assert_null(profile->scan);
	assert_null(profile->holders);
	assert_null(site_scanned(profile, &profile->sites[0], 3));
	profile_free(profile);
	profile = read_kept(KEPT_FILE_1_5);
	check_reachability(profile);
	assert_false(profile->has_own_malloc);
	profile_free(profile);
	profile = read_kept(KEPT_FILE_1_6);
	assert_int_equal(profile->snapshots[0].raw.missed_snapshots, 0);
	assert_int_equal(profile->snapshots[0].raw.missed_error, 0);
	profile_free(profile);
	profile = read_kept(KEPT_FILE_1_7);
	assert_int_equal(profile->snapshots[0].raw.missed_snapshots, 3);
	assert_int_equal(profile->snapshots[0].raw.unseen_frees, 0);
	profile_free(profile);
	profile = read_kept(KEPT_FILE_1_8);
	assert_int_equal(profile->snapshots[0].raw.unseen_frees, 7);
	assert_null(profile->fatal_free);
	profile_free(profile);
	profile = read_kept(KEPT_FILE);
	check_fatal_free(profile);
	assert_int_equal(profile->snapshots[0].raw.unseen_frees, 7);
	assert_int_equal(profile->snapshots[0].raw.missed_snapshots, 3);
	assert_int_equal(profile->snapshots[0].raw.missed_error, 28);
	assert_true(profile->has_own_malloc);
	assert_false(profile->tracks_mappings);
	assert_false(profile_is_unseen(profile)); /* it passes something on */
	check_reachability(profile);
	check_holders(profile);
	check_suppressions(profile);
	check_self_check(profile->self_check);
	check_sampling(profile);
	check_frees(profile);
	check_alerts(profile);
	check_memory(profile);
	assert_int_equal(profile->single_epochs, 32);
	assert_int_equal(profile->snapshots[0].raw.limit_bytes, 512 << 20);
	assert_int_equal(profile->snapshots[0].raw.limit_used_bytes, 100 << 20);
	assert_int_equal(profile->snapshots[0].raw.limit_kind, SEEP_LIMIT_CGROUP);
	assert_int_equal(profile->snapshots[0].raw.anonymous_bytes, 70 << 20);
	assert_int_equal(profile->snapshots[0].raw.heap_bytes, 60 << 20);
	assert_int_equal(profile->snapshots[0].raw.heap_resident_bytes, 50 << 20);
	assert_int_equal(profile->snapshots[0].raw.live_page_bytes, 40 << 20);
	profile_free(profile);
}

/* A later minor version may make them longer. */
static void longer_scans_and_roots_are_read_as_far_as_they_are_known(void **state)
{
	static const uint8_t added[16] = {1, 2, 3};
	const struct seep_scan scan = {.struct_bytes = sizeof(scan) + 16,
				       .snapshot = 6,
				       .site_count = 1,
				       .definitely_blocks = 7};
	const struct seep_root root = {.struct_bytes = sizeof(root) + 16,
				       .kind = 77,
				       .name_bytes = 3,
				       .kib = 3,
				       .module = SEEP_ROOT_NO_MODULE};
	const struct seep_holders holders = {
		.struct_bytes = sizeof(holders) + 16,
		.snapshot = 6,
		.root_count = 1,
		.path_count = 1,
		.paths_offset = sizeof(holders) + 16 + sizeof(root) + 16 + 8,
	};
	struct profile_writer writer;
	size_t count;

	(void)state;
	every_record_write(&writer);
	profile_writer_put(&writer, &scan, sizeof(scan));
	profile_writer_put(&writer, added, 16);
	profile_writer_put_varint(&writer, 2);
	for (uint64_t i = 0; i < 10; i++)
		profile_writer_put_varint(&writer, i);
	profile_writer_record(&writer, SEEP_RECORD_SCAN);
	profile_writer_put(&writer, &holders, sizeof(holders));
	profile_writer_put(&writer, added, 16);
	profile_writer_put(&writer, &root, sizeof(root));
	profile_writer_put(&writer, added, 16);
	profile_writer_put(&writer, "new\0\0\0\0", 8);
	static const uint64_t path[] = {2, 50, 0, 0};
	for (size_t i = 0; i < 4; i++)
		profile_writer_put_varint(&writer, path[i]);
	profile_writer_record(&writer, SEEP_RECORD_HOLDERS);
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->damage.damaged_records, 0);
	assert_int_equal(profile->scan->raw.definitely_blocks, 7);
	assert_int_equal(site_scanned(profile, &profile->sites[0], 3)->below.bytes, 9);
	assert_int_equal(profile->holders->roots[0].kind, 77);
	assert_int_equal(profile->holders->roots[0].bytes, 3072);
	assert_string_equal(profile->holders->roots[0].name, "new");
	assert_int_equal(site_holders(profile, &profile->sites[0], 3, &count)->blocks, 50);
	profile_free(profile);
	profile_writer_free(&writer);
}

/* A later minor version may make both structs longer. */
static void a_longer_self_check_is_read_as_far_as_it_is_known(void **state)
{
	const struct seep_self_check check = {.struct_bytes = sizeof(check) + 8,
					      .difference_bytes =
						      sizeof(struct seep_difference) + 16,
					      .difference_count = 2,
					      .compared = 7};
	const struct seep_difference differences[] = {{1, 2, 3, 0, 4}, {2, 3, 5, 0, 6}};
	static const char added[16] = "0123456789abcde";
	struct profile_writer writer;

	(void)state;
	every_record_write(&writer);
	profile_writer_put(&writer, &check, sizeof(check));
	profile_writer_put(&writer, added, 8);
	for (int i = 0; i < 2; i++) {
		profile_writer_put(&writer, &differences[i], sizeof(differences[i]));
		profile_writer_put(&writer, added, 16);
	}
	profile_writer_record(&writer, SEEP_RECORD_SELF_CHECK);
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->damage.damaged_records, 0);
	assert_int_equal(profile->self_check->raw.compared, 7);
	assert_int_equal(profile->self_check->difference_count, 2);
	assert_int_equal(profile->self_check->differences[1].ours, 2);
	assert_int_equal(profile->self_check->differences[1].count, 6);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void records_and_fields_of_a_later_minor_version_are_skipped(void **state)
{
	(void)state;
	struct profile_writer writer;
	every_record_write(&writer);
	profile_writer_put(&writer, "something new", 13);
	profile_writer_record(&writer, 4242);
	/* A longer snapshot struct: the label begins later. */
	struct seep_snapshot longer = {
		.struct_bytes = sizeof(longer) + 16,
		.number = 7,
		.epoch = 7,
		.reason = SEEP_REASON_INTERVAL,
		.label_bytes = 3,
		.entries_offset = sizeof(longer) + 16 + 3,
	};
	writer.time_ns = 9000000000;
	profile_writer_put(&writer, &longer, sizeof(longer));
	profile_writer_put(&writer, "0123456789abcdefnew", 19);
	profile_writer_record(&writer, SEEP_RECORD_SNAPSHOT);
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->damage.damaged_records, 0);
	assert_int_equal(profile->snapshot_count, 5);
	assert_string_equal(profile->snapshots[4].label, "new");
	profile_free(profile);
	profile_writer_free(&writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_kind_of_record),
		cmocka_unit_test(still_reads_the_files_kept_from_every_version),
		cmocka_unit_test(longer_scans_and_roots_are_read_as_far_as_they_are_known),
		cmocka_unit_test(a_longer_self_check_is_read_as_far_as_it_is_known),
		cmocka_unit_test(records_and_fields_of_a_later_minor_version_are_skipped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
