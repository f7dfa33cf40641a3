/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_process_memory: the verdict on a whole process, each beside a healthy twin.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "tests/corpus/simulated/simulated_random.h"
#include "tools/model/arena.h"
#include "tools/model/process_memory.h"
#include "tools/model/profile.h"

#define SEED 17
#define ROUNDS 300
#define SNAPSHOTS 40
#define MANY 400
#define HOURS 2.0
#define MIB 1048576.0

/* What a process has, in MiB; blocks have 64 bytes unless said otherwise. */
struct parts {
	double requested, scattered, kept, outside, files, own;
	double file_space; /* that is mapped, beyond what of it is resident */
	double block_bytes;
};

/* `x` is the part of the run that has passed. */
typedef struct parts (*made_up)(double x);

struct made {
	struct profile profile;
	struct snapshot snapshots[SNAPSHOTS];
	struct site sites[4];
	bool is_leak[4];
	struct site_point points[4][SNAPSHOTS];
	size_t curve[SNAPSHOTS];
	struct arena *arena;
	struct process_memory memory;
};

static const struct parts usual = {.requested = 100,
				   .scattered = 3,
				   .kept = 2,
				   .outside = 5,
				   .files = 12,
				   .own = 10,
				   .block_bytes = 64};

static struct seep_snapshot snapshot_of(const struct parts *parts)
{
	uint64_t requested = (uint64_t)(parts->requested * MIB);
	uint64_t blocks = (uint64_t)((double)requested / parts->block_bytes);
	uint64_t rounded = requested + 16 * blocks;
	uint64_t live_pages = rounded + (uint64_t)((parts->scattered) * MIB);
	/* What tells them apart allows for the most that a block can be rounded up by. */
	live_pages += parts->scattered > 0 ? 16 * blocks : 0;
	uint64_t resident = live_pages + (uint64_t)(parts->kept * MIB);
	uint64_t own = (uint64_t)(parts->own * MIB);
	uint64_t anonymous = resident + own + (uint64_t)(parts->outside * MIB);
	return (struct seep_snapshot){
		.live_bytes = requested,
		.live_blocks = blocks,
		.allocations = blocks,
		.live_page_bytes = live_pages,
		.heap_resident_bytes = resident,
		.heap_bytes = resident + (1 << 20),
		.own_bytes = own,
		.anonymous_bytes = anonymous,
		.rss_bytes = anonymous + (uint64_t)(parts->files * MIB),
		.data_bytes = 2 * anonymous,
		.vm_bytes = 2 * anonymous + (uint64_t)((parts->files + parts->file_space) * MIB),
	};
}

static struct made *make(made_up program)
{
	struct made *made = calloc(1, sizeof(*made));
	assert_non_null(made);
	made->profile = (struct profile){
		.snapshots = made->snapshots, .snapshot_count = SNAPSHOTS, .sites = made->sites};
	for (uint32_t i = 0; i < SNAPSHOTS; i++) {
		double x = (double)(i + 1) / SNAPSHOTS;
		struct parts parts = program ? program(x) : usual;
		made->snapshots[i] = (struct snapshot){
			.number = i + 1,
			.time_s = 3600 * HOURS * x,
			.reason = SEEP_REASON_INTERVAL,
			.raw = snapshot_of(&parts),
		};
		made->curve[i] = i;
	}
	made->arena = arena_new();
	assert_non_null(made->arena);
	return made;
}

static void judge(struct made *made, double leak_mib_per_hour)
{
	struct memory_leaks leaks = {.count = leak_mib_per_hour > 0,
				     .confidence = 0.99,
				     .is_leak = made->is_leak,
				     .bytes_per_hour = leak_mib_per_hour * MIB};
	assert_true(process_memory_make(&made->memory, &made->profile, 0,
					made->profile.snapshot_count - 1, &leaks, made->curve,
					made->profile.snapshot_count, made->arena));
	assert_true(made->memory.confidence >= 0 && made->memory.confidence <= 1);
	assert_int_equal(made->memory.confidence == 0, made->memory.verdict == MEMORY_UNKNOWN);
}

