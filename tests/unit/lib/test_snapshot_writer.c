/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_snapshot_writer: what the library writes is what the tool reads.
 *
 * Random histories of blocks at sites of our own making, snapshots in between; the files are read
 * with the tool's reader and compared site by site, snapshot by snapshot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/buffer.h"
#include "lib/base/options.h"
#include "lib/record/call_tree.h"
#include "lib/record/epoch.h"
#include "lib/record/free_pairs.h"
#include "lib/record/live_table.h"
#include "lib/record/map_table.h"
#include "lib/record/module_list.h"
#include "lib/record/recorder.h"
#include "lib/record/site_counters.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/site_totals.h"
#include "lib/snapshot/snapshot_file.h"
#include "lib/snapshot/snapshot_writer.h"
#include "tests/support/lib_crowd.h"
#include "tests/support/lib_history.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_random.h"
#include "tests/support/lib_stack.h"
#include "tests/support/lib_written.h"
#include "tools/model/profile.h"

#define SITES 200u
#define PLACE 0x790000000000ull
#define EPOCHS_MAX 10000u
#define TYPES_MAX 64u
#define OF_OTHERS 63u /* a type that no record of ours has */

/* The program that we play: its sites, and the blocks that are live. */
static uint32_t stacks[SITES];
static uint64_t stack_frames[SITES][8];
static uint32_t stack_depths[SITES];
static struct lib_history_value now[SITES];
static struct lib_history history = {.site_count = SITES, .stacks = stacks};

struct block {
	uint64_t addr, bytes;
	uint32_t site, epoch;
};
static struct block *live;
static size_t live_count, live_room;
static uint64_t next_addr = PLACE;

static char folder[] = "/tmp/seep-unit-XXXXXX";

static uint64_t frame_numbered(uint64_t number)
{
	const struct loaded_module *module = module_list_at(0);

	return module->start + number % (module->end - module->start);
}

static void make_sites(struct lib_random *random)
{
	for (uint32_t s = 0; s < SITES; s++) {
		uint64_t *frames = stack_frames[s];

		stack_depths[s] = 2 + (uint32_t)lib_random_below(random, 6);
		for (uint32_t i = 0; i < stack_depths[s]; i++)
			frames[i] = frame_numbered(i < 2 ? 64 + s * 8 + i
							 : 8 + lib_random_below(random, 5));
	}
	/* In this order, so that ids rise with the sites. */
	for (uint32_t s = 0; s < SITES; s++)
		stacks[s] = lib_stack_id(stack_frames[s], stack_depths[s]);
}

static void allocate(struct lib_random *random, uint32_t site)
{
	uint64_t bytes = lib_random_below(random, lib_random_once_in(random, 10) ? 90000 : 900);
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block = {
		.bytes = bytes, .stack = stacks[site], .epoch = epoch_now(), .kind = BLOCK_MALLOC};
	struct live_block old;

	if (live_count == live_room) {
		live_room = live_room * 2 + 1024;
		live = realloc(live, live_room * sizeof(*live));
	}
	live[live_count++] = (struct block){next_addr, bytes, site, block.epoch};
	assert_int_equal(live_table_add(&guard, next_addr, &block, &old), LIVE_TABLE_ADDED);
	site_counters_add(&guard, block.stack, bytes);
	guard_count(&guard, COUNT_ALLOCATIONS, 1);
	guard_count(&guard, COUNT_ALLOCATED_BYTES, bytes);
	next_addr += 32;
	now[site].blocks++;
	now[site].bytes += bytes;
	now[site].allocations++;
	now[site].allocated_bytes += bytes;
}

static void release(size_t index)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	const struct block gone = live[index];
	struct live_block block;

	assert_true(live_table_remove(&guard, gone.addr, &block));
	if (gone.epoch <= recorder_inherited_epoch) {
		guard_count(&guard, COUNT_INHERITED_FREES, 1);
	} else {
		guard_count(&guard, COUNT_FREES, 1);
		guard_count(&guard, COUNT_FREED_BYTES, gone.bytes);
	}
	now[gone.site].blocks--;
	now[gone.site].bytes -= gone.bytes;
	live[index] = live[--live_count];
}

/* After a test, also one that failed: its guard was never left. */
static int clear(void **state)
{
	(void)state;
	guard_enter().thread->inside = 0;
	while (live_count > 0)
		release(live_count - 1);
	if (snapshot_file_path()[0] != 0)
		snapshot_file_remove();
	return 0;
}

