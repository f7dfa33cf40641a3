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
#define KEPT_FILE "tests/unit/files/version_1_6.seep" /* of the current version */

static void write_reachability(struct profile_writer *writer)
{
	/* The newest ones count. */
	profile_writer_scan(writer, (struct seep_scan){.snapshot = 5, .threads = 1}, NULL, 0);
	profile_writer_scan(
		writer,
		(struct seep_scan){.snapshot = 6,
				   .reason = SEEP_REASON_FINAL,
				   .flags = SEEP_SCAN_IS_CONFIRMED | SEEP_SCAN_IS_STOPPED,
				   .threads = 3,
				   .unread_threads = 1,
				   .pause_ns = 2500000,
				   .work_ns = 9000000,
				   .root_bytes = 1 << 20,
				   .block_bytes = 2 << 20,
				   .own_bytes = 3 << 20},
		(const struct profile_writer_scanned[]){
			{2, {{5, 500}, {4, 400}, {3, 300}, {1, 100}, {2, 64}}, 0},
			{3, {{0, 0}, {2, 64}, {0, 0}, {0, 0}, {0, 0}}, 0}},
		2);
	profile_writer_holders(
		writer, (struct seep_holders){.snapshot = 6},
		(const struct profile_writer_root[]){
			{{.kind = SEEP_ROOT_MODULE, .address = 0x10010, .offset = 16, .module = 0},
			 ""},
			{{.kind = SEEP_ROOT_STACK,
			  .address = 0x7f0010,
			  .pc = 0x10108,
			  .thread = 4713,
			  .module = SEEP_ROOT_NO_MODULE},
			 "worker"}},
		2,
		(const struct profile_writer_path[]){
			{2, 10, 1, 0, {{0, 0, 0}}},
			{2, 90, 0, 3, {{3, 8, 1}, {0, 0, 7}, {2, 24, 1000}}}},
		2);
}