static void made_free(struct made *made)
{
	arena_free(made->arena);
	free(made);
}

static void expect(made_up program, double leak_mib_per_hour, enum memory_verdict verdict)
{
	struct made *made = make(program);
	judge(made, leak_mib_per_hour);
	if (made->memory.verdict != verdict)
		fail_msg("%s instead of %s", memory_verdict_name(made->memory.verdict),
			 memory_verdict_name(verdict));
	made_free(made);
}

static void expect_rate(const struct memory_finding *finding, double mib_per_hour)
{
	double found = finding->bytes_per_hour / MIB;
	if (fabs(found - mib_per_hour) > 0.02 * mib_per_hour)
		fail_msg("%.2f instead of %.2f MiB an hour", found, mib_per_hour);
}

static void forget_heap(struct made *made)
{
	for (size_t i = 0; i < SNAPSHOTS; i++) {
		struct seep_snapshot *raw = &made->snapshots[i].raw;
		raw->heap_bytes = raw->heap_resident_bytes = raw->live_page_bytes = 0;
	}
}

/* ---- what is requested ---- */

static struct parts leaks(double x)
{
	struct parts parts = usual;
	parts.requested += 20 * x;
	return parts;
}

static struct parts grows(double x)
{
	struct parts parts = usual;
	parts.requested += 60 * x;
	return parts;
}

static struct parts leaks_tiny_blocks(double x)
{
	struct parts parts = usual;
	parts.scattered = 0;
	parts.block_bytes = 8;
	parts.requested += 20 * x;
	return parts;
}

static struct parts warms_up(double x)
{
	struct parts parts = usual;
	parts.requested += 200 * (1 - exp(-x / 0.3));
	return parts;
}

static struct parts comes_and_goes(double x)
{
	struct parts parts = usual;
	parts.requested += 80 * fmod(5 * x, 1);
	return parts;
}

/* A site that has grown by `mib` at the end, steadily. */
static void add_site(struct made *made, double mib, bool is_leak)
{
	size_t index = made->profile.site_count++;
	for (uint32_t i = 0; i < SNAPSHOTS; i++)
		made->points[index][i] = (struct site_point){
			.snapshot = i,
			.live_bytes = (uint64_t)((10 + mib * (double)(i + 1) / SNAPSHOTS) * MIB),
		};
	made->sites[index] = (struct site){.stack = (uint32_t)index + 1,
					   .point_count = SNAPSHOTS,
					   .points = made->points[index]};
	made->is_leak[index] = is_leak;
}

static void leaks_are_what_flagged_sites_add(void **state)
{
	(void)state;
	struct made *made = make(leaks);
	add_site(made, 19.9, true);
	judge(made, 9);
	assert_int_equal(made->memory.verdict, MEMORY_LEAK);
	assert_int_equal(made->memory.finding_count, 1);
	assert_true(made->memory.confidence == 0.99);
	expect_rate(&made->memory.findings[0], 9);
	const struct memory_figure *requested = &made->memory.figures[PART_REQUESTED];
	assert_true(requested->keeps_growing);
	assert_true(fabs(requested->bytes_per_hour / MIB - 10) < 0.2);
	assert_true(requested->bytes_per_hour_ci95[0] <= requested->bytes_per_hour &&
		    requested->bytes_per_hour_ci95[1] >= requested->bytes_per_hour);
	assert_int_equal(requested->peak_bytes, requested->bytes);
	made_free(made);

	made = make(leaks_tiny_blocks);
	add_site(made, 20, true);
	judge(made, 10);
	assert_int_equal(made->memory.verdict, MEMORY_LEAK);
	assert_int_equal(made->memory.finding_count, 1);
	made_free(made);
	expect(warms_up, 0, MEMORY_STABLE);
	expect(comes_and_goes, 0, MEMORY_STABLE);
	expect(NULL, 0, MEMORY_STABLE);
}

