/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_false_records: records that say what cannot be true, with a checksum that is right.
 * 
 * All of it also runs under ASan and UBSan (`make check-sanitize`).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/profile_writer.h"
#include "tests/support/small_file.h"
#include "tools/model/holders.h"
#include "tools/model/profile.h"
#include "tools/model/scan.h"

/* Appends a snapshot made by hand and expects it to be damage that changes nothing else. */
static void expect_refused(void (*make)(struct profile_writer *writer), size_t snapshots_kept)
{
	struct profile_writer writer;
	size_t ends[SMALL_FILE_SNAPSHOTS], records[SMALL_FILE_RECORDS];
	small_file_write(&writer, ends, records);
	make(&writer);
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->damage.damaged_records, 1);
	assert_int_equal(profile->snapshot_count, snapshots_kept);
	assert_int_equal(profile->site_count, 1);
	assert_int_equal(site_at(&profile->sites[0], snapshots_kept)->live_blocks, 12);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void make_backward_epoch(struct profile_writer *writer)
{
	profile_writer_snapshot(writer, 9, 9, 0, SEEP_REASON_INTERVAL, "");
	writer->snapshot.epoch = 1;
	profile_writer_snapshot_done(writer);
}

static void make_backward_number(struct profile_writer *writer)
{
	profile_writer_snapshot(writer, 2, 9, 0, SEEP_REASON_INTERVAL, "");
	profile_writer_snapshot_done(writer);
}

static void make_backward_time(struct profile_writer *writer)
{
	profile_writer_snapshot(writer, 9, 0.1, 0, SEEP_REASON_INTERVAL, "");
	profile_writer_snapshot_done(writer);
}

static void make_many_entries(struct profile_writer *writer)
{
	profile_writer_snapshot(writer, 9, 9, 0, SEEP_REASON_INTERVAL, "");
	profile_writer_entry(writer, 2, 0, 0, 99, 0);
	writer->snapshot.entry_count = UINT32_MAX;
	profile_writer_snapshot_done(writer);
}

static void make_many_cohorts(struct profile_writer *writer)
{
	profile_writer_snapshot(writer, 9, 9, 0, SEEP_REASON_INTERVAL, "");
	profile_writer_entry(writer, 2, 1, 1, 1, SIZE_MAX);
	profile_writer_snapshot_done(writer);
}

static void make_long_label(struct profile_writer *writer)
{
	profile_writer_snapshot(writer, 9, 9, 0, SEEP_REASON_INTERVAL, "");
	writer->snapshot.label_bytes = UINT32_MAX;
	profile_writer_snapshot_done(writer);
}

static void make_far_entries(struct profile_writer *writer)
{
	profile_writer_snapshot(writer, 9, 9, 0, SEEP_REASON_INTERVAL, "");
	writer->snapshot.entries_offset = UINT32_MAX;
	profile_writer_snapshot_done(writer);
}

static void make_long_struct(struct profile_writer *writer)
{
	profile_writer_snapshot(writer, 9, 9, 0, SEEP_REASON_INTERVAL, "");
	writer->snapshot.struct_bytes = UINT32_MAX;
	profile_writer_snapshot_done(writer);
}

static void make_unknown_stack(struct profile_writer *writer)
{
	profile_writer_snapshot(writer, 9, 9, 0, SEEP_REASON_INTERVAL, "");
	profile_writer_entry(writer, 77, 1, 1, 1, 1);
	profile_writer_cohort(writer, 1, 1, 1);
	profile_writer_snapshot_done(writer);
}

static void make_wrong_cohorts(struct profile_writer *writer)
{
	profile_writer_snapshot(writer, 9, 9, 0, SEEP_REASON_INTERVAL, "");
	profile_writer_entry(writer, 2, 5, 500, 99, 1);
	profile_writer_cohort(writer, 1, 4, 500);
	profile_writer_snapshot_done(writer);
}

static void make_overflowing_cohorts(struct profile_writer *writer)
{
	profile_writer_snapshot(writer, 9, 9, 0, SEEP_REASON_INTERVAL, "");
	profile_writer_entry(writer, 2, 1, 1, 99, 2);
	profile_writer_cohort(writer, 1, UINT64_MAX, UINT64_MAX);
	profile_writer_cohort(writer, 2, 2, 2);
	profile_writer_snapshot_done(writer);
}

static void make_future_cohort(struct profile_writer *writer)
{
	profile_writer_snapshot(writer, 9, 9, 0, SEEP_REASON_INTERVAL, "");
	profile_writer_entry(writer, 2, 1, 1, 99, 1);
	profile_writer_cohort(writer, 4000, 1, 1);
	profile_writer_snapshot_done(writer);
}

static void make_orphan_node(struct profile_writer *writer)
{
	profile_writer_node(writer, 50, 49, 0x10300, 0);
}

