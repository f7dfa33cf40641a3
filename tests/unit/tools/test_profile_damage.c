/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_profile_damage: torn, damaged and hostile files.
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
#include <time.h>

#include "tests/support/profile_writer.h"
#include "tests/support/small_file.h"
#include "tools/model/error.h"
#include "tools/model/holders.h"
#include "tools/model/profile.h"
#include "tools/model/scan.h"

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
		fprintf(out, "pinned %u %" PRIu64 "\n", pins->sites[i].stack, pins->sites[i].bytes);
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
	size_t ends[SMALL_FILE_SNAPSHOTS], records[SMALL_FILE_RECORDS];
	size_t record_count = small_file_write(&writer, ends, records);

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
		while (complete < SMALL_FILE_SNAPSHOTS && ends[complete] <= size)
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
	size_t ends[SMALL_FILE_SNAPSHOTS], records[SMALL_FILE_RECORDS];
	small_file_write(&writer, ends, records);
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
	size_t ends[SMALL_FILE_SNAPSHOTS], records[SMALL_FILE_RECORDS];
	small_file_write(&writer, ends, records);
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
	size_t ends[SMALL_FILE_SNAPSHOTS], records[SMALL_FILE_RECORDS];
	small_file_write(&writer, ends, records);
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
	size_t ends[SMALL_FILE_SNAPSHOTS], records[SMALL_FILE_RECORDS];
	small_file_write(&writer, ends, records);
	writer.sequence += 5;
	profile_writer_snapshot(&writer, 9, 9, 0, SEEP_REASON_INTERVAL, "");
	profile_writer_snapshot_done(&writer);
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->damage.damaged_records, 5);
	assert_int_equal(profile->snapshot_count, SMALL_FILE_SNAPSHOTS + 1);
	profile_free(profile);
	profile_writer_free(&writer);
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
		size_t ends[SMALL_FILE_SNAPSHOTS], records[SMALL_FILE_RECORDS], changed = 0;
		size_t count = small_file_write(&writer, ends, records);
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

static void a_damaged_file_header_does_not_cost_the_snapshots(void **state)
{
	(void)state;
	struct profile_writer writer;
	size_t ends[SMALL_FILE_SNAPSHOTS], records[SMALL_FILE_RECORDS];
	small_file_write(&writer, ends, records);
	struct seep_file_header *header = (struct seep_file_header *)writer.file.bytes;
	header->header_bytes ^= 0x40;
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->snapshot_count, SMALL_FILE_SNAPSHOTS);
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
		cmocka_unit_test(random_changes_with_right_checksums_are_survived),
		cmocka_unit_test(random_garbage_is_survived),
		cmocka_unit_test(many_headers_that_claim_one_payload_do_not_take_for_ever),
		cmocka_unit_test(a_damaged_file_header_does_not_cost_the_snapshots),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
