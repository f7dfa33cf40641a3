/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_invariant: a debug build notices each structure that is not sound, and says which.
 *
 * Everything happens twice in a forked child: with the structure as it is, which must be found sound,
 * and damaged by hand, which must end the child with one line. Three structures can only be reached
 * from within, so their files are part of this one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/buffer.h"
#include "lib/base/invariant.h"
#include "lib/base/lock.h"
#include "lib/base/options.h"
#include "lib/base/region.h"
#include "lib/base/scratch.h"
#include "lib/base/text.h"
#include "lib/control/schedule.h"
#include "lib/record/call_tree.h"
#include "lib/record/epoch.h"
#include "lib/record/live_table.h"
#include "lib/record/module_list.h"
#include "lib/record/site_counters.h"
#include "lib/record/stack_path.h"
#include "lib/record/thread_state.h"
#include "lib/record/unwind_rules.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/site_totals.h"
#include "lib/snapshot/snapshot_file.h"
#include "lib/snapshot/snapshot_writer.h"
#include "tests/support/lib_death.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_stack.h"

#include "lib/record/free_pairs.c"
#include "lib/record/side_table.c"
#define enter enter_maps
#define make_room make_room_for_maps
#include "lib/record/map_table.c"
#undef enter
#undef make_room

#define PLACE 0x7f0000000000ull

/* ---- what is damaged, and how ------------------------------------------------------------------ */

static struct lock some_lock, other_lock;

static void takes_locks_in_the_wrong_order(bool is_damaged)
{
	lock_take(&some_lock, is_damaged ? LOCK_MAPS : LOCK_SNAPSHOT, LOCK_BY_ANYBODY);
	lock_take(&other_lock, LOCK_MODULES, LOCK_BY_ANYBODY);
	lock_give(&other_lock, LOCK_MODULES);
	lock_give(&some_lock, is_damaged ? LOCK_MAPS : LOCK_SNAPSHOT);
}

static void takes_two_locks_of_one_order(bool is_damaged)
{
	lock_take(&some_lock, LOCK_SIDE_SHARD, LOCK_BY_ANYBODY);
	if (is_damaged)
		lock_take(&other_lock, LOCK_SIDE_SHARD, LOCK_BY_ANYBODY);
	lock_give(&some_lock, LOCK_SIDE_SHARD);
}

static void gives_back_another_size(bool is_damaged)
{
	region_unmap(region_map(8192, REGION_KEPT_ON_FORK), is_damaged ? 4096 : 8192);
}

static void puts_a_piece_into_the_wrong_row(bool is_damaged)
{
	scratch_unmap(scratch_map(100000), is_damaged ? 1000 : 100000);
}

static void gives_a_piece_back_twice(bool is_damaged)
{
	void *piece = scratch_map(100000);

	scratch_unmap(piece, 100000);
	if (is_damaged)
		scratch_unmap(piece, 100000);
}

static void writes_behind_a_buffer(bool is_damaged)
{
	struct buffer buffer = {0};

	buffer_add(&buffer, "a", 1);
	if (is_damaged)
		buffer.bytes = buffer.room + 1;
	buffer_add(&buffer, "b", 1);
}

/* The entry of the call tree's table that leads to this node: its pc, then its key and id. */
static uint64_t *entry_of_node(uint32_t id)
{
	uint64_t *entries = (uint64_t *)atomic_load(&stack_path_table.entries);
	uint64_t count = atomic_load(&stack_path_table.mask) + 1;

	for (uint64_t i = 0; i < count; i++)
		if ((entries[2 * i + 1] & (CALL_TREE_NODES_MAX - 1)) == id)
			return &entries[2 * i];
	return NULL;
}

static uint32_t some_stack(void)
{
	static const uint64_t frames[] = {0x401003, 0x401002, 0x401001};

	return lib_stack_id(frames, 3);
}

static void leads_to_another_node(bool is_damaged)
{
	uint64_t *entry = entry_of_node(some_stack());

	if (is_damaged)
		entry[1]--;
	call_tree_verify();
}

