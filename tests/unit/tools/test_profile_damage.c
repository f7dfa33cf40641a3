/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_profile_damage: torn, damaged, foreign and hostile files.
 *
 * Everything here also runs under ASan and UBSan (`make check-sanitize`).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/profile_writer.h"
#include "tools/model/error.h"
#include "tools/model/holders.h"
#include "tools/model/profile.h"
#include "tools/model/scan.h"

#define SNAPSHOTS 3

/* A small file; `ends[i]` is where snapshot i ends without its padding, `records[i]` where record i
 * ends. */
static size_t write_small(struct profile_writer *writer, size_t ends[SNAPSHOTS], size_t *records)
{
	size_t count = 0;
	profile_writer_start(writer);
	profile_writer_process(writer, 4711, "server");
	records[count++] = writer->file.size;
	profile_writer_module(writer, 0, 0, 0x10000, 0x20000, "/usr/bin/server");
	records[count++] = writer->file.size;
	profile_writer_node(writer, 1, 0, 0x10100, 0);
	records[count++] = writer->file.size;
	profile_writer_node(writer, 2, 1, 0x10200, 0);
	records[count++] = writer->file.size;
	for (uint32_t i = 0; i < SNAPSHOTS; i++) {
		profile_writer_snapshot(writer, i + 1, i + 0.5, i ? 0 : SEEP_SNAPSHOT_IS_KEYFRAME,
					SEEP_REASON_INTERVAL, i == 1 ? "mark" : "");
		profile_writer_entry(writer, 2, 10 + i, 1000 + 100 * i, 20 + i, 1);
		profile_writer_cohort(writer, 1, 10 + i, 1000 + 100 * i);
		profile_writer_snapshot_done(writer);
		struct seep_record_header header;
		memcpy(&header, writer->file.bytes + writer->last_record, sizeof(header));
		ends[i] = writer->last_record + sizeof(header) + header.payload_bytes;
		records[count++] = writer->file.size;
	}
	profile_writer_self_check(writer, (struct seep_self_check){.one_in = 1, .compared = 9},
				  &(struct seep_difference){2, 1, 4711, 0, 3}, 1);
	records[count++] = writer->file.size;
	profile_writer_frees(writer, (struct seep_frees){.snapshot = SNAPSHOTS, .one_in = 64},
			     (const struct profile_writer_freed[]){{1, 2, 7}, {2, 1, 5}, {2, 2, 9}},
			     3);
	records[count++] = writer->file.size;
	profile_writer_pins(writer, (struct seep_pins){.snapshot = SNAPSHOTS, .pinned_bytes = 9000},
			    (const struct profile_writer_pinned[]){{1, 5000}, {2, 4000}}, 2);
	records[count++] = writer->file.size;
	profile_writer_scan(writer, (struct seep_scan){.snapshot = SNAPSHOTS, .pause_ns = 5},
			    (const struct profile_writer_scanned[]){
				    {1, {{5, 500}, {4, 400}, {3, 300}, {1, 100}, {2, 64}}, 0},
				    {2, {{0, 0}, {2, 64}, {0, 0}, {0, 0}, {0, 0}}, 0}},
			    2);
	records[count++] = writer->file.size;
	profile_writer_holders(
		writer, (struct seep_holders){.snapshot = SNAPSHOTS},
		(const struct profile_writer_root[]){
			{{.kind = SEEP_ROOT_MODULE, .address = 0x10010}, ""},
			{{.kind = SEEP_ROOT_STACK, .pc = 0x10108, .thread = 4713}, "worker"}},
		2,
		(const struct profile_writer_path[]){
			{1, 10, 1, 0, {{0, 0, 0}}},
			{2, 90, 0, 3, {{1, 8, 1}, {0, 0, 7}, {2, 24, 1000}}}},
		2);
	records[count++] = writer->file.size;
	profile_writer_end(writer, SEEP_END_EXIT, 0);
	records[count++] = writer->file.size;
	return count;
}

static void describe_sum(FILE *out, struct block_sum sum)
{
	fprintf(out, " %" PRIu64 ":%" PRIu64, sum.blocks, sum.bytes);
}

