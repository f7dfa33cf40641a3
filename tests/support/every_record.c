/* SPDX-License-Identifier: Apache-2.0 */
/*
 * every_record: a run with every kind of record. The files in tests/unit/files/ say the same, each as far as
 * its version of the format can: what is changed here must hold for those that come.
 */
#include "tests/support/every_record.h"

#include "tests/support/profile_writer.h"

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

void every_record_write(struct profile_writer *writer)
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
	writer->snapshot.missed_snapshots = 3;
	writer->snapshot.missed_error = 28; /* ENOSPC */
	writer->snapshot.unseen_frees = 7;
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
	profile_writer_fatal_free(writer, (struct seep_fatal_free){.snapshot = 5, .freed_by = 1},
				  "free(): invalid size");
	profile_writer_fatal_free(writer,
				  (struct seep_fatal_free){.snapshot = 6,
							   .freed_by = 3,
							   .allocated_by = 2,
							   .block_bytes = 400,
							   .block_offset = 64},
				  "free(): invalid pointer");
	profile_writer_end(writer, SEEP_END_EXIT, 3);
}