static void has_another_pc_than_its_entry(bool is_damaged)
{
	uint64_t *entry = entry_of_node(some_stack());

	if (is_damaged)
		entry[0]++;
	call_tree_verify();
}

static void lies_where_nobody_looks(bool is_damaged)
{
	uint64_t *entry = entry_of_node(some_stack()), *other = entry;
	uint64_t *entries = (uint64_t *)atomic_load(&stack_path_table.entries);

	/* Hundreds of places away. */
	while (other[1] != 0 || llabs(other - entry) < 2 * 300)
		other = entries + (other - entries + 2) %
					  (int64_t)(2 * (atomic_load(&stack_path_table.mask) + 1));
	if (is_damaged) {
		memcpy(other, entry, 16);
		memset(entry, 0, 16);
	}
	call_tree_verify();
}

static void is_found_though_it_is_another(bool is_damaged)
{
	uint64_t *entry = entry_of_node(some_stack());

	/* To the id of the nested stack, which is no child of this parent. */
	if (is_damaged)
		entry[1] = (entry[1] & ~(CALL_TREE_NODES_MAX - 1ull)) | CALL_TREE_NESTED;
	some_stack();
}

static struct slot *filled_side_table(struct shard **shard)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block = {.bytes = 4096, .stack = 7, .epoch = 1, .kind = BLOCK_MALLOC};
	struct live_block old;
	struct slot *free_slot;

	for (uint64_t i = 0; i < 10000; i++)
		side_table_add(&guard, PLACE + i * 4096, &block, &old);
	for (uint64_t i = 0; i < 5000; i++)
		side_table_remove(&guard, PLACE + i * 4096, &old);
	*shard = &shards[hash_of(PLACE + 9999 * 4096) % SHARDS];
	return find((*shard)->table, PLACE + 9999 * 4096, &free_slot);
}

static void holds_an_address_twice(bool is_damaged)
{
	struct shard *shard;
	struct slot *slot = filled_side_table(&shard), *end = &shard->table->slots[64];

	if (is_damaged)
		for (struct slot *other = shard->table->slots; other < end; other++)
			if (other->addr > TOMBSTONE && other != slot) {
				other->addr = slot->addr;
				break;
			}
	side_table_verify();
}

static void lies_in_the_wrong_shard(bool is_damaged)
{
	struct shard *shard;
	struct slot *slot = filled_side_table(&shard);

	while (is_damaged && hash_of(slot->addr) % SHARDS == (uint64_t)(shard - shards))
		slot->addr += 8;
	side_table_verify();
}

static void counts_what_is_not_there(bool is_damaged)
{
	struct shard *shard;

	filled_side_table(&shard);
	shard->live += is_damaged;
	side_table_verify();
}

static void walks_while_it_is_walked(bool is_damaged);
static bool is_walk_nested;

static void walk_again(uint64_t addr, const struct live_block *block, void *context)
{
	(void)addr;
	(void)block;
	if (is_walk_nested)
		side_table_walk(walk_again, context);
}

static void walks_while_it_is_walked(bool is_damaged)
{
	struct shard *shard;

	filled_side_table(&shard);
	is_walk_nested = is_damaged;
	side_table_walk(walk_again, NULL);
}

static void add_mappings(void)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block = {.bytes = 8192, .stack = 7, .epoch = 1};

	for (uint64_t i = 0; i < 10; i++)
		map_table_add(&guard, PLACE + i * 65536, &block);
}

static void has_ranges_that_overlap(bool is_damaged)
{
	add_mappings();
	ranges[4].end += is_damaged ? 65536 : 0;
	map_table_verify();
}

static void has_an_empty_range(bool is_damaged)
{
	add_mappings();
	if (is_damaged)
		ranges[4].end = ranges[4].start;
	map_table_verify();
}

static void adds_between_ranges_out_of_order(bool is_damaged)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block = {.bytes = 4096, .stack = 7, .epoch = 1};

	add_mappings();
	if (is_damaged)
		ranges[9].start = ranges[9].end + 4096;
	map_table_add(&guard, PLACE + 8 * 65536 + 16384, &block);
}