static void make_distant_node(struct profile_writer *writer)
{
	profile_writer_node(writer, 4000000000u, 1, 0x10300, 0);
}

static void make_node_again(struct profile_writer *writer)
{
	profile_writer_node(writer, 2, 1, 0x10999, 0);
}

static void make_node_before_root(struct profile_writer *writer)
{
	profile_writer_node(writer, 3, 4, 0x10300, 0); /* id - parent is -1, 32 bits of it */
}

static void make_many_nodes(struct profile_writer *writer)
{
	struct seep_stacks stacks = {sizeof(stacks), 3, UINT32_MAX, 0};
	profile_writer_put(writer, &stacks, sizeof(stacks));
	profile_writer_record(writer, SEEP_RECORD_STACKS);
}

static void make_torn_module(struct profile_writer *writer)
{
	struct seep_module module = {.struct_bytes = sizeof(module), .path_bytes = 500};
	profile_writer_put(writer, &module, sizeof(module));
	profile_writer_record(writer, SEEP_RECORD_MODULES);
}

static void make_inverted_module(struct profile_writer *writer)
{
	profile_writer_module(writer, 1, 0, 0x50000, 0x40000, "/x");
}

/* Says that more differences follow than do. */
static void make_many_differences(struct profile_writer *writer)
{
	struct seep_self_check check = {.struct_bytes = sizeof(check),
					.difference_bytes = sizeof(struct seep_difference),
					.difference_count = UINT32_MAX};
	profile_writer_put(writer, &check, sizeof(check));
	profile_writer_record(writer, SEEP_RECORD_SELF_CHECK);
}

static void make_short_differences(struct profile_writer *writer)
{
	struct seep_self_check check = {.struct_bytes = sizeof(check), .difference_count = 1};
	profile_writer_put(writer, &check, sizeof(check));
	profile_writer_put(writer, &check, sizeof(check));
	profile_writer_record(writer, SEEP_RECORD_SELF_CHECK);
}

static void make_difference_of_unknown_stacks(struct profile_writer *writer)
{
	profile_writer_self_check(writer, (struct seep_self_check){.compared = 1},
				  &(struct seep_difference){2, 99, 1, 0, 1}, 1);
}

/* Says that more sites follow than do. */
static void make_many_samples(struct profile_writer *writer)
{
	struct seep_samples samples = {.struct_bytes = sizeof(samples), .site_count = UINT32_MAX};
	profile_writer_put(writer, &samples, sizeof(samples));
	profile_writer_record(writer, SEEP_RECORD_SAMPLES);
}

static void make_cut_samples(struct profile_writer *writer)
{
	struct seep_samples samples = {.struct_bytes = sizeof(samples), .site_count = 1};
	profile_writer_put(writer, &samples, sizeof(samples));
	for (int i = 0; i < 4; i++)
		profile_writer_put(writer, "\xff", 1);
	profile_writer_record(writer, SEEP_RECORD_SAMPLES);
}

static void make_samples_of_an_unknown_stack(struct profile_writer *writer)
{
	profile_writer_samples(writer, (struct seep_samples){.snapshot = SMALL_FILE_SNAPSHOTS},
			       &(struct profile_writer_sampled){99, 1, 1, 1}, 1);
}

/* Says that more pairs follow than do. */
static void make_many_frees(struct profile_writer *writer)
{
	struct seep_frees frees = {.struct_bytes = sizeof(frees), .pair_count = UINT32_MAX};
	profile_writer_put(writer, &frees, sizeof(frees));
	profile_writer_record(writer, SEEP_RECORD_FREES);
}

static void make_cut_frees(struct profile_writer *writer)
{
	struct seep_frees frees = {.struct_bytes = sizeof(frees), .pair_count = 1};
	profile_writer_put(writer, &frees, sizeof(frees));
	for (int i = 0; i < 3; i++)
		profile_writer_put(writer, "\xff", 1);
	profile_writer_record(writer, SEEP_RECORD_FREES);
}

static void make_frees_of_the_root(struct profile_writer *writer)
{
	profile_writer_frees(writer, (struct seep_frees){.snapshot = SMALL_FILE_SNAPSHOTS},
			     &(struct profile_writer_freed){0, 1, 1}, 1);
}

static void make_frees_by_the_root(struct profile_writer *writer)
{
	profile_writer_frees(writer, (struct seep_frees){.snapshot = SMALL_FILE_SNAPSHOTS},
			     &(struct profile_writer_freed){1, 0, 1}, 1);
}

static void make_equal_frees(struct profile_writer *writer)
{
	static const struct profile_writer_freed pairs[] = {{1, 2, 1}, {1, 2, 1}};
	profile_writer_frees(writer, (struct seep_frees){.snapshot = SMALL_FILE_SNAPSHOTS}, pairs,
			     2);
}