static void describe_reachability(const struct profile *profile, FILE *out)
{
	const struct scan *scan = profile->scan;
	const struct holders *holders = profile->holders;
	if (scan)
		fprintf(out, "scan %u %d %" PRIu64 "\n", scan->raw.snapshot, scan->raw.outcome,
			scan->raw.pause_ns);
	for (size_t i = 0; scan && i < scan->site_count; i++) {
		const struct scanned_site *site = &scan->sites[i];
		fprintf(out, "scanned %u", site->stack);
		describe_sum(out, site->definitely);
		describe_sum(out, site->indirectly);
		describe_sum(out, site->possibly);
		describe_sum(out, site->reachable);
		describe_sum(out, site->below);
		fputc('\n', out);
	}
	for (size_t i = 0; holders && i < holders->root_count; i++)
		fprintf(out, "root %d %u %" PRIx64 " %" PRIx64 " %s\n", (int)holders->roots[i].kind,
			holders->roots[i].thread, holders->roots[i].address, holders->roots[i].pc,
			holders->roots[i].name);
	for (size_t i = 0; holders && i < holders->path_count; i++) {
		const struct holder_path *path = &holders->paths[i];
		fprintf(out, "path %u %u %" PRIu64, path->stack, path->root, path->blocks);
		for (uint32_t j = 0; j < path->step_count; j++)
			fprintf(out, " %u+%" PRIu64 "x%" PRIu64, path->steps[j].stack,
				path->steps[j].offset, path->steps[j].count);
		fputc('\n', out);
	}
}

/* Everything that a profile says, as one text for free. */
static char *describe(const struct profile *profile)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	fprintf(out, "%u %u %u %u %s %s %u %" PRIu64 " %" PRIu64 " %d %d %" PRIu64 " %d\n",
		profile->pid, profile->parent_pid, profile->forked_from, profile->inherited_epoch,
		profile->exe, profile->name, profile->stack_depth, profile->start_ticks,
		profile->started_unix_ns, (int)profile->end_how, profile->end_status,
		profile->ended_unix_ns, profile->is_running);
	for (size_t i = 0; i < profile->command_count; i++)
		fprintf(out, "argument %s\n", profile->command[i]);
	for (size_t i = 0; i < profile->module_count; i++) {
		const struct module *module = &profile->modules[i];
		fprintf(out, "module %u %u %u %u %" PRIx64 " %" PRIx64 " %" PRIx64 " %u %s\n",
			module->id, module->generation, module->loaded_epoch,
			module->unloaded_epoch, module->load_bias, module->start, module->end,
			module->flags, module->path);
		for (size_t j = 0; j < module->build_id_bytes; j++)
			fprintf(out, "%02x", module->build_id[j]);
	}
	for (size_t i = 1; i < profile->node_count; i++)
		fprintf(out, "node %u %u %" PRIx64 "\n", profile->nodes[i].parent,
			profile->nodes[i].module, profile->nodes[i].pc);
	for (size_t i = 0; i < profile->snapshot_count; i++) {
		const struct snapshot *snapshot = &profile->snapshots[i];
		fprintf(out, "snapshot %u %u %f %d %u %s %" PRIu64 " %" PRIu64 "\n",
			snapshot->number, snapshot->epoch, snapshot->time_s, (int)snapshot->reason,
			snapshot->flags, snapshot->label, snapshot->raw.live_bytes,
			snapshot->raw.rss_bytes);
	}
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct site *site = &profile->sites[i];
		for (uint32_t j = 0; j < site->point_count; j++) {
			const struct site_point *point = &site->points[j];
			fprintf(out, "point %u %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
				site->stack, point->snapshot, point->live_blocks, point->live_bytes,
				point->allocations, point->allocated_bytes);
			for (uint32_t k = 0; k < point->cohort_count; k++)
				fprintf(out, " %u:%" PRIu64 ":%" PRIu64, point->cohorts[k].epoch,
					point->cohorts[k].blocks, point->cohorts[k].bytes);
			fputc('\n', out);
		}
	}
	const struct self_check *check = profile->self_check;
	if (check)
		fprintf(out, "self-check %u %" PRIu64 "\n", check->raw.one_in, check->raw.compared);
	for (size_t i = 0; check && i < check->difference_count; i++)
		fprintf(out, "difference %u %u %u %" PRIu64 "\n", check->differences[i].ours,
			check->differences[i].libunwinds, check->differences[i].thread_id,
			check->differences[i].count);
	const struct free_samples *frees = profile->frees;
	if (frees)
		fprintf(out, "frees %u %u %" PRIu64 " %" PRIu64 "\n", frees->raw.snapshot,
			frees->raw.one_in, frees->raw.samples, frees->raw.lost);
	for (size_t i = 0; frees && i < frees->pair_count; i++)
		fprintf(out, "freed %u %u %" PRIu64 "\n", frees->pairs[i].stack,
			frees->pairs[i].free_stack, frees->pairs[i].samples);
	const struct site_pins *pins = profile->pins;
	if (pins)
		fprintf(out, "pins %u %" PRIu64 "\n", pins->raw.snapshot, pins->raw.pinned_bytes);
	for (size_t i = 0; pins && i < pins->site_count; i++)
		fprintf(out, "pinned %u %" PRIu64 "\n", pins->sites[i].stack,
			pins->sites[i].bytes);
	describe_reachability(profile, out);
	fclose(out);
	return text;
}