/* Of the sum alone it could not be told. */
static void a_leak_in_a_warm_up_is_a_leak(void **state)
{
	(void)state;
	struct made *made = make(warms_up);
	add_site(made, 30, true);
	judge(made, 15);
	assert_int_equal(made->memory.verdict, MEMORY_LEAK);
	assert_false(made->memory.figures[PART_REQUESTED].keeps_growing);
	made_free(made);
}

static void growth_at_other_sites_says_at_how_many(void **state)
{
	(void)state;
	struct made *made = make(grows);
	add_site(made, 30, false);
	add_site(made, 27, false);
	add_site(made, 3, false);
	add_site(made, -5, false);
	judge(made, 0);
	assert_int_equal(made->memory.verdict, MEMORY_GROWING);
	assert_int_equal(made->memory.grown_sites, 2);
	expect_rate(&made->memory.findings[0], 30);
	/* One of them is a leak: it is asked about the others alone. */
	made->is_leak[1] = true;
	judge(made, 13.5);
	assert_int_equal(made->memory.verdict, MEMORY_GROWING);
	assert_int_equal(made->memory.grown_sites, 1);
	assert_int_equal(made->memory.finding_count, 2);
	expect_rate(&made->memory.findings[0], 16.5);
	assert_int_equal(made->memory.findings[1].verdict, MEMORY_LEAK);
	expect_rate(&made->memory.findings[1], 13.5);
	made_free(made);
}

static void mappings_are_not_requested(void **state)
{
	(void)state;
	struct stack_node nodes[] = {
		{0}, {.pc = 0x1000}, {.pc = SEEP_PC_MMAP}, {.pc = SEEP_PC_BRK}};
	struct made *made = make(grows);
	add_site(made, 60, false);
	add_site(made, 500, false);
	add_site(made, 500, true);
	made->profile.nodes = nodes;
	made->profile.node_count = 4;
	judge(made, 0);
	assert_int_equal(made->memory.verdict, MEMORY_GROWING);
	assert_int_equal(made->memory.grown_sites, 1);
	expect_rate(&made->memory.findings[0], 30);
	made_free(made);
}

static struct parts leaks_little(double x)
{
	struct parts parts = usual;
	parts.requested += 0.5 * x;
	return parts;
}

static void little_growth_matters_where_it_is_a_leak(void **state)
{
	(void)state;
	expect(leaks_little, 0, MEMORY_STABLE);
	expect(leaks_little, 0.25, MEMORY_LEAK);
	/* Where it does not show in the whole, it does not matter for it. */
	expect(comes_and_goes, 0.25, MEMORY_STABLE);
	expect(comes_and_goes, 3, MEMORY_LEAK);
}

static void what_a_program_frees_as_it_ends_changes_nothing(void **state)
{
	(void)state;
	static const struct parts tidied = {
		.requested = 1, .kept = 150, .own = 5, .block_bytes = 64};
	struct made *made = make(leaks);
	add_site(made, 20, true);
	made->snapshots[SNAPSHOTS - 1].raw = snapshot_of(&tidied);
	made->snapshots[SNAPSHOTS - 1].reason = SEEP_REASON_FINAL;
	judge(made, 10);
	assert_int_equal(made->memory.verdict, MEMORY_LEAK);
	assert_int_equal(made->memory.finding_count, 1);
	assert_int_equal(made->memory.figures[PART_REQUESTED].bytes, (uint64_t)MIB);
	assert_true(made->memory.figures[PART_REQUESTED].peak_bytes > 110 * MIB);
	made_free(made);
}

/* ---- free memory ---- */

static struct parts fragments(double x)
{
	struct parts parts = usual;
	parts.scattered += 30 * x;
	return parts;
}

static struct parts is_fragmented(double x)
{
	struct parts parts = usual;
	bool is_freed = x > 0.3;
	parts.requested = is_freed ? 5 : 100;
	parts.scattered = is_freed ? 90 : 0;
	return parts;
}

static struct parts keeps_pages(double x)
{
	struct parts parts = usual;
	bool is_freed = x > 0.3;
	parts.requested = is_freed ? 5 : 100;
	parts.kept = is_freed ? 94 : 0;
	return parts;
}