static struct loaded_module *module_number(uint32_t index)
{
	return (struct loaded_module *)module_list_at(index);
}

static void has_two_modules_at_one_address(bool is_damaged)
{
	if (is_damaged)
		module_number(1)->start = module_number(0)->start;
	module_list_verify();
}

static void was_unloaded_where_nothing_moved(bool is_damaged)
{
	module_number(1)->unloaded_epoch = is_damaged ? epoch_now() : 0;
	module_list_verify();
}

static struct thread_state *this_thread(void)
{
	GUARD_SCOPE struct guard guard = guard_enter();

	if (guard.thread == NULL)
		_exit(1); /* no memory */
	return guard.thread;
}

static void fills_the_counters_of(struct thread_state *thread, uint32_t stack, uint32_t times)
{
	struct guard guard = {.thread = thread};

	while (times-- > 0)
		site_counters_add(&guard, stack, 32);
}

static void counts_in_the_wrong_place(bool is_damaged)
{
	struct thread_state *thread = this_thread();
	uint32_t stack = some_stack();

	fills_the_counters_of(thread, stack, 10);
	if (is_damaged)
		thread->deltas[(stack + 1) % SITE_CACHE_SLOTS].stack = stack;
	site_counters_verify();
}

static void counts_for_a_stack_that_is_none(bool is_damaged)
{
	struct thread_state *thread = this_thread();

	thread->leaving[0].stack = is_damaged ? call_tree_count() : 0;
	site_counters_verify();
}

static struct place *some_pair(void)
{
	uint32_t stack = some_stack();

	free_pairs_add(stack, stack);
	return place_of(key_of(stack, stack));
}

static void has_a_pair_where_it_is_not_found(bool is_damaged)
{
	struct place *place = some_pair();
	uint32_t other = CALL_TREE_NESTED;

	while (row_of(key_of(CALL_TREE_NESTED, other), 0) == row_of(place->key, 0))
		other++;
	if (is_damaged)
		place->key = key_of(CALL_TREE_NESTED, other);
	free_pairs_verify();
}

static void has_a_pair_twice(bool is_damaged)
{
	struct place *place = some_pair();

	if (is_damaged)
		place[1].key = place->key;
	free_pairs_verify();
}

static void has_a_pair_of_a_stack_that_is_none(bool is_damaged)
{
	some_pair()->key += is_damaged ? CALL_TREE_NODES_MAX - 1 : 0;
	free_pairs_verify();
}

static void has_samples_of_no_pair(bool is_damaged)
{
	some_pair()[1].samples = is_damaged;
	free_pairs_verify();
}

static void moves_while_it_moves(bool is_damaged)
{
	struct thread_state *thread = this_thread();

	thread->flush_sequence = is_damaged;
	fills_the_counters_of(thread, some_stack(), 2 * SITE_DELTA_MAX);
}

static void uses_the_state_of_another_thread(bool is_damaged)
{
	this_thread()->owner_tid += is_damaged;
	this_thread();
}

static void frees_more_than_was_allocated(bool is_damaged)
{
	struct thread_state *thread = this_thread();

	thread->counts[0][COUNT_FREES] += is_damaged ? 1000 : 0;
	thread_state_verify();
}

static void enters_as_the_helper(bool is_damaged)
{
	if (is_damaged)
		invariant_note_helper((uint32_t)getpid());
	this_thread();
}

static void has_a_rule_where_nobody_looks(bool is_damaged)
{
	uint64_t pc = (uint64_t)has_a_rule_where_nobody_looks;
	uint32_t here = (uint32_t)(unwind_line_of(pc) - unwind_slots);

	unwind_rule_of(pc, 0);
	if (is_damaged)
		unwind_slots[(here + UNWIND_SLOTS / 2) % UNWIND_SLOTS] = unwind_slots[here];
	unwind_rules_verify();
}

static void has_a_rule_of_no_kind(bool is_damaged)
{
	uint64_t pc = (uint64_t)has_a_rule_of_no_kind;

	unwind_rule_of(pc, 0);
	for (uint32_t i = 0; is_damaged && i < UNWIND_SLOTS; i++)
		if (unwind_slots[i].key != 0)
			unwind_slots[i].rule.kind = UNWIND_NONE;
	unwind_rules_verify();
}