static void walk_reachability(const struct profile *profile)
{
	const struct scan *scan = profile->scan;
	const struct holders *holders = profile->holders;
	for (size_t i = 0; scan && i < scan->site_count; i++) {
		const struct scanned_site *site = &scan->sites[i];
		assert_true(site->stack && site->stack < profile->node_count);
		assert_true(i == 0 || site->stack > site[-1].stack);
		assert_ptr_equal(scan_site(scan, site->stack), site);
	}
	for (size_t i = 0; holders && i < holders->root_count; i++) {
		const struct holder_root *root = &holders->roots[i];
		assert_true(root->module == PROFILE_NO_MODULE ||
			    root->module < profile->module_count);
		assert_true(root->pc_module == PROFILE_NO_MODULE ||
			    root->pc_module < profile->module_count);
	}
	for (size_t i = 0; holders && i < holders->path_count; i++) {
		const struct holder_path *path = &holders->paths[i];
		assert_true(path->stack && path->stack < profile->node_count);
		assert_true(path->root < holders->root_count);
		assert_true(i == 0 || path->stack >= path[-1].stack);
		for (uint32_t j = 0; j < path->step_count; j++)
			assert_true(path->steps[j].stack < profile->node_count);
	}
}

/* Reads and walks through everything; also looks at each snapshot of each site. Returns the
 * description for free, or null when the file was refused. */