/* Busy sites and quiet ones; blocks that stay and blocks that go. */
static void play(struct lib_random *random, uint32_t steps)
{
	for (uint32_t i = 0; i < steps; i++) {
		uint32_t site = (uint32_t)lib_random_below(
			random, lib_random_once_in(random, 2) ? SITES : 10);

		if (live_count > 20000 || (live_count > 0 && lib_random_below(random, 100) < 48))
			release(lib_random_below(random, live_count));
		else
			allocate(random, site);
	}
}

static void start_file(const char *name)
{
	snprintf(options.output, sizeof(options.output), "%s/%s", folder, name);
	snapshot_writer_postfork_child();
	process_facts_read(0);
	assert_int_equal(snapshot_writer_start(), 0);
	lib_history_free(&history);
	history = (struct lib_history){.site_count = SITES, .stacks = stacks};
}

static void take(enum seep_snapshot_reason reason, const char *label)
{
	struct snapshot_result result;
	uint64_t bytes = 0;

	assert_int_equal(snapshot_writer_take(reason, label, true, &result), 0);
	lib_history_add(&history, now);
	assert_int_equal(result.number, history.snapshot_count);
	assert_int_equal(result.live_blocks, live_count);
	for (size_t i = 0; i < live_count; i++)
		bytes += live[i].bytes;
	assert_int_equal(result.live_bytes, bytes);
}

/* By type. The file is sound from one end to the other. */
static void count_records(uint32_t records[TYPES_MAX])
{
	long offset = sizeof(struct seep_file_header);
	struct seep_record_header header;
	uint32_t count = 0;
	FILE *file = fopen(snapshot_file_path(), "r");

	assert_non_null(file);
	while (fseek(file, offset, SEEK_SET) == 0 && fread(&header, sizeof(header), 1, file) == 1) {
		assert_int_equal(header.magic, SEEP_RECORD_MAGIC);
		assert_int_equal(header.sequence, count++);
		assert_true(header.type < TYPES_MAX);
		records[header.type]++;
		offset += (long)(sizeof(header) + header.payload_bytes + SEEP_RECORD_ALIGN - 1) /
			  SEEP_RECORD_ALIGN * SEEP_RECORD_ALIGN;
	}
	fclose(file);
	assert_int_equal(offset, snapshot_file_bytes());
}

static void check_stacks(const struct profile *profile)
{
	for (uint32_t s = 0; s < SITES; s++) {
		uint32_t node = stacks[s];

		for (uint32_t i = 0; i < stack_depths[s]; i++) {
			assert_true(node != 0 && node < profile->node_count);
			assert_int_equal(profile->nodes[node].pc, stack_frames[s][i]);
			assert_int_equal(profile->nodes[node].module, 0);
			node = profile->nodes[node].parent;
		}
		assert_int_equal(node, 0);
	}
}

/* In a snapshot that is not fuzzy the totals fit together, and with the sites. */
static void check_totals(const struct profile *profile)
{
	for (size_t i = 0; i < profile->snapshot_count; i++) {
		const struct seep_snapshot *raw = &profile->snapshots[i].raw;
		const struct lib_history_value *row =
			&history.values[(profile->snapshots[i].number - 1) * SITES];
		struct lib_history_value sum = {0};

		for (uint32_t s = 0; s < SITES; s++) {
			sum.blocks += row[s].blocks;
			sum.bytes += row[s].bytes;
		}
		assert_int_equal(raw->live_blocks, sum.blocks);
		assert_int_equal(raw->live_bytes, sum.bytes);
		assert_true(raw->allocations - raw->frees ==
			    raw->live_blocks - raw->inherited_blocks);
		assert_true(raw->allocated_bytes - raw->freed_bytes ==
			    raw->live_bytes - raw->inherited_bytes);
		assert_int_equal(raw->lost_blocks, 0);
		assert_int_equal(raw->flags & SEEP_SNAPSHOT_IS_FUZZY, 0);
		assert_true(raw->rss_bytes > 0 && raw->vm_bytes >= raw->rss_bytes);
		assert_true(raw->own_bytes > 0 && raw->own_bytes <= raw->rss_bytes);
	}
}