/* Needs its peak again and again. */
static struct parts uses_pages_again(double x)
{
	struct parts parts = usual;
	bool is_freed = fmod(10 * x, 1) < 0.7;
	parts.requested = is_freed ? 5 : 100;
	parts.kept = is_freed ? 94 : 0;
	return parts;
}

static struct parts keeps_more_and_more(double x)
{
	struct parts parts = usual;
	parts.kept += 40 * x;
	return parts;
}

static void pinned_memory_is_fragmentation(void **state)
{
	(void)state;
	struct made *made = make(fragments);
	judge(made, 0);
	assert_int_equal(made->memory.verdict, MEMORY_FRAGMENTATION);
	expect_rate(&made->memory.findings[0], 15);
	made_free(made);

	made = make(is_fragmented);
	judge(made, 0);
	assert_int_equal(made->memory.verdict, MEMORY_FRAGMENTATION);
	assert_int_equal(made->memory.finding_count, 1);
	assert_true(made->memory.findings[0].bytes_per_hour == 0);
	assert_true(fabs((double)made->memory.findings[0].bytes - 90 * MIB) < MIB);
	made_free(made);
	expect(uses_pages_again, 0, MEMORY_STABLE);
}

static void pages_without_blocks_are_not_returned(void **state)
{
	(void)state;
	struct made *made = make(keeps_pages);
	judge(made, 0);
	assert_int_equal(made->memory.verdict, MEMORY_NOT_RETURNED);
	assert_true(fabs((double)made->memory.findings[0].bytes - 94 * MIB) < MIB);
	made_free(made);
	made = make(keeps_more_and_more);
	judge(made, 0);
	assert_int_equal(made->memory.verdict, MEMORY_NOT_RETURNED);
	expect_rate(&made->memory.findings[0], 20);
	made_free(made);
}

static void what_no_machine_has_is_no_small_number(void **state)
{
	(void)state;
	struct made *made = make(NULL);
	for (size_t i = 0; i < SNAPSHOTS; i++) {
		made->snapshots[i].raw.heap_resident_bytes = UINT64_MAX;
		made->snapshots[i].raw.live_page_bytes = 1;
	}
	judge(made, 0);
	assert_int_equal(made->memory.verdict, MEMORY_NOT_RETURNED);
	assert_true(made->memory.findings[0].bytes > UINT64_MAX / 2);
	made_free(made);
}

/* ---- outside malloc ---- */

static struct parts maps(double x)
{
	struct parts parts = usual;
	parts.outside += 50 * x;
	return parts;
}

static struct parts maps_at_the_start(double x)
{
	struct parts parts = usual;
	parts.outside += x > 0.05 ? 500 : 0;
	return parts;
}

static struct parts shares(double x)
{
	struct parts parts = usual;
	parts.files += 50 * x;
	return parts;
}

/* Reads what it has mapped at the start. */
static struct parts reads_files(double x)
{
	struct parts parts = shares(x);
	parts.file_space = 500 - parts.files;
	return parts;
}

static void mappings_are_outside_malloc(void **state)
{
	(void)state;
	struct made *made = make(maps);
	judge(made, 0);
	assert_int_equal(made->memory.verdict, MEMORY_OUTSIDE_MALLOC);
	assert_int_equal(made->memory.findings[0].part, PART_OUTSIDE);
	expect_rate(&made->memory.findings[0], 25);
	made_free(made);
	made = make(shares);
	judge(made, 0);
	assert_int_equal(made->memory.verdict, MEMORY_OUTSIDE_MALLOC);
	assert_int_equal(made->memory.findings[0].part, PART_FILES);
	made_free(made);
	expect(maps_at_the_start, 0, MEMORY_STABLE);
	expect(reads_files, 0, MEMORY_STABLE);
}

static struct parts is_watched(double x)
{
	struct parts parts = usual;
	parts.own += 300 * x;
	return parts;
}