static char *try_bytes(const void *bytes, size_t size, bool *is_damaged, struct error *error)
{
	struct profile *profile;
	*error = (struct error){""};
	if (profile_writer_read_bytes(bytes, size, &profile, error) != 0) {
		assert_null(profile);
		assert_true(strlen(error->text) > 10);
		assert_null(strchr(error->text, '\n'));
		return NULL;
	}
	for (size_t i = 0; i < profile->site_count; i++) {
		uint32_t depth = 0;
		for (uint32_t id = profile->sites[i].stack; id; id = profile->nodes[id].parent) {
			assert_true(id < profile->node_count);
			assert_true(profile->nodes[id].parent < id);
			depth++;
		}
		assert_true(depth > 0);
		for (uint32_t j = 0; j < profile->sites[i].point_count; j++)
			assert_true(profile->sites[i].points[j].snapshot < profile->snapshot_count);
	}
	for (size_t i = 0; profile->self_check && i < profile->self_check->difference_count; i++) {
		const struct stack_difference *difference = &profile->self_check->differences[i];
		assert_true(difference->ours && difference->ours < profile->node_count);
		assert_true(difference->libunwinds && difference->libunwinds < profile->node_count);
	}
	for (size_t i = 0; profile->sampling && i < profile->sampling->site_count; i++) {
		const struct sampled_site *site = &profile->sampling->sites[i];
		assert_true(site->stack && site->stack < profile->node_count);
		assert_true(i == 0 || site->stack > site[-1].stack);
	}
	for (size_t i = 0; profile->pins && i < profile->pins->site_count; i++) {
		const struct pinned_site *site = &profile->pins->sites[i];
		assert_true(site->stack && site->stack < profile->node_count);
		assert_true(i == 0 || site->stack > site[-1].stack);
	}
	size_t pair_count = profile->frees ? profile->frees->pair_count : 0, freed = 0;
	for (size_t i = 0; i < pair_count; i++) {
		const struct free_pair *pair = &profile->frees->pairs[i];
		assert_true(pair->stack && pair->stack < profile->node_count);
		assert_true(pair->free_stack && pair->free_stack < profile->node_count);
		assert_true(i == 0 || pair->stack >= pair[-1].stack);
	}
	for (size_t i = 0; i < profile->site_count; i++) {
		size_t freers;
		assert_true(site_freers(profile, &profile->sites[i], &freers) || !freers);
		freed += freers;
	}
	assert_true(freed <= pair_count);
	walk_reachability(profile);
	*is_damaged = profile->damage.damaged_records || profile->damage.skipped_bytes ||
		      profile->damage.tail_is_torn;
	char *text = describe(profile);
	profile_free(profile);
	return text;
}

static void a_file_torn_anywhere_keeps_every_complete_snapshot(void **state)
{
	(void)state;
	struct profile_writer writer;
	size_t ends[SNAPSHOTS], records[16];
	size_t record_count = write_small(&writer, ends, records);

	for (size_t size = 0; size <= writer.file.size; size++) {
		struct profile *profile;
		struct error error = {""};
		int result = profile_writer_read_bytes(writer.file.bytes, size, &profile, &error);
		bool is_whole = size == sizeof(struct seep_file_header);
		for (size_t i = 0; i < record_count; i++)
			is_whole |= size == records[i];
		if (result) {
			/* Only before the end of the first record, whose padding may be missing. */
			assert_true(size < records[0]);
			assert_int_equal(result, -ENODATA);
			assert_non_null(
				strstr(error.text, size ? "before the first record" : "is empty"));
			continue;
		}
		size_t complete = 0;
		while (complete < SNAPSHOTS && ends[complete] <= size)
			complete++;
		assert_int_equal(profile->snapshot_count, complete);
		assert_int_equal(profile->damage.damaged_records, 0);
		if (is_whole)
			assert_false(profile->damage.tail_is_torn);
		if (profile->damage.tail_is_torn)
			assert_true(profile->damage.skipped_bytes > 0);
		for (size_t i = 0; i < complete; i++) {
			assert_int_equal(site_at(&profile->sites[0], i)->live_blocks, 10 + i);
			assert_int_equal(site_at(&profile->sites[0], i)->live_bytes,
					 1000 + 100 * i);
		}
		profile_free(profile);
	}
	profile_writer_free(&writer);
}

static void no_changed_byte_passes_unnoticed(void **state)
{
	(void)state;
	static const uint8_t changes[] = {0x01, 0x80, 0xff};
	struct profile_writer writer;
	size_t ends[SNAPSHOTS], records[16];
	write_small(&writer, ends, records);
	struct error error;
	bool is_damaged;
	char *sound = try_bytes(writer.file.bytes, writer.file.size, &is_damaged, &error);
	assert_non_null(sound);
	assert_false(is_damaged);

	for (size_t at = 0; at < writer.file.size; at++) {
		for (size_t i = 0; i < sizeof(changes); i++) {
			writer.file.bytes[at] ^= changes[i];
			char *text =
				try_bytes(writer.file.bytes, writer.file.size, &is_damaged, &error);
			if (text && !is_damaged && strcmp(text, sound) != 0)
				fail_msg("byte %zu ^ %02x was believed:\n%s", at, changes[i], text);
			free(text);
			writer.file.bytes[at] ^= changes[i];
		}
	}
	free(sound);
	profile_writer_free(&writer);
}