static void the_file_says_what_was_recorded(void **state)
{
	struct lib_random random = lib_random_start();
	struct profile *profile;

	(void)state;
	start_file("plain.%p.%e%%");
	for (uint32_t i = 0; i < 150; i++) {
		play(&random, (uint32_t)lib_random_below(&random, 600));
		take(i % 9 == 8 ? SEEP_REASON_REQUEST : SEEP_REASON_INTERVAL,
		     i % 9 == 8 ? "a label" : NULL);
	}
	assert_int_equal(snapshot_writer_end(SEEP_END_EXIT, 3), 0);
	profile = lib_written_read();
	assert_int_equal(profile->snapshot_count, 150);
	assert_int_equal(lib_history_mistakes(&history, profile), 0);
	check_stacks(profile);
	check_totals(profile);
	for (uint32_t i = 0; i < 150; i++) {
		assert_int_equal(profile->snapshots[i].number, i + 1);
		assert_int_equal(profile->snapshots[i].reason,
				 i % 9 == 8 ? SEEP_REASON_REQUEST : SEEP_REASON_INTERVAL);
		assert_string_equal(profile->snapshots[i].label, i % 9 == 8 ? "a label" : "");
		assert_true(i == 0 ||
			    profile->snapshots[i].time_s >= profile->snapshots[i - 1].time_s);
		assert_true(i == 0 ||
			    profile->snapshots[i].epoch == profile->snapshots[i - 1].epoch + 1);
	}
	assert_int_equal(profile->end_how, SEEP_END_EXIT);
	assert_int_equal(profile->end_status, 3);
	assert_int_equal(profile->pid, getpid());
	assert_int_equal(profile->parent_pid, getppid());
	assert_string_equal(profile->name, process_facts.name);
	assert_int_equal(profile->stack_depth, options.stack_depth);
	assert_true(profile->command_count >= 1);
	assert_true(profile->modules[0].flags & SEEP_MODULE_IS_EXECUTABLE);
	assert_string_equal(profile->modules[0].path, profile->exe);
	assert_true(profile->modules[0].build_id_bytes > 0);
	profile_free(profile);
}

static struct stat status_of(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status;
}

static void the_file_is_private_and_named_as_wished(void **state)
{
	char expected[256];

	(void)state;
	start_file("%e.%p.%%.seep");
	snprintf(expected, sizeof(expected), "%s/%s.%d.%%.seep", folder, process_facts.name,
		 (int)getpid());
	assert_string_equal(snapshot_file_path(), expected);
	assert_int_equal(status_of(expected).st_mode & 07777, 0600);
	/* A second one of that name does not harm the first. */
	snapshot_writer_postfork_child();
	assert_int_equal(snapshot_writer_start(), 0);
	unlink(expected);
	snprintf(expected, sizeof(expected), "%s/%s.%d.%%.2.seep", folder, process_facts.name,
		 (int)getpid());
	assert_string_equal(snapshot_file_path(), expected);
}

static uint64_t limited_run(struct lib_random *random, uint64_t max_bytes, uint32_t snapshots)
{
	uint64_t largest = 0;

	options.max_file_bytes = max_bytes;
	start_file("limited");
	for (uint32_t i = 0; i < snapshots; i++) {
		uint64_t bytes;

		play(random, (uint32_t)lib_random_below(random, 300));
		take(SEEP_REASON_INTERVAL, i == 7 ? "kept" : NULL);
		bytes = (uint64_t)status_of(snapshot_file_path()).st_size;
		assert_int_equal(bytes, snapshot_file_bytes());
		if (bytes > largest)
			largest = bytes;
	}
	options.max_file_bytes = 64ull << 20;
	return largest;
}

static void the_file_stays_within_its_limit(void **state)
{
	struct lib_random random = lib_random_start();
	const uint64_t limits[] = {200 << 10, 400 << 10, 1 << 20};
	struct profile *profile;
	char thinning[256];

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		uint64_t largest = limited_run(&random, limits[i], 1000);
		size_t label;

		profile = lib_written_read();
		print_message("          limit %u KiB: %u of 1000 snapshots kept, largest file %u "
			      "KiB\n",
			      (unsigned)(limits[i] >> 10), (unsigned)profile->snapshot_count,
			      (unsigned)(largest >> 10));
		assert_true(largest <= limits[i]);
		assert_true(profile->snapshot_count >= 8 && profile->snapshot_count < 1000);
		assert_int_equal(profile->snapshots[0].number, 1);
		assert_int_equal(profile->snapshots[profile->snapshot_count - 1].number, 1000);
		assert_int_equal(profile_find_snapshot(profile, "kept", &label, NULL), 0);
		assert_int_equal(profile->snapshots[label].number, 8);
		assert_int_equal(lib_history_mistakes(&history, profile), 0);
		check_stacks(profile);
		check_totals(profile);
		profile_free(profile);
		snprintf(thinning, sizeof(thinning), "%s.thin", snapshot_file_path());
		assert_int_not_equal(access(thinning, F_OK), 0);
		clear(NULL);
	}
}