static void make_frees_beyond_all_ids(struct profile_writer *writer)
{
	struct seep_frees frees = {.struct_bytes = sizeof(frees), .pair_count = 2};
	profile_writer_put(writer, &frees, sizeof(frees));
	for (int i = 0; i < 2; i++) {
		profile_writer_put_varint(writer, UINT32_MAX);
		profile_writer_put_varint(writer, 1);
		profile_writer_put_varint(writer, 1);
	}
	profile_writer_record(writer, SEEP_RECORD_FREES);
}

static void make_frees_by_an_unknown_stack(struct profile_writer *writer)
{
	profile_writer_frees(writer, (struct seep_frees){.snapshot = SMALL_FILE_SNAPSHOTS},
			     &(struct profile_writer_freed){2, 99, 1}, 1);
}

/* Says that more sites follow than do. */
static void make_many_pins(struct profile_writer *writer)
{
	struct seep_pins pins = {.struct_bytes = sizeof(pins), .site_count = UINT32_MAX};
	profile_writer_put(writer, &pins, sizeof(pins));
	profile_writer_record(writer, SEEP_RECORD_PINS);
}

static void make_cut_pins(struct profile_writer *writer)
{
	struct seep_pins pins = {.struct_bytes = sizeof(pins), .site_count = 1};
	profile_writer_put(writer, &pins, sizeof(pins));
	for (int i = 0; i < 2; i++)
		profile_writer_put(writer, "\xff", 1);
	profile_writer_record(writer, SEEP_RECORD_PINS);
}

static void make_pins_of_the_root(struct profile_writer *writer)
{
	profile_writer_pins(writer, (struct seep_pins){.snapshot = SMALL_FILE_SNAPSHOTS},
			    &(struct profile_writer_pinned){0, 5000}, 1);
}

static void make_pins_of_an_unknown_stack(struct profile_writer *writer)
{
	profile_writer_pins(writer, (struct seep_pins){.snapshot = SMALL_FILE_SNAPSHOTS},
			    &(struct profile_writer_pinned){99, 5000}, 1);
}

/* Says that more sites follow than do. */
static void make_many_scanned(struct profile_writer *writer)
{
	struct seep_scan scan = {.struct_bytes = sizeof(scan), .site_count = UINT32_MAX};
	profile_writer_put(writer, &scan, sizeof(scan));
	profile_writer_record(writer, SEEP_RECORD_SCAN);
}

/* The last number of the site is not there. */
static void make_cut_scan(struct profile_writer *writer)
{
	struct seep_scan scan = {.struct_bytes = sizeof(scan), .site_count = 1};
	profile_writer_put(writer, &scan, sizeof(scan));
	for (int i = 0; i < 10; i++)
		profile_writer_put_varint(writer, 1);
	profile_writer_put(writer, "\xff", 1);
	profile_writer_record(writer, SEEP_RECORD_SCAN);
}

static void make_short_scan(struct profile_writer *writer)
{
	struct seep_scan scan = {.struct_bytes = sizeof(scan) - 8};
	profile_writer_put(writer, &scan, sizeof(scan));
	profile_writer_record(writer, SEEP_RECORD_SCAN);
}

static void make_scan_of_the_root(struct profile_writer *writer)
{
	profile_writer_scan(writer, (struct seep_scan){.snapshot = SMALL_FILE_SNAPSHOTS},
			    &(struct profile_writer_scanned){.stack = 0}, 1);
}

static void make_scan_of_an_unknown_stack(struct profile_writer *writer)
{
	profile_writer_scan(writer, (struct seep_scan){.snapshot = SMALL_FILE_SNAPSHOTS},
			    &(struct profile_writer_scanned){.stack = 99}, 1);
}

/* Holders with one root and this path. */
static void make_path(struct profile_writer *writer, struct profile_writer_path path)
{
	profile_writer_holders(
		writer, (struct seep_holders){.snapshot = SMALL_FILE_SNAPSHOTS},
		&(struct profile_writer_root){
			{.kind = SEEP_ROOT_REGION, .module = SEEP_ROOT_NO_MODULE}, "name"},
		1, &path, 1);
}

static void make_path_of_the_root(struct profile_writer *writer)
{
	make_path(writer, (struct profile_writer_path){.stack = 0});
}

static void make_path_of_an_unknown_stack(struct profile_writer *writer)
{
	make_path(writer, (struct profile_writer_path){.stack = 99});
}

static void make_path_from_nowhere(struct profile_writer *writer)
{
	make_path(writer, (struct profile_writer_path){.stack = 2, .root = 1});
}

static void make_path_through_an_unknown_stack(struct profile_writer *writer)
{
	make_path(writer, (struct profile_writer_path){2, 1, 0, 1, {{99, 0, 1}}});
}