static void what_follows_a_damaged_record_is_found(void **state)
{
	(void)state;
	struct profile_writer writer;
	size_t ends[SNAPSHOTS], records[16];
	write_small(&writer, ends, records);
	/* In the payload and in the header of the second snapshot. */
	const size_t places[] = {ends[1] - 1, records[4] + 3};
	for (size_t i = 0; i < 2; i++) {
		writer.file.bytes[places[i]] ^= 0x10;
		struct profile *profile = profile_writer_read(&writer);
		assert_int_equal(profile->snapshot_count, 2);
		assert_int_equal(profile->snapshots[1].number, 3);
		assert_int_equal(profile->damage.damaged_records, 1);
		assert_int_equal(profile->damage.skipped_bytes, records[5] - records[4]);
		assert_false(profile->damage.tail_is_torn);
		assert_int_equal(profile->end_how, SEEP_END_EXIT);
		profile_free(profile);
		writer.file.bytes[places[i]] ^= 0x10;
	}
	profile_writer_free(&writer);
}

static void a_record_appended_behind_a_torn_one_counts(void **state)
{
	(void)state;
	struct profile_writer writer;
	size_t ends[SNAPSHOTS], records[16];
	write_small(&writer, ends, records);
	/* The last snapshot is torn in its middle, then somebody says how the process ended. */
	writer.file.size = (records[5] + 48) & ~(size_t)7;
	profile_writer_end(&writer, SEEP_END_SIGNAL, 9);
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->snapshot_count, 2);
	assert_int_equal(profile->end_how, SEEP_END_SIGNAL);
	assert_int_equal(profile->end_status, 9);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void records_that_never_reached_the_file_are_counted(void **state)
{
	(void)state;
	struct profile_writer writer;
	size_t ends[SNAPSHOTS], records[16];
	write_small(&writer, ends, records);
	writer.sequence += 5;
	profile_writer_snapshot(&writer, 9, 9, 0, SEEP_REASON_INTERVAL, "");
	profile_writer_snapshot_done(&writer);
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->damage.damaged_records, 5);
	assert_int_equal(profile->snapshot_count, SNAPSHOTS + 1);
	profile_free(profile);
	profile_writer_free(&writer);
}