/* A program with a label for each of its jobs, and a file that is too small for them. */
static void check_labels_stay_within_the_limit(enum seep_snapshot_reason reason)
{
	struct lib_random random = lib_random_start();
	const uint64_t max_bytes = 200 << 10;
	uint32_t starts = 0, stops = 0;
	struct profile *profile;

	options.max_file_bytes = max_bytes;
	start_file("labelled");
	for (uint32_t i = 0; i < 500; i++) {
		play(&random, (uint32_t)lib_random_below(&random, 300));
		take(reason, i % 2 == 0 ? "start" : "stop");
		assert_true(snapshot_file_bytes() <= max_bytes);
	}
	profile = lib_written_read();
	for (size_t i = 0; i < profile->snapshot_count; i++) {
		assert_int_equal(profile->snapshots[i].reason, reason);
		starts += strcmp(profile->snapshots[i].label, "start") == 0;
		stops += strcmp(profile->snapshots[i].label, "stop") == 0;
	}
	print_message("          %u of 250 starts, %u of 250 stops kept\n", starts, stops);
	assert_true(starts >= 3 && stops >= 3);
	assert_int_equal(starts + stops, profile->snapshot_count);
	assert_int_equal(lib_history_mistakes(&history, profile), 0);
	profile_free(profile);
	options.max_file_bytes = 64ull << 20;
}

static void marks_stay_within_the_limit(void **state)
{
	(void)state;
	check_labels_stay_within_the_limit(SEEP_REASON_MARK);
}

static void what_the_program_asks_for_stays_within_the_limit(void **state)
{
	(void)state;
	check_labels_stay_within_the_limit(SEEP_REASON_REQUEST);
}

static void what_finds_no_room_says_so(void **state)
{
	struct lib_random random = lib_random_start();
	uint64_t bytes;
	struct stat status;
	int fd;

	(void)state;
	start_file("no_room");
	play(&random, 3000);
	take(SEEP_REASON_INTERVAL, NULL);
	play(&random, 300);
	/* What can never go fills it already. */
	options.max_file_bytes = snapshot_file_bytes();
	bytes = snapshot_file_bytes();
	assert_int_equal(snapshot_writer_take(SEEP_REASON_MARK, "idle", true, NULL), -EFBIG);
	assert_int_equal(snapshot_writer_take(SEEP_REASON_REQUEST, "asked", true, NULL), -EFBIG);
	/* Records of which only the newest counts may have gone. */
	assert_true(snapshot_file_bytes() <= bytes);
	/* Where nothing can go the file is not copied each time to find that out. */
	fd = open(snapshot_file_path(), O_RDONLY);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(snapshot_writer_take(SEEP_REASON_INTERVAL, NULL, true, NULL),
				 -EFBIG);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_nlink, 1);
	close(fd);
	/* Somebody waits for this one. */
	assert_int_equal(snapshot_writer_take(SEEP_REASON_REQUEST, NULL, true, NULL), 0);
	bytes = snapshot_file_bytes();
	options.max_file_bytes = 64ull << 20;
	assert_int_equal(snapshot_writer_take(SEEP_REASON_MARK, "idle", true, NULL), 0);
	assert_true(snapshot_file_bytes() > bytes);
}

static void what_is_resident_is_known(void **state)
{
	const size_t bytes = 64 << 20;
	struct profile *profile;
	const struct seep_snapshot *before, *after;
	char *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(memory != MAP_FAILED);
	start_file("resident");
	take(SEEP_REASON_INTERVAL, NULL);
	memset(memory, 1, bytes);
	take(SEEP_REASON_INTERVAL, NULL);
	munmap(memory, bytes);
	profile = lib_written_read();
	before = &profile->snapshots[0].raw;
	after = &profile->snapshots[1].raw;
	/* The kernel counts in batches; the library grows a little meanwhile. */
	assert_in_range(after->anonymous_bytes - before->anonymous_bytes, bytes - (2 << 20),
			bytes + (8 << 20));
	assert_in_range(after->rss_bytes - before->rss_bytes, bytes - (2 << 20), bytes + (8 << 20));
	assert_true(after->anonymous_bytes < after->rss_bytes);
	assert_true(before->data_bytes >= bytes && before->data_bytes < before->vm_bytes);
	assert_true(before->limit_kind != SEEP_LIMIT_UNKNOWN && before->limit_bytes > 0);
	profile_free(profile);
}