static void take_totals(struct site_totals *totals)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block = {.bytes = 40, .stack = some_stack(), .epoch = 1};
	struct live_block old;

	for (uint64_t i = 0; i < 1000; i++) {
		block.kind = BLOCK_MALLOC;
		block.epoch = (uint32_t)(1 + i % 3);
		live_table_add(&guard, PLACE + i * 64, &block, &old);
	}
	site_totals_take(totals, 3, call_tree_count(), true, true);
}

static void has_cohorts_that_do_not_add_up(bool is_damaged)
{
	struct site_totals totals;

	take_totals(&totals);
	totals.cohorts[1].blocks += is_damaged;
	site_totals_verify(&totals);
}

static void has_a_cohort_at_another_site(bool is_damaged)
{
	struct site_totals totals;

	take_totals(&totals);
	totals.cohorts[1].stack -= is_damaged;
	site_totals_verify(&totals);
}

static void has_a_cohort_that_is_lost(bool is_damaged)
{
	struct site_totals totals;

	take_totals(&totals);
	if (is_damaged)
		totals.first_cohort[totals.cohorts[0].stack] = 0;
	site_totals_verify(&totals);
}

static char folder[32];

/* In the child, which may end anyhow: who has started it removes the file. */
static void begin_a_file(void)
{
	struct text output = TEXT_IN(options.output);

	text_add(&output, folder);
	text_add(&output, "/run.seep");
	process_facts_read(0);
	if (snapshot_writer_start() != 0)
		_exit(1);
}

static void remove_its_file(void)
{
	char path[sizeof(folder) + 16];
	struct text text = TEXT_IN(path);

	text_add(&text, folder);
	text_add(&text, "/run.seep");
	unlink(path);
}

static void takes_snapshots_of_falling_epochs(bool is_damaged)
{
	begin_a_file();
	snapshot_writer_take(SEEP_REASON_REQUEST, NULL, true, NULL);
	if (is_damaged)
		atomic_store(&epoch_current, 1);
	snapshot_writer_take(SEEP_REASON_REQUEST, NULL, true, NULL);
}

static void begins_to_write_twice(bool is_damaged)
{
	begin_a_file();
	snapshot_file_begin();
	if (is_damaged)
		snapshot_file_begin();
}

static void looks_at_everything_in_the_last_snapshot(bool is_damaged)
{
	begin_a_file();
	add_mappings();
	ranges[4].end += is_damaged ? 65536 : 0;
	snapshot_writer_take(SEEP_REASON_FINAL, NULL, true, NULL);
}

static void add_blocks(uint64_t count)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block = {.bytes = 40, .stack = some_stack(), .kind = BLOCK_MALLOC};
	struct live_block old;

	block.epoch = epoch_now();
	for (uint64_t i = 0; i < count; i++)
		live_table_add(&guard, PLACE + i * 64, &block, &old);
	this_thread()->counts[0][COUNT_ALLOCATIONS] += count;
	fills_the_counters_of(this_thread(), block.stack, (uint32_t)count);
}

static void counts_other_frees_than_it_saw(bool is_damaged)
{
	begin_a_file();
	add_blocks(10000);
	this_thread()->counts[0][COUNT_FREES] += is_damaged ? 100 : 0;
	snapshot_writer_take(SEEP_REASON_FINAL, NULL, true, NULL);
}

static void counts_other_allocations_than_its_sites(bool is_damaged)
{
	begin_a_file();
	add_blocks(10000);
	call_tree_counters(some_stack())->allocations += is_damaged ? 5000 : 0;
	snapshot_writer_take(SEEP_REASON_FINAL, NULL, true, NULL);
}

static void has_a_schedule_that_never_began(bool is_damaged)
{
	struct snapshot_result result = {.number = 1};

	if (!is_damaged)
		schedule_start();
	schedule_taken(&result);
}

/* ---- the child that does it -------------------------------------------------------------------- */