/* Appends a snapshot made by hand and expects it to be damage that changes nothing else. */
static void expect_refused(void (*make)(struct profile_writer *writer), size_t snapshots_kept)
{
	struct profile_writer writer;
	size_t ends[SNAPSHOTS], records[16];
	write_small(&writer, ends, records);
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
	profile_writer_samples(writer, (struct seep_samples){.snapshot = SNAPSHOTS},
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
	profile_writer_frees(writer, (struct seep_frees){.snapshot = SNAPSHOTS},
			     &(struct profile_writer_freed){0, 1, 1}, 1);
}

static void make_frees_by_the_root(struct profile_writer *writer)
{
	profile_writer_frees(writer, (struct seep_frees){.snapshot = SNAPSHOTS},
			     &(struct profile_writer_freed){1, 0, 1}, 1);
}

static void make_equal_frees(struct profile_writer *writer)
{
	static const struct profile_writer_freed pairs[] = {{1, 2, 1}, {1, 2, 1}};
	profile_writer_frees(writer, (struct seep_frees){.snapshot = SNAPSHOTS}, pairs, 2);
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
	profile_writer_frees(writer, (struct seep_frees){.snapshot = SNAPSHOTS},
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
	profile_writer_pins(writer, (struct seep_pins){.snapshot = SNAPSHOTS},
			    &(struct profile_writer_pinned){0, 5000}, 1);
}

static void make_pins_of_an_unknown_stack(struct profile_writer *writer)
{
	profile_writer_pins(writer, (struct seep_pins){.snapshot = SNAPSHOTS},
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
	profile_writer_scan(writer, (struct seep_scan){.snapshot = SNAPSHOTS},
			    &(struct profile_writer_scanned){.stack = 0}, 1);
}

static void make_scan_of_an_unknown_stack(struct profile_writer *writer)
{
	profile_writer_scan(writer, (struct seep_scan){.snapshot = SNAPSHOTS},
			    &(struct profile_writer_scanned){.stack = 99}, 1);
}

/* Holders with one root and this path. */
static void make_path(struct profile_writer *writer, struct profile_writer_path path)
{
	profile_writer_holders(
		writer, (struct seep_holders){.snapshot = SNAPSHOTS},
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
	profile_writer_holders(writer, (struct seep_holders){.snapshot = SNAPSHOTS},
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
	expect_refused(make_backward_epoch, SNAPSHOTS);
	expect_refused(make_backward_number, SNAPSHOTS);
	expect_refused(make_backward_time, SNAPSHOTS);
	expect_refused(make_many_entries, SNAPSHOTS);
	expect_refused(make_many_cohorts, SNAPSHOTS);
	expect_refused(make_long_label, SNAPSHOTS);
	expect_refused(make_far_entries, SNAPSHOTS);
	expect_refused(make_long_struct, SNAPSHOTS);
	expect_refused(make_endless_varint, SNAPSHOTS);
	/* … of others only the entries that are wrong. */
	expect_refused(make_unknown_stack, SNAPSHOTS + 1);
	expect_refused(make_wrong_cohorts, SNAPSHOTS + 1);
	expect_refused(make_overflowing_cohorts, SNAPSHOTS + 1);
	expect_refused(make_future_cohort, SNAPSHOTS + 1);
	expect_refused(make_orphan_node, SNAPSHOTS);
	expect_refused(make_distant_node, SNAPSHOTS);
	expect_refused(make_node_again, SNAPSHOTS);
	expect_refused(make_node_before_root, SNAPSHOTS);
	expect_refused(make_many_nodes, SNAPSHOTS);
	expect_refused(make_torn_module, SNAPSHOTS);
	expect_refused(make_inverted_module, SNAPSHOTS);
	expect_refused(make_many_differences, SNAPSHOTS);
	expect_refused(make_short_differences, SNAPSHOTS);
	expect_refused(make_difference_of_unknown_stacks, SNAPSHOTS);
	expect_refused(make_many_samples, SNAPSHOTS);
	expect_refused(make_cut_samples, SNAPSHOTS);
	expect_refused(make_samples_of_an_unknown_stack, SNAPSHOTS);
	expect_refused(make_many_frees, SNAPSHOTS);
	expect_refused(make_cut_frees, SNAPSHOTS);
	expect_refused(make_frees_of_the_root, SNAPSHOTS);
	expect_refused(make_frees_by_the_root, SNAPSHOTS);
	expect_refused(make_equal_frees, SNAPSHOTS);
	expect_refused(make_frees_beyond_all_ids, SNAPSHOTS);
	expect_refused(make_frees_by_an_unknown_stack, SNAPSHOTS);
	expect_refused(make_many_pins, SNAPSHOTS);
	expect_refused(make_cut_pins, SNAPSHOTS);
	expect_refused(make_pins_of_the_root, SNAPSHOTS);
	expect_refused(make_pins_of_an_unknown_stack, SNAPSHOTS);
	expect_refused(make_many_scanned, SNAPSHOTS);
	expect_refused(make_cut_scan, SNAPSHOTS);
	expect_refused(make_short_scan, SNAPSHOTS);
	expect_refused(make_scan_of_the_root, SNAPSHOTS);
	expect_refused(make_scan_of_an_unknown_stack, SNAPSHOTS);
	expect_refused(make_path_of_the_root, SNAPSHOTS);
	expect_refused(make_path_of_an_unknown_stack, SNAPSHOTS);
	expect_refused(make_path_from_nowhere, SNAPSHOTS);
	expect_refused(make_path_through_an_unknown_stack, SNAPSHOTS);
	expect_refused(make_root_in_an_unknown_module, SNAPSHOTS);
	expect_refused(make_many_roots, SNAPSHOTS);
	expect_refused(make_many_paths, SNAPSHOTS);
	expect_refused(make_paths_in_the_head, SNAPSHOTS);
	expect_refused(make_far_paths, SNAPSHOTS);
	expect_refused(make_many_steps, SNAPSHOTS);
}

/* ---- garbage ---- */

static uint64_t random_state;

static uint64_t next_random(void)
{
	/* xorshift64*, Vigna 2016 */
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

/* SEEP_TEST_SEED repeats a run. */
static void seed_random(void)
{
	const char *text = getenv("SEEP_TEST_SEED");
	random_state = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL) * 2 + 1;
	print_message("SEEP_TEST_SEED=%" PRIu64 "\n", random_state);
}

static void random_changes_with_right_checksums_are_survived(void **state)
{
	(void)state;
	seed_random();
	for (int round = 0; round < 3000; round++) {
		struct profile_writer writer;
		size_t ends[SNAPSHOTS], records[16], changed = 0;
		size_t count = write_small(&writer, ends, records);
		size_t which = next_random() % count;
		writer.last_record = which ? records[which - 1] : sizeof(struct seep_file_header);
		size_t start = writer.last_record + sizeof(struct seep_record_header);
		size_t room = records[which] - start;
		for (changed = 1 + next_random() % 4; changed; changed--) {
			static const uint8_t nasty[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
			uint64_t number = next_random();
			uint8_t value = number & 1 ? nasty[(number >> 8) % sizeof(nasty)]
						   : (uint8_t)(number >> 16);
			writer.file.bytes[start + (number >> 32) % room] = value;
		}
		profile_writer_reseal(&writer);
		struct error error;
		bool is_damaged;
		free(try_bytes(writer.file.bytes, writer.file.size, &is_damaged, &error));
		profile_writer_free(&writer);
	}
}

static void random_garbage_is_survived(void **state)
{
	(void)state;
	seed_random();
	for (int round = 0; round < 300; round++) {
		struct profile_writer writer;
		profile_writer_start(&writer);
		size_t size = next_random() % 2000;
		for (size_t i = 0; i < size; i++) {
			uint8_t byte = (uint8_t)(next_random() >> 40);
			profile_writer_put(&writer, &byte, 1);
		}
		/* Sometimes framed as a record, sometimes bare. */
		if (round % 2) {
			profile_writer_record(&writer, 1 + next_random() % 13);
		} else {
			struct byte_list garbage = writer.payload;
			writer.payload = (struct byte_list){0};
			profile_writer_process(&writer, 1, "x");
			profile_writer_put(&writer, garbage.bytes, garbage.size);
			size_t before = writer.file.size;
			profile_writer_record(&writer, 1);
			writer.file.bytes[before] ^= 0xff;
			free(garbage.bytes);
		}
		struct error error;
		bool is_damaged = false;
		free(try_bytes(writer.file.bytes, writer.file.size, &is_damaged, &error));
		profile_writer_free(&writer);
	}
}

static void many_headers_that_claim_one_payload_do_not_take_for_ever(void **state)
{
	(void)state;
	/* 2 MiB of sound headers, each claiming all that follows with a wrong checksum. */
	enum { HEADERS = 65536 };
	struct profile_writer writer;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	size_t at = writer.file.size;
	for (size_t i = 0; i < HEADERS * sizeof(struct seep_record_header); i += 64)
		profile_writer_put(&writer, (const uint8_t[64]){0}, 64);
	profile_writer_record(&writer, SEEP_RECORD_SNAPSHOT);
	for (; writer.file.size - at > sizeof(struct seep_record_header);
	     at += sizeof(struct seep_record_header)) {
		struct seep_record_header header = {
			.magic = SEEP_RECORD_MAGIC,
			.payload_bytes = (uint32_t)(writer.file.size - at - sizeof(header)),
			.payload_crc = 0x12345678,
		};
		memcpy(writer.file.bytes + at, &header, sizeof(header));
		struct profile_writer one = {.file = writer.file, .last_record = at};
		profile_writer_seal_header(&one);
	}
	clock_t start = clock();
	struct profile *profile = profile_writer_read(&writer);
	assert_true(profile->damage.damaged_records > 0);
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 5);
	profile_free(profile);
	profile_writer_free(&writer);
}

/* ---- refusals ---- */

static void expect_sentence(const char *path, int code, const char *part)
{
	struct profile *profile;
	struct error error = {""};
	assert_int_equal(profile_read(path, &profile, &error), -code);
	if (!strstr(error.text, part))
		fail_msg("\"%s\" does not say \"%s\"", error.text, part);
}

static void expect_bytes_sentence(const void *bytes, size_t size, int code, const char *part)
{
	struct profile *profile;
	struct error error = {""};
	assert_int_equal(profile_writer_read_bytes(bytes, size, &profile, &error), -code);
	if (!strstr(error.text, part))
		fail_msg("\"%s\" does not say \"%s\"", error.text, part);
}

static void every_refusal_says_what_is_wrong(void **state)
{
	(void)state;
	expect_sentence("/nonexistent/file.seep", ENOENT, "there is no file");
	expect_sentence("/tmp", EISDIR, "is a directory");
	expect_sentence("/dev/null", EINVAL, "is a device");
	expect_sentence("/dev/zero", EINVAL, "is a device");
	expect_bytes_sentence("", 0, ENODATA, "is empty");
	expect_bytes_sentence("\x7f"
			      "ELF and more than one header's worth of bytes, so that it is read",
			      64, EINVAL, "not a seep file");
	expect_bytes_sentence("S", 1, ENODATA, "cut off before the first record");

	struct profile_writer writer;
	profile_writer_start(&writer);
	expect_bytes_sentence(writer.file.bytes, writer.file.size, ENODATA,
			      "cut off before the first record");
	struct seep_file_header *header = (struct seep_file_header *)writer.file.bytes;
	header->version_major = 7;
	header->version_minor = 2;
	profile_writer_process(&writer, 4711, "server");
	expect_bytes_sentence(writer.file.bytes, writer.file.size, ENOTSUP, "version 7.2");
	expect_bytes_sentence(writer.file.bytes, writer.file.size, ENOTSUP, "up to version 1.6");
	profile_writer_free(&writer);
}

static void says_permission_denied(void **state)
{
	(void)state;
	if (geteuid() == 0) {
		print_message("skipped: root may read everything\n");
		skip();
	}
	char path[] = "/tmp/seep-unit-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	chmod(path, 0);
	expect_sentence(path, EACCES, "permission denied");
	unlink(path);
}

static void a_damaged_file_header_does_not_cost_the_snapshots(void **state)
{
	(void)state;
	struct profile_writer writer;
	size_t ends[SNAPSHOTS], records[16];
	write_small(&writer, ends, records);
	struct seep_file_header *header = (struct seep_file_header *)writer.file.bytes;
	header->header_bytes ^= 0x40;
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->snapshot_count, SNAPSHOTS);
	assert_int_equal(profile->damage.damaged_records, 1);
	assert_int_equal(profile->started_unix_ns, 0);
	profile_free(profile);
	profile_writer_free(&writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_torn_anywhere_keeps_every_complete_snapshot),
		cmocka_unit_test(no_changed_byte_passes_unnoticed),
		cmocka_unit_test(what_follows_a_damaged_record_is_found),
		cmocka_unit_test(a_record_appended_behind_a_torn_one_counts),
		cmocka_unit_test(records_that_never_reached_the_file_are_counted),
		cmocka_unit_test(what_cannot_be_true_is_damage_although_its_checksum_is_right),
		cmocka_unit_test(random_changes_with_right_checksums_are_survived),
		cmocka_unit_test(random_garbage_is_survived),
		cmocka_unit_test(many_headers_that_claim_one_payload_do_not_take_for_ever),
		cmocka_unit_test(every_refusal_says_what_is_wrong),
		cmocka_unit_test(says_permission_denied),
		cmocka_unit_test(a_damaged_file_header_does_not_cost_the_snapshots),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