/* By site and epoch of birth: live blocks at the last snapshot. */
static uint32_t births[SITES][EPOCHS_MAX];

static void cohorts_hold_the_births_of_their_epochs(void **state)
{
	struct lib_random random = lib_random_start();
	uint32_t wrong = 0, cohorts = 0, most = 0;
	struct profile *profile;

	(void)state;
	start_file("cohorts");
	for (uint32_t i = 0; i < 1200; i++) {
		play(&random, 60);
		take(SEEP_REASON_INTERVAL, NULL);
	}
	/* Something in every site, so that each is written once more as it is now. */
	for (uint32_t s = 0; s < SITES; s++)
		allocate(&random, s);
	take(SEEP_REASON_FINAL, NULL);
	assert_true(epoch_now() < EPOCHS_MAX);
	memset(births, 0, sizeof(births));
	for (size_t i = 0; i < live_count; i++)
		births[live[i].site][live[i].epoch]++;
	profile = lib_written_read();
	assert_int_equal(lib_history_mistakes(&history, profile), 0);
	assert_int_equal(profile->single_epochs, SITE_TOTALS_SINGLE_EPOCHS);
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct site *site = &profile->sites[i];
		const struct site_point *point = site_at(site, profile->snapshot_count - 1);
		uint32_t s = 0;

		while (s < SITES && stacks[s] != site->stack)
			s++;
		assert_true(s < SITES);
		most = point->cohort_count > most ? point->cohort_count : most;
		for (uint32_t c = 0; c < point->cohort_count; c++) {
			uint32_t end = c + 1 < point->cohort_count ? point->cohorts[c + 1].epoch
								   : EPOCHS_MAX;
			uint64_t expected = 0;

			for (uint32_t epoch = point->cohorts[c].epoch; epoch < end; epoch++)
				expected += births[s][epoch];
			cohorts++;
			if (point->cohorts[c].blocks != expected && wrong++ < 5)
				print_error("  stack %u, births from %u to before %u: %" PRIu64
					    " blocks, had %" PRIu64 "\n",
					    site->stack, point->cohorts[c].epoch, end,
					    point->cohorts[c].blocks, expected);
		}
	}
	print_message("          %u cohorts, at most %u of a site\n", cohorts, most);
	assert_int_equal(wrong, 0);
	profile_free(profile);
}

/* Snapshots follow each other as fast as can be, and the program break moves on before each. */
static void pages_are_looked_at_now_and_then_and_at_the_end(void **state)
{
	const size_t step = 128 << 10;
	struct lib_random random = lib_random_start();
	uint32_t repeated = 0, fresh = 0;
	const struct snapshot *last;
	struct profile *profile;

	(void)state;
	start_file("pages");
	play(&random, 5000);
	for (uint32_t i = 0; i < 300; i++) {
		assert_ptr_not_equal(sbrk((intptr_t)step), (void *)-1);
		take(SEEP_REASON_INTERVAL, NULL);
	}
	assert_ptr_not_equal(sbrk((intptr_t)step), (void *)-1);
	take(SEEP_REASON_FINAL, NULL);
	profile = lib_written_read();
	last = &profile->snapshots[profile->snapshot_count - 1];
	for (size_t i = 1; i + 1 < profile->snapshot_count; i++) {
		uint64_t grown = profile->snapshots[i].raw.heap_bytes -
				 profile->snapshots[i - 1].raw.heap_bytes;

		repeated += grown == 0;
		fresh += grown >= step;
	}
	print_message("          %u of 300 repeated, %u fresh\n", repeated, fresh);
	assert_true(repeated > 0 && fresh > 0);
	assert_true(last->raw.heap_bytes >= profile->snapshots[0].raw.heap_bytes + 300 * step);
	profile_free(profile);
}