static void make_root_in_an_unknown_module(struct profile_writer *writer)
{
	profile_writer_holders(writer, (struct seep_holders){.snapshot = SMALL_FILE_SNAPSHOTS},
			       &(struct profile_writer_root){{.module = 99}, ""}, 1, NULL, 0);
}

/* A record with this head, and `bytes` bytes behind it. */
static void put_holders(struct profile_writer *writer, struct seep_holders holders, size_t bytes)
{
	static const uint8_t ones[256] = {1};
	holders.struct_bytes = sizeof(holders);
	profile_writer_put(writer, &holders, sizeof(holders));
	profile_writer_put(writer, ones, bytes);
	profile_writer_record(writer, SEEP_RECORD_HOLDERS);
}

static void make_many_roots(struct profile_writer *writer)
{
	put_holders(writer,
		    (struct seep_holders){.root_count = UINT32_MAX,
					  .paths_offset = sizeof(struct seep_holders) + 48},
		    48);
}

static void make_many_paths(struct profile_writer *writer)
{
	put_holders(writer,
		    (struct seep_holders){.path_count = UINT32_MAX,
					  .paths_offset = sizeof(struct seep_holders)},
		    48);
}

static void make_paths_in_the_head(struct profile_writer *writer)
{
	put_holders(writer, (struct seep_holders){.paths_offset = 8}, 48);
}

static void make_far_paths(struct profile_writer *writer)
{
	put_holders(writer, (struct seep_holders){.paths_offset = 4096}, 48);
}

/* Its one path says that it has more steps than there are bytes. */
static void make_many_steps(struct profile_writer *writer)
{
	struct profile_writer_root root = {{.module = SEEP_ROOT_NO_MODULE}, ""};
	struct seep_holders holders = {
		.struct_bytes = sizeof(holders),
		.root_count = 1,
		.path_count = 1,
		.paths_offset = sizeof(holders) + sizeof(root.fixed),
	};
	root.fixed.struct_bytes = sizeof(root.fixed);
	profile_writer_put(writer, &holders, sizeof(holders));
	profile_writer_put(writer, &root.fixed, sizeof(root.fixed));
	static const uint64_t path[] = {2, 1, 0, UINT32_MAX};
	for (size_t i = 0; i < 4; i++)
		profile_writer_put_varint(writer, path[i]);
	profile_writer_record(writer, SEEP_RECORD_HOLDERS);
}

static void make_endless_varint(struct profile_writer *writer)
{
	static const uint8_t ones[20] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	profile_writer_snapshot(writer, 9, 9, 0, SEEP_REASON_INTERVAL, "");
	writer->snapshot.entry_count = 1;
	profile_writer_put(writer, ones, sizeof(ones));
	profile_writer_snapshot_done(writer);
}

static void what_cannot_be_true_is_damage_although_its_checksum_is_right(void **state)
{
	(void)state;
	/* Whole snapshots that cannot be decoded or go backwards are left out … */
	expect_refused(make_backward_epoch, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_backward_number, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_backward_time, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_many_entries, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_many_cohorts, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_long_label, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_far_entries, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_long_struct, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_endless_varint, SMALL_FILE_SNAPSHOTS);
	/* … of others only the entries that are wrong. */
	expect_refused(make_unknown_stack, SMALL_FILE_SNAPSHOTS + 1);
	expect_refused(make_wrong_cohorts, SMALL_FILE_SNAPSHOTS + 1);
	expect_refused(make_overflowing_cohorts, SMALL_FILE_SNAPSHOTS + 1);
	expect_refused(make_future_cohort, SMALL_FILE_SNAPSHOTS + 1);
	expect_refused(make_orphan_node, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_distant_node, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_node_again, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_node_before_root, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_many_nodes, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_torn_module, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_inverted_module, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_many_differences, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_short_differences, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_difference_of_unknown_stacks, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_many_samples, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_cut_samples, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_samples_of_an_unknown_stack, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_many_frees, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_cut_frees, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_frees_of_the_root, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_frees_by_the_root, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_equal_frees, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_frees_beyond_all_ids, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_frees_by_an_unknown_stack, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_many_pins, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_cut_pins, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_pins_of_the_root, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_pins_of_an_unknown_stack, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_many_scanned, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_cut_scan, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_short_scan, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_scan_of_the_root, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_scan_of_an_unknown_stack, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_path_of_the_root, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_path_of_an_unknown_stack, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_path_from_nowhere, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_path_through_an_unknown_stack, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_root_in_an_unknown_module, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_many_roots, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_many_paths, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_paths_in_the_head, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_far_paths, SMALL_FILE_SNAPSHOTS);
	expect_refused(make_many_steps, SMALL_FILE_SNAPSHOTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_true_is_damage_although_its_checksum_is_right),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