static void seep_is_not_counted_against_the_program(void **state)
{
	(void)state;
	struct made *made = make(is_watched);
	judge(made, 0);
	assert_int_equal(made->memory.verdict, MEMORY_STABLE);
	assert_int_equal(made->memory.figures[PART_OWN].bytes, (uint64_t)(310 * MIB));
	assert_false(made->memory.figures[PART_RESIDENT].keeps_growing);
	/* Nor where it is all that is known. */
	forget_heap(made);
	judge(made, 0);
	assert_int_equal(made->memory.verdict, MEMORY_STABLE);
	made_free(made);
}

/* ---- several ---- */

static struct parts grows_everywhere(double x)
{
	struct parts parts = usual;
	parts.requested += 30 * x;
	parts.scattered += 100 * x;
	parts.outside += 20 * x;
	parts.kept += 8 * x;
	return parts;
}

static void the_fastest_growth_comes_first(void **state)
{
	(void)state;
	struct made *made = make(grows_everywhere);
	add_site(made, 30, true);
	judge(made, 15);
	const struct memory_finding *findings = made->memory.findings;
	assert_int_equal(made->memory.verdict, MEMORY_FRAGMENTATION);
	/* What is kept grows at less than a tenth of that. */
	assert_int_equal(made->memory.finding_count, 3);
	assert_int_equal(findings[1].verdict, MEMORY_LEAK);
	assert_int_equal(findings[2].verdict, MEMORY_OUTSIDE_MALLOC);
	assert_true(made->memory.figures[PART_REQUESTED].keeps_growing);
	made_free(made);
}

/* ---- what is not known ---- */

static void a_file_that_does_not_say_is_no_excuse(void **state)
{
	(void)state;
	struct made *made = make(leaks);
	forget_heap(made);
	judge(made, 10);
	assert_int_equal(made->memory.verdict, MEMORY_LEAK);
	assert_false(made->memory.figures[PART_KEPT].is_known);
	assert_null(made->memory.figures[PART_KEPT].series);
	made_free(made);
	/* It grows, and nobody knows what. */
	made = make(fragments);
	forget_heap(made);
	judge(made, 0);
	assert_int_equal(made->memory.verdict, MEMORY_UNKNOWN);
	made_free(made);
	made = make(comes_and_goes);
	forget_heap(made);
	judge(made, 0);
	assert_int_equal(made->memory.verdict, MEMORY_STABLE);
	made_free(made);
	/* What is read of files is not the program's. */
	made = make(reads_files);
	forget_heap(made);
	judge(made, 0);
	assert_int_equal(made->memory.verdict, MEMORY_STABLE);
	made_free(made);
}

static void what_is_known_of_some_moments_has_gaps(void **state)
{
	(void)state;
	struct made *made = make(leaks);
	made->snapshots[3].raw.heap_resident_bytes = 0;
	judge(made, 10);
	const struct memory_figure *kept = &made->memory.figures[PART_KEPT];
	assert_true(kept->is_known);
	assert_true(kept->series[3] == MEMORY_NOT_KNOWN);
	assert_true(kept->series[4] == kept->bytes);
	made_free(made);
}

static void few_snapshots_decide_nothing(void **state)
{
	(void)state;
	for (size_t count = 1; count <= SNAPSHOTS; count++) {
		struct made *made = make(is_fragmented);
		made->profile.snapshot_count = count;
		judge(made, 0);
		if (count < 12)
			assert_int_equal(made->memory.verdict, MEMORY_UNKNOWN);
		made_free(made);
	}
}

/* Most snapshots are of the beginning. */
static void many_snapshots_at_odd_times_are_looked_at_to_the_end(void **state)
{
	(void)state;
	struct made *made = make(NULL);
	struct snapshot *many = calloc(MANY, sizeof(*many));
	assert_non_null(many);
	made->profile.snapshots = many;
	made->profile.snapshot_count = MANY;
	for (uint32_t i = 0; i < MANY; i++) {
		double x = pow((i + 1.0) / MANY, 3);
		struct parts parts = maps(2 * fmin(x, 0.4));
		many[i] = (struct snapshot){
			.number = i + 1,
			.time_s = 3600 * HOURS * x,
			.reason = SEEP_REASON_REQUEST,
			.raw = snapshot_of(&parts),
		};
	}
	made->curve[1] = MANY - 1;
	struct memory_leaks none = {0};
	assert_true(process_memory_make(&made->memory, &made->profile, 0, MANY - 1, &none,
					made->curve, 2, made->arena));
	/* It has stopped long ago. */
	assert_int_equal(made->memory.verdict, MEMORY_STABLE);
	free(many);
	made_free(made);
}