static void a_full_disk_costs_only_what_did_not_fit(void **state)
{
	struct lib_random random = lib_random_start();
	struct rlimit unlimited, limit;
	struct profile *profile;
	uint32_t written = 0;

	(void)state;
	start_file("full");
	for (uint32_t i = 0; i < 5; i++) {
		play(&random, 500);
		take(SEEP_REASON_INTERVAL, NULL);
	}
	getrlimit(RLIMIT_FSIZE, &unlimited);
	for (uint32_t i = 0; i < 40; i++) {
		uint64_t room = lib_random_below(&random, i % 4 == 0 ? 100 : 90000);
		uint64_t before = snapshot_file_bytes();

		play(&random, 500);
		limit = (struct rlimit){before + room, unlimited.rlim_max};
		setrlimit(RLIMIT_FSIZE, &limit);
		int result = snapshot_writer_take(SEEP_REASON_INTERVAL, NULL, true, NULL);
		setrlimit(RLIMIT_FSIZE, &unlimited);
		written += result == 0;
		assert_true(result == 0 || result == -EFBIG);
		if (result == 0)
			lib_history_add(&history, now);
		assert_int_equal(status_of(snapshot_file_path()).st_size, snapshot_file_bytes());
	}
	print_message("          %u of 40 snapshots fitted\n", written);
	assert_true(written > 0 && written < 40);
	play(&random, 500);
	take(SEEP_REASON_FINAL, NULL);
	profile = lib_written_read();
	assert_int_equal(profile->snapshot_count, 5 + written + 1);
	assert_int_equal(lib_history_mistakes(&history, profile), 0);
	check_stacks(profile);
	profile_free(profile);
}

/* As when a helper thread wakes while the program exits. */
static void nothing_automatic_follows_the_final_state(void **state)
{
	struct lib_random random = lib_random_start();
	struct profile *profile;

	(void)state;
	start_file("late");
	play(&random, 500);
	take(SEEP_REASON_INTERVAL, NULL);
	take(SEEP_REASON_FINAL, NULL);
	assert_int_equal(snapshot_writer_take(SEEP_REASON_INTERVAL, NULL, true, NULL), -ESHUTDOWN);
	assert_int_equal(snapshot_writer_take(SEEP_REASON_GROWTH, NULL, true, NULL), -ESHUTDOWN);
	/* An exit handler asks, and then the process ends in another way. */
	take(SEEP_REASON_REQUEST, "asked");
	take(SEEP_REASON_FINAL, NULL);
	profile = lib_written_read();
	assert_int_equal(profile->snapshot_count, 4);
	assert_int_equal(profile->snapshots[3].raw.reason, SEEP_REASON_FINAL);
	profile_free(profile);
	snapshot_file_remove();
	start_file("next");
	take(SEEP_REASON_INTERVAL, NULL);
}

/* Room for the snapshot, and not for all that follows it: then it is said with the next one. */
static void who_frees_is_said_again_when_it_did_not_fit(void **state)
{
	struct rlimit unlimited, limit;
	struct free_pairs_sums sums;
	struct profile *profile;
	int result = -EFBIG;

	(void)state;
	start_file("frees");
	take(SEEP_REASON_INTERVAL, NULL);
	for (uint32_t i = 0; i < 50; i++)
		free_pairs_add(stacks[i % SITES], stacks[i * 7 % SITES]);
	getrlimit(RLIMIT_FSIZE, &unlimited);
	for (uint64_t room = 64; result != 0; room += 8) {
		limit = (struct rlimit){snapshot_file_bytes() + room, unlimited.rlim_max};
		setrlimit(RLIMIT_FSIZE, &limit);
		result = snapshot_writer_take(SEEP_REASON_REQUEST, NULL, true, NULL);
		setrlimit(RLIMIT_FSIZE, &unlimited);
		assert_true(result == 0 || result == -EFBIG);
	}
	profile = lib_written_read();
	assert_null(profile->frees);
	profile_free(profile);
	assert_int_equal(snapshot_writer_take(SEEP_REASON_REQUEST, NULL, true, NULL), 0);
	profile = lib_written_read();
	assert_non_null(profile->frees);
	sums = free_pairs_sum();
	assert_int_equal(sums.samples + sums.lost, 50);
	profile_free(profile);
}

static int append_of_others(size_t bytes)
{
	struct buffer payload = {0};

	assert_true(buffer_reserve(&payload, bytes));
	memset(payload.start, 'x', bytes);
	payload.bytes = bytes;
	return snapshot_writer_append(OF_OTHERS, &payload);
}

static void a_record_of_others_finds_the_newest_stacks_in_the_file(void **state)
{
	uint64_t frames[] = {frame_numbered(1), frame_numbered(50000)};
	uint32_t records[TYPES_MAX] = {0}, stack;
	struct profile *profile;

	(void)state;
	start_file("of_others");
	take(SEEP_REASON_INTERVAL, NULL);
	stack = lib_stack_id(frames, 2);
	profile = lib_written_read();
	assert_true(stack >= profile->node_count);
	profile_free(profile);
	assert_int_equal(append_of_others(1000), 0);
	assert_int_equal(append_of_others(0), 0);
	profile = lib_written_read();
	assert_true(stack < profile->node_count);
	assert_int_equal(profile->nodes[stack].pc, frames[0]);
	profile_free(profile);
	count_records(records);
	assert_int_equal(records[OF_OTHERS], 1);
	assert_int_equal(records[SEEP_RECORD_MODULES], 1);
	assert_int_equal(records[SEEP_RECORD_STACKS], 2);
}