static const struct damage {
	const char *name, *file;
	void (*run)(bool is_damaged);
} damages[] = {
#define DAMAGE(file, name)                                                                         \
	{                                                                                          \
#name, "lib/" file, name                                                           \
	}
	DAMAGE("base/lock.c", takes_locks_in_the_wrong_order),
	DAMAGE("base/lock.c", takes_two_locks_of_one_order),
	DAMAGE("base/region.c", gives_back_another_size),
	DAMAGE("base/scratch.c", puts_a_piece_into_the_wrong_row),
	DAMAGE("base/scratch.c", gives_a_piece_back_twice),
	DAMAGE("base/buffer.c", writes_behind_a_buffer),
	DAMAGE("record/call_tree.c", leads_to_another_node),
	DAMAGE("record/call_tree.c", has_another_pc_than_its_entry),
	DAMAGE("record/call_tree.c", lies_where_nobody_looks),
	DAMAGE("record/call_tree.c", is_found_though_it_is_another),
	DAMAGE("record/side_table.c", holds_an_address_twice),
	DAMAGE("record/side_table.c", lies_in_the_wrong_shard),
	DAMAGE("record/side_table.c", counts_what_is_not_there),
	DAMAGE("record/side_table.c", walks_while_it_is_walked),
	DAMAGE("record/map_table.c", has_ranges_that_overlap),
	DAMAGE("record/map_table.c", has_an_empty_range),
	DAMAGE("record/map_table.c", adds_between_ranges_out_of_order),
	DAMAGE("record/module_list.c", has_two_modules_at_one_address),
	DAMAGE("record/module_list.c", was_unloaded_where_nothing_moved),
	DAMAGE("record/site_counters.c", counts_in_the_wrong_place),
	DAMAGE("record/site_counters.c", counts_for_a_stack_that_is_none),
	DAMAGE("record/site_counters.c", moves_while_it_moves),
	DAMAGE("record/free_pairs.c", has_a_pair_where_it_is_not_found),
	DAMAGE("record/free_pairs.c", has_a_pair_twice),
	DAMAGE("record/free_pairs.c", has_a_pair_of_a_stack_that_is_none),
	DAMAGE("record/free_pairs.c", has_samples_of_no_pair),
	DAMAGE("record/thread_state.h", uses_the_state_of_another_thread),
	DAMAGE("record/thread_state.h", enters_as_the_helper),
	DAMAGE("record/thread_state.c", frees_more_than_was_allocated),
	DAMAGE("record/unwind_rules.c", has_a_rule_where_nobody_looks),
	DAMAGE("record/unwind_rules.c", has_a_rule_of_no_kind),
	DAMAGE("snapshot/site_totals.c", has_cohorts_that_do_not_add_up),
	DAMAGE("snapshot/site_totals.c", has_a_cohort_at_another_site),
	DAMAGE("snapshot/site_totals.c", has_a_cohort_that_is_lost),
	DAMAGE("snapshot/snapshot_writer.c", takes_snapshots_of_falling_epochs),
	DAMAGE("snapshot/snapshot_file.c", begins_to_write_twice),
	DAMAGE("record/map_table.c", looks_at_everything_in_the_last_snapshot),
	DAMAGE("snapshot/snapshot_writer.c", counts_other_frees_than_it_saw),
	DAMAGE("snapshot/snapshot_writer.c", counts_other_allocations_than_its_sites),
	DAMAGE("control/schedule.c", has_a_schedule_that_never_began),
};
#define DAMAGES (sizeof(damages) / sizeof(damages[0]))

struct attempt {
	const struct damage *damage;
	bool is_damaged;
};

static void run_attempt(void *context)
{
	const struct attempt *attempt = context;

	attempt->damage->run(attempt->is_damaged);
}