/* Two sites under one caller over four snapshots; every kind of record. */
static void write_example(struct profile_writer *writer)
{
	profile_writer_start(writer);
	writer->sample_bytes = 524288;
	writer->single_epochs = 32;
	writer->process_flags = SEEP_PROCESS_HAS_OWN_MALLOC;
	profile_writer_process(writer, 4711, "server");
	profile_writer_module(writer, 0, 0, 0x10000, 0x20000, "/usr/bin/server");
	profile_writer_module(writer, 1, 0, 0x40000, 0x50000, "/usr/lib/plugin.so");
	profile_writer_node(writer, 1, 0, 0x10100, 0);
	profile_writer_node(writer, 2, 1, 0x10200, 0);
	profile_writer_node(writer, 3, 1, 0x40300, 0);

	profile_writer_snapshot(writer, 1, 0.5, SEEP_SNAPSHOT_IS_KEYFRAME, SEEP_REASON_INTERVAL,
				"");
	writer->snapshot.limit_bytes = 512 << 20;
	writer->snapshot.limit_used_bytes = 100 << 20;
	writer->snapshot.limit_kind = SEEP_LIMIT_CGROUP;
	writer->snapshot.anonymous_bytes = 70 << 20;
	writer->snapshot.heap_bytes = 60 << 20;
	writer->snapshot.heap_resident_bytes = 50 << 20;
	writer->snapshot.live_page_bytes = 40 << 20;
	profile_writer_entry(writer, 2, 10, 1000, 12, 1);
	profile_writer_cohort(writer, 1, 10, 1000);
	profile_writer_snapshot_done(writer);

	profile_writer_snapshot(writer, 2, 1, 0, SEEP_REASON_REQUEST, "loaded");
	profile_writer_entry(writer, 3, 2, 64, 2, 1);
	profile_writer_cohort(writer, 2, 2, 64);
	profile_writer_snapshot_done(writer);

	profile_writer_snapshot(writer, 5, 2, 0, SEEP_REASON_INTERVAL, "");
	profile_writer_entry(writer, 2, 13, 1300, 20, 2);
	profile_writer_cohort(writer, 1, 9, 900);
	profile_writer_cohort(writer, 4, 4, 400);
	profile_writer_snapshot_done(writer);

	struct seep_module_unload unload = {1, 5};
	profile_writer_put(writer, &unload, sizeof(unload));
	profile_writer_record(writer, SEEP_RECORD_MODULE_UNLOAD);

	/* The newest one counts. */
	profile_writer_self_check(writer, (struct seep_self_check){.one_in = 10, .compared = 1},
				  NULL, 0);
	profile_writer_self_check(
		writer,
		(struct seep_self_check){.one_in = 10,
					 .compared = 500,
					 .different = 9,
					 .libunwind_gave_up = 3,
					 .cut = 2,
					 .skipped = 1},
		(const struct seep_difference[]){{2, 3, 4711, 0, 8}, {3, 1, 4712, 0, 1}}, 2);
	profile_writer_snapshot(writer, 6, 3, 0, SEEP_REASON_FINAL, "");
	profile_writer_entry(writer, 3, 0, 0, 2, 0);
	profile_writer_snapshot_done(writer);
	profile_writer_samples(writer, (struct seep_samples){.snapshot = 5, .live_samples = 1},
			       &(struct profile_writer_sampled){3, 1, 2, 64}, 1);
	profile_writer_samples(writer,
			       (struct seep_samples){.snapshot = 6,
						     .live_samples = 4,
						     .samples = 9,
						     .blocks_error = 5,
						     .bytes_error = 500},
			       &(struct profile_writer_sampled){2, 4, 6, 600}, 1);
	profile_writer_frees(writer, (struct seep_frees){.snapshot = 5, .one_in = 64, .samples = 1},
			     &(struct profile_writer_freed){2, 3, 1}, 1);
	profile_writer_frees(
		writer, (struct seep_frees){.snapshot = 6, .one_in = 64, .samples = 7, .lost = 1},
		(const struct profile_writer_freed[]){{2, 1, 2}, {2, 3, 1}, {3, 1, 3}}, 3);
	profile_writer_pins(writer, (struct seep_pins){.snapshot = 6, .pinned_bytes = 9 << 20},
			    (const struct profile_writer_pinned[]){{2, 5 << 20}, {3, 3 << 20}}, 2);
	profile_writer_alert(writer, (struct seep_alert){.snapshot = 5,
							 .kind = SEEP_ALERT_LIVE,
							 .value = 1364,
							 .limit = 1000});
	profile_writer_alert(writer, (struct seep_alert){.snapshot = 6,
							 .kind = SEEP_ALERT_SITE_LIVE,
							 .stack = 2,
							 .value = 1300,
							 .limit = 1200});
	write_reachability(writer);
	profile_writer_suppressions(writer, "leak:an older text");
	profile_writer_suppressions(writer, "leak:of_the_program\n");
	profile_writer_end(writer, SEEP_END_EXIT, 3);
}

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

/* Each is set beside each site that crosses a threshold. */
static void no_more_alerts_are_read_than_the_library_writes(void **state)
{
	(void)state;
	struct profile_writer writer;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	for (uint64_t i = 0; i < 1030; i++)
		profile_writer_alert(&writer, (struct seep_alert){.snapshot = 1,
								  .kind = SEEP_ALERT_LIVE,
								  .value = i + 1,
								  .limit = 1});
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->alert_count, 1024);
	assert_int_equal(profile->alerts[1023].raw.value, 1024);
	assert_int_equal(profile->damage.damaged_records, 6);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void alerts_without_a_site_or_of_unknown_kinds_are_left_out(void **state)
{
	static const struct seep_alert alerts[] = {
		{.kind = 0},
		{.kind = SEEP_ALERT_LIVE, .stack = 1}, /* of the process, and yet of a site */
		{.kind = SEEP_ALERT_SITE_LIVE},
		{.kind = SEEP_ALERT_SITE_LIVE, .stack = 99},
		{.kind = 77, .value = 1},
		{.kind = SEEP_ALERT_HEAP_SHARE, .value = 900, .limit = 800},
	};
	struct profile_writer writer;

	(void)state;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 1, "p");
	for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++)
		profile_writer_alert(&writer, alerts[i]);
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->alert_count, 1);
	assert_int_equal(profile->alerts[0].raw.value, 900);
	/* The kinds are a later version's; the stacks are nonsense. */
	assert_int_equal(profile->damage.damaged_records, 3);
	profile_free(profile);
	profile_writer_free(&writer);
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