/* Old snapshots go before it is refused. */
static void a_record_of_others_keeps_the_file_within_its_limit(void **state)
{
	struct lib_random random = lib_random_start();
	uint32_t before[TYPES_MAX] = {0}, after[TYPES_MAX] = {0};
	int result = 0;

	(void)state;
	options.max_file_bytes = 200 << 10;
	start_file("of_others_full");
	while (snapshot_file_bytes() < 150 << 10) {
		play(&random, 300);
		take(SEEP_REASON_INTERVAL, NULL);
	}
	count_records(before);
	for (int i = 0; i < 20 && result == 0; i++) {
		result = append_of_others(20 << 10);
		assert_true(result == 0 || result == -EFBIG);
		assert_true(snapshot_file_bytes() <= options.max_file_bytes);
	}
	options.max_file_bytes = 64ull << 20;
	assert_int_equal(result, -EFBIG);
	count_records(after);
	assert_true(after[OF_OTHERS] >= 4);
	assert_true(after[SEEP_RECORD_SNAPSHOT] < before[SEEP_RECORD_SNAPSHOT]);
}

static void mappings_are_sites_of_their_own(void **state)
{
	struct live_block mapping = {.bytes = 5 * 4096, .stack = stacks[7], .epoch = epoch_now()};
	struct profile *profile;
	const struct site_point *point;

	(void)state;
	start_file("mappings");
	{
		GUARD_SCOPE struct guard guard = guard_enter();

		assert_true(map_table_add(&guard, PLACE * 2, &mapping));
		map_table_remove(&guard, PLACE * 2 + 4096, 4096);
	}
	assert_int_equal(snapshot_writer_take(SEEP_REASON_FINAL, NULL, true, NULL), 0);
	profile = lib_written_read();
	assert_int_equal(profile->snapshots[0].raw.mapped_bytes, 4 * 4096);
	assert_int_equal(profile->snapshots[0].raw.live_bytes, 0);
	for (size_t i = 0; i < profile->site_count; i++) {
		if (profile->sites[i].stack != stacks[7])
			continue;
		point = site_at(&profile->sites[i], 0);
		assert_int_equal(point->live_blocks, 2);
		assert_int_equal(point->live_bytes, 4 * 4096);
	}
	GUARD_SCOPE struct guard guard = guard_enter();
	map_table_remove(&guard, PLACE * 2, 5 * 4096);
	profile_free(profile);
}

/* ---- fork ------------------------------------------------------------------------------------ */

static void in_child(struct lib_random *random, int result_fd)
{
	uint64_t inherited_blocks = live_count, inherited_frees = 0;
	struct profile *profile;
	uint32_t parent = process_facts.pid;

	recorder_postfork_child();
	snapshot_writer_postfork_child();
	process_facts_read(parent);
	assert_int_equal(snapshot_writer_start(), 0);
	lib_history_free(&history);
	history = (struct lib_history){.site_count = SITES, .stacks = stacks};
	for (uint32_t s = 0; s < SITES; s++)
		now[s].allocations = now[s].allocated_bytes = 0;
	take(SEEP_REASON_INTERVAL, NULL);
	for (uint32_t i = 0; i < 150; i++) {
		play(random, 200);
		take(SEEP_REASON_INTERVAL, NULL);
	}
	/* At last all inherited ones go, and some sites never had others; beyond a keyframe. */
	for (size_t i = live_count; i-- > 0;)
		if (live[i].epoch <= recorder_inherited_epoch)
			release(i);
	for (uint32_t i = 0; i < 70; i++)
		take(SEEP_REASON_INTERVAL, NULL);
	profile = lib_written_read();
	assert_int_equal(profile->forked_from, parent);
	assert_int_equal(profile->inherited_epoch, recorder_inherited_epoch);
	assert_int_equal(profile->snapshots[0].raw.inherited_blocks, inherited_blocks);
	assert_int_equal(profile->snapshots[0].raw.allocations, 0);
	inherited_frees = profile->snapshots[profile->snapshot_count - 1].raw.inherited_frees;
	assert_int_equal(inherited_frees, inherited_blocks);
	assert_int_equal(lib_history_mistakes(&history, profile), 0);
	check_stacks(profile);
	check_totals(profile);
	clear(NULL);
	assert_int_equal(write(result_fd, "y", 1), 1);
}