static uint32_t failures_of(bool is_damaged)
{
	uint32_t failures = 0;

	strcpy(folder, "/tmp/seep-invariant-XXXXXX");
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < DAMAGES; i++) {
		struct attempt attempt = {&damages[i], is_damaged};
		struct lib_death death = lib_death_of(run_attempt, &attempt);

		remove_its_file();
		if (is_damaged ? lib_death_is_by(&death, damages[i].file) : death.status == 0)
			continue;
		print_error("%s %s: status %x, \"%s\"\n", is_damaged ? "damaged" : "sound",
			    damages[i].name, (unsigned)death.status, death.said);
		failures++;
	}
	assert_int_equal(rmdir(folder), 0);
	return failures;
}

/* In a release build too: nothing of it does harm there. */
static void sound_structures_are_found_sound(void **state)
{
	(void)state;
	assert_int_equal(failures_of(false), 0);
}

static void every_damage_ends_with_a_line_that_names_the_file(void **state)
{
	(void)state;
	if (!INVARIANTS_ARE_CHECKED) {
		print_message("          a release build checks no invariant; make DEBUG=1 does\n");
		skip();
	}
	assert_int_equal(failures_of(true), 0);
	print_message("          %u kinds of damage\n", (unsigned)DAMAGES);
}

/* ---- where the line goes, and how the process ends --------------------------------------------- */

static char log_path[] = "/tmp/seep-invariant-log-XXXXXX";

static void break_with_a_log(void *context)
{
	(void)context;
	invariant_log = log_path;
	INVARIANT(1 + 1 == 3, 4711, UINT64_MAX);
}

static void says_the_condition_and_both_values_and_logs_them(void **state)
{
	struct lib_death death;
	char logged[sizeof(death.said)] = "";
	int log;

	(void)state;
	log = mkstemp(log_path);
	assert_true(log >= 0);
	death = lib_death_of(break_with_a_log, NULL);
	assert_true(read(log, logged, sizeof(logged) - 1) > 0);
	close(log);
	unlink(log_path);
	assert_true(lib_death_is_by(&death, "tests/unit/lib/test_invariant.c"));
	assert_non_null(strstr(death.said, ": does not hold: 1 + 1 == 3; 4711 = 4711, "
					   "UINT64_MAX = 18446744073709551615\n"));
	assert_string_equal(logged, death.said);
}

static void ignore_and_block_abort(void *context)
{
	sigset_t all;

	signal(SIGABRT, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	INVARIANT(context != NULL, 0, 0);
}

static void ends_a_process_that_ignores_and_blocks_the_signal(void **state)
{
	struct lib_death death;

	(void)state;
	death = lib_death_of(ignore_and_block_abort, NULL);
	assert_true(lib_death_is_by(&death, "tests/unit/lib/test_invariant.c"));
}

/* A helper's descriptor 2 is not the program's, and may be the snapshot file. */
static void break_in_a_helper(void *context)
{
	int status, file = memfd_create("descriptor 2 of the helper", 0);
	pid_t program = getpid(), helper = fork();
	struct stat found;

	if (helper == 0) {
		dup2(file, 2);
		invariant_note_helper((uint32_t)program);
		INVARIANT(context != NULL, 0, 0);
	}
	waitpid(helper, &status, 0);
	_exit(WIFSIGNALED(status) && fstat(file, &found) == 0 && found.st_size == 0 ? 3 : 4);
}

static void a_helper_says_it_on_the_stderr_of_the_program(void **state)
{
	struct lib_death death;

	(void)state;
	death = lib_death_of(break_in_a_helper, NULL);
	assert_true(WIFEXITED(death.status));
	assert_int_equal(WEXITSTATUS(death.status), 3);
	assert_non_null(strstr(death.said, ": does not hold: context != NULL"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_structures_are_found_sound),
		cmocka_unit_test(every_damage_ends_with_a_line_that_names_the_file),
		cmocka_unit_test(says_the_condition_and_both_values_and_logs_them),
		cmocka_unit_test(ends_a_process_that_ignores_and_blocks_the_signal),
		cmocka_unit_test(a_helper_says_it_on_the_stderr_of_the_program),
	};

	/* In a release build one skip says it for all of them. */
	return _cmocka_run_group_tests("tests", tests, INVARIANTS_ARE_CHECKED ? 5 : 2,
				       lib_life_setup, NULL);
}