/* ---- noise ---- */

/* Healthy: every part wanders, waves, or settles, each in its own way. */
static struct parts healthy_parts(double x, const double *draw, const double *walk,
				  struct random_source *random)
{
	struct parts parts = usual;
	double settled = 1 - exp(-x / (0.05 + 0.25 * draw[0]));
	parts.requested = 20 + 100 * draw[1] * settled + 30 * draw[2] * fmod(7 * x + draw[3], 1) +
			  0.5 * fabs(random_normal(random));
	parts.scattered = 2 + 8 * draw[4] * settled + 0.3 * fabs(walk[0]);
	parts.kept = 2 + 0.3 * fabs(walk[1]) + 3 * draw[5] * fmod(4 * x + draw[6], 1);
	parts.outside = 5 + 20 * draw[7] * settled + 0.05 * fabs(random_normal(random));
	parts.files = 10 + 5 * draw[8] * settled;
	parts.own = 5 + 10 * x;
	return parts;
}

static size_t count_wrong(double growth_mib, enum memory_verdict right)
{
	size_t wrong = 0;
	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct random_source random = random_from(SEED, round);
		struct made *made = make(NULL);
		double draw[9], walk[2] = {0};
		for (size_t i = 0; i < 9; i++)
			draw[i] = random_uniform(&random, 0, 1);
		for (size_t i = 0; i < SNAPSHOTS; i++) {
			double x = (double)(i + 1) / SNAPSHOTS;
			for (size_t j = 0; j < 2; j++)
				walk[j] += random_normal(&random);
			struct parts parts = healthy_parts(x, draw, walk, &random);
			parts.requested += growth_mib * x;
			made->snapshots[i].raw = snapshot_of(&parts);
		}
		judge(made, 0);
		wrong += made->memory.verdict != right;
		made_free(made);
	}
	print_message("    seed %d: %zu of %d are not %s\n", SEED, wrong, ROUNDS,
		      memory_verdict_name(right));
	return wrong;
}

static void noise_is_stable_and_growth_stands_out_of_it(void **state)
{
	(void)state;
	assert_true(count_wrong(0, MEMORY_STABLE) <= ROUNDS / 50);
	assert_true(count_wrong(300, MEMORY_GROWING) <= ROUNDS / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaks_are_what_flagged_sites_add),
		cmocka_unit_test(a_leak_in_a_warm_up_is_a_leak),
		cmocka_unit_test(growth_at_other_sites_says_at_how_many),
		cmocka_unit_test(mappings_are_not_requested),
		cmocka_unit_test(little_growth_matters_where_it_is_a_leak),
		cmocka_unit_test(what_a_program_frees_as_it_ends_changes_nothing),
		cmocka_unit_test(pinned_memory_is_fragmentation),
		cmocka_unit_test(pages_without_blocks_are_not_returned),
		cmocka_unit_test(what_no_machine_has_is_no_small_number),
		cmocka_unit_test(mappings_are_outside_malloc),
		cmocka_unit_test(seep_is_not_counted_against_the_program),
		cmocka_unit_test(the_fastest_growth_comes_first),
		cmocka_unit_test(a_file_that_does_not_say_is_no_excuse),
		cmocka_unit_test(what_is_known_of_some_moments_has_gaps),
		cmocka_unit_test(few_snapshots_decide_nothing),
		cmocka_unit_test(many_snapshots_at_odd_times_are_looked_at_to_the_end),
		cmocka_unit_test(noise_is_stable_and_growth_stands_out_of_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