static void a_forked_child_tells_inherited_blocks_apart(void **state)
{
	struct lib_random random = lib_random_start();
	struct profile *profile;
	int results[2], status;
	char result = 'n';
	pid_t child;

	(void)state;
	start_file("parent");
	play(&random, 5000);
	take(SEEP_REASON_INTERVAL, NULL);
	assert_int_equal(pipe(results), 0);
	child = fork();
	if (child == 0) {
		/* A failure there must not go on with the other tests. */
		setenv("CMOCKA_TEST_ABORT", "1", 1);
		in_child(&random, results[1]);
		_exit(0);
	}
	close(results[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(read(results[0], &result, 1), 1);
	close(results[0]);
	assert_int_equal(result, 'y');
	play(&random, 5000);
	take(SEEP_REASON_FINAL, NULL);
	profile = lib_written_read();
	assert_int_equal(profile->snapshot_count, 2);
	assert_int_equal(lib_history_mistakes(&history, profile), 0);
	profile_free(profile);
}

/* ---- two threads that write -------------------------------------------------------------------- */

#define WRITES 300u

static _Atomic(uint32_t) failed_writes;

/* A helper thread goes on taking snapshots while the program ends; a child that begins its file may have
 * other threads. */
static void write_snapshots_or_ends(uint32_t number, void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < WRITES; i++) {
		int error = number == 0
				    ? snapshot_writer_take(SEEP_REASON_INTERVAL, NULL, false, NULL)
				    : snapshot_writer_end(SEEP_END_EXIT, 0);

		failed_writes += error != 0;
	}
}

static void an_end_waits_for_the_snapshot_of_another_thread(void **state)
{
	uint32_t records[TYPES_MAX] = {0};
	struct lib_crowd crowd;

	(void)state;
	start_file("crowd");
	failed_writes = 0;
	lib_crowd_start(&crowd, 2, write_snapshots_or_ends, NULL);
	lib_crowd_join(&crowd);
	assert_int_equal(failed_writes, 0);
	count_records(records);
	assert_int_equal(records[SEEP_RECORD_SNAPSHOT], WRITES);
	assert_int_equal(records[SEEP_RECORD_END], WRITES);
	snapshot_file_remove();
}

static int start(void **state)
{
	struct lib_random random = {1};

	(void)state;
	lib_life_start();
	process_facts_read(0);
	make_sites(&random);
	return mkdtemp(folder) == NULL;
}

static int finish(void **state)
{
	(void)state;
	free(live);
	lib_history_free(&history);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_file_is_private_and_named_as_wished, clear),
		cmocka_unit_test_teardown(the_file_says_what_was_recorded, clear),
		cmocka_unit_test_teardown(the_file_stays_within_its_limit, clear),
		cmocka_unit_test_teardown(marks_stay_within_the_limit, clear),
		cmocka_unit_test_teardown(what_the_program_asks_for_stays_within_the_limit, clear),
		cmocka_unit_test_teardown(what_finds_no_room_says_so, clear),
		cmocka_unit_test_teardown(what_is_resident_is_known, clear),
		cmocka_unit_test_teardown(pages_are_looked_at_now_and_then_and_at_the_end, clear),
		cmocka_unit_test_teardown(a_full_disk_costs_only_what_did_not_fit, clear),
		cmocka_unit_test_teardown(nothing_automatic_follows_the_final_state, clear),
		cmocka_unit_test_teardown(who_frees_is_said_again_when_it_did_not_fit, clear),
		cmocka_unit_test_teardown(a_record_of_others_finds_the_newest_stacks_in_the_file,
					  clear),
		cmocka_unit_test_teardown(a_record_of_others_keeps_the_file_within_its_limit,
					  clear),
		cmocka_unit_test_teardown(mappings_are_sites_of_their_own, clear),
		cmocka_unit_test_teardown(a_forked_child_tells_inherited_blocks_apart, clear),
		cmocka_unit_test_teardown(cohorts_hold_the_births_of_their_epochs, clear),
		cmocka_unit_test_teardown(an_end_waits_for_the_snapshot_of_another_thread, clear),
	};

	return cmocka_run_group_tests(tests, start, finish);
}