static void reads_every_kind_of_record(void **state)
{
	(void)state;
	struct profile_writer writer;
	write_example(&writer);
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
		write_example(&writer);
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
	profile = read_kept(KEPT_FILE);
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

static void a_scan_that_failed_tells_of_no_site(void **state)
{
	(void)state;
	for (uint16_t outcome = SEEP_SCAN_NO_COPY; outcome <= SEEP_SCAN_TOO_LATE + 1; outcome++) {
		struct profile_writer writer;
		size_t count;
		write_example(&writer);
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
	write_example(&writer);
	profile_writer_node(&writer, 4, 1, SEEP_PC_MMAP, 0);
	struct profile *profile = profile_writer_read(&writer);
	assert_null(site_scanned(profile, &(struct site){.stack = 4}, 3));
	profile_free(profile);
	profile_writer_free(&writer);
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
	write_example(&writer);
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
		write_example(&writer);
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
	write_example(&writer);
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

static void a_site_left_out_of_a_snapshot_is_as_it_was(void **state)
{
	(void)state;
	struct profile_writer writer;
	write_example(&writer);
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
	write_example(&writer);
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
	write_example(&writer);
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
	write_example(&writer);
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

static void records_and_fields_of_a_later_minor_version_are_skipped(void **state)
{
	(void)state;
	struct profile_writer writer;
	write_example(&writer);
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
	write_example(&writer);
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
		cmocka_unit_test(reads_every_kind_of_record),
		cmocka_unit_test(still_reads_the_files_kept_from_every_version),
		cmocka_unit_test(knows_whom_the_oom_killer_took),
		cmocka_unit_test(is_unseen_where_its_own_malloc_passes_nothing_on),
		cmocka_unit_test(errors_of_a_stack_with_two_ids_are_added_as_squares),
		cmocka_unit_test(frees_of_and_by_a_stack_with_two_ids_are_added_up),
		cmocka_unit_test(no_more_alerts_are_read_than_the_library_writes),
		cmocka_unit_test(alerts_without_a_site_or_of_unknown_kinds_are_left_out),
		cmocka_unit_test(pins_of_a_stack_with_two_ids_are_added_up),
		cmocka_unit_test(what_a_stack_with_two_ids_lost_is_added_up),
		cmocka_unit_test(a_scan_that_failed_tells_of_no_site),
		cmocka_unit_test(mappings_are_not_asked_for_by_a_scan),
		cmocka_unit_test(longer_scans_and_roots_are_read_as_far_as_they_are_known),
		cmocka_unit_test(a_path_without_end_is_damage),
		cmocka_unit_test(a_longer_self_check_is_read_as_far_as_it_is_known),
		cmocka_unit_test(a_site_left_out_of_a_snapshot_is_as_it_was),
		cmocka_unit_test(a_site_left_out_of_a_keyframe_is_empty),
		cmocka_unit_test(two_ids_of_one_node_are_one_site_and_their_numbers_add_up),
		cmocka_unit_test(a_module_that_comes_back_elsewhere_is_the_same_code),
		cmocka_unit_test(more_doubles_than_can_be_added_up_still_lose_no_block),
		cmocka_unit_test(a_reused_address_belongs_to_the_module_of_its_generation),
		cmocka_unit_test(the_surest_end_wins),
		cmocka_unit_test(an_end_that_somebody_else_appended_is_no_damage),
		cmocka_unit_test(a_process_that_is_there_is_running_until_an_end_is_written),
		cmocka_unit_test(records_and_fields_of_a_later_minor_version_are_skipped),
		cmocka_unit_test(a_file_without_a_snapshot_is_read_without_error),
		cmocka_unit_test(finds_a_snapshot_by_number_label_and_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
