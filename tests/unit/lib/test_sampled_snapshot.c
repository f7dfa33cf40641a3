/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sampled_snapshot: what a process that samples writes is what the tool reads.
 *
 * Samples of our own choice are recorded and freed; what they stand for is added up here in floating
 * point, and compared with the file, site by site.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/options.h"
#include "lib/record/epoch.h"
#include "lib/record/live_table.h"
#include "lib/record/recorder.h"
#include "lib/record/sampler.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/site_totals.h"
#include "lib/snapshot/snapshot_file.h"
#include "lib/snapshot/snapshot_writer.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_random.h"
#include "tests/support/lib_written.h"
#include "tools/model/profile.h"

#define SITES 8u
#define PLACE 0x7a0000000000ull
#define LIVE_MAX 2000u

struct sum {
	double blocks, bytes, blocks_variance, bytes_variance, squares;
	uint64_t samples;
};

static struct block {
	uint64_t addr, bytes;
	uint32_t site;
} live[LIVE_MAX];
static uint32_t live_count;
static uint64_t next_addr = PLACE;
static struct sum now[SITES];		     /* live */
static double allocated[SITES], allocations; /* blocks since the start */
static double allocated_bytes, frees, freed_bytes;
static uint64_t taken;
static char folder[] = "/tmp/seep-unit-XXXXXX";

static void count(const struct block *block, double sign)
{
	double p = -expm1(-(double)(block->bytes + 1) / (double)sampler_mean_bytes);
	double bytes = (double)block->bytes;
	struct sum *sum = &now[block->site];

	sum->blocks += sign / p;
	sum->bytes += sign * bytes / p;
	sum->blocks_variance += sign * (1 - p) / p / p;
	sum->bytes_variance += sign * (1 - p) / p / p * bytes * bytes;
	sum->squares += sign * bytes * bytes;
	sum->samples += (uint64_t)(int64_t)sign;
}

/* Each a site of its own, by its return address. */
#define SITE(number)                                                                               \
	static __attribute__((noinline)) void add_at_##number(uint64_t addr, uint64_t bytes)       \
	{                                                                                          \
		struct caller caller = CALLER_HERE();                                              \
		caller.pc += number;                                                               \
		recorder_add_sample((const void *)addr, bytes, BLOCK_MALLOC, caller);              \
	}
SITE(0)
SITE(1)
SITE(2)
SITE(3)
SITE(4)
SITE(5)
SITE(6)
SITE(7)

static void (*const add_at[SITES])(uint64_t, uint64_t) = {add_at_0, add_at_1, add_at_2, add_at_3,
							  add_at_4, add_at_5, add_at_6, add_at_7};

static void add(uint64_t bytes, uint32_t site)
{
	struct block block = {next_addr, bytes, site};
	double p = -expm1(-(double)(bytes + 1) / (double)sampler_mean_bytes);

	next_addr += 32 * (1 + bytes / 32);
	add_at[site](block.addr, bytes);
	assert_true(sampler_may_have((const void *)block.addr));
	live[live_count++] = block;
	count(&block, 1);
	allocated[site] += 1 / p;
	allocations += 1 / p;
	allocated_bytes += (double)bytes / p;
	taken++;
}

static void release(uint32_t index)
{
	struct block block = live[index];
	double p = -expm1(-(double)(block.bytes + 1) / (double)sampler_mean_bytes);

	assert_true(recorder_remove_sample((const void *)block.addr, CALLER_HERE()));
	assert_false(recorder_remove_sample((const void *)block.addr, CALLER_HERE()));
	live[index] = live[--live_count];
	count(&block, -1);
	frees += 1 / p;
	freed_bytes += (double)block.bytes / p;
}

static void play(struct lib_random *random, uint32_t steps)
{
	for (uint32_t i = 0; i < steps; i++) {
		if (live_count == LIVE_MAX ||
		    (live_count > 0 && lib_random_below(random, 100) < 40))
			release((uint32_t)lib_random_below(random, live_count));
		else
			add(lib_random_below(random, 1ull << (4 + lib_random_below(random, 20))),
			    (uint32_t)lib_random_below(random, SITES));
	}
}

static void take(void)
{
	assert_int_equal(snapshot_writer_take(SEEP_REASON_REQUEST, NULL, true, NULL), 0);
}

static void start_file(const char *name)
{
	snprintf(options.output, sizeof(options.output), "%s/%s", folder, name);
	snapshot_writer_postfork_child();
	process_facts_read(0);
	assert_int_equal(snapshot_writer_start(), 0);
}

/* The weights are rounded to 2^-16, the sum to a whole: that much may be between the two. */
static bool is_near(double found, double wanted)
{
	return fabs(found - wanted) <= 0.5 + wanted * 2e-5;
}

/* A standard error that is rounded, of weights that are: each variance is off by 2^-16 of its square. */
static bool is_error(double found, double variance, double squares)
{
	return fabs(found * found - variance) <=
	       found + 1 + variance * 1e-4 + squares / SAMPLE_ONE_BLOCK;
}

/* Which of ours it is: by the order in which the sites have been made. */
static void check_sites(const struct profile *profile, size_t last)
{
	double blocks = 0, bytes = 0;

	assert_int_equal(profile->site_count, SITES);
	for (uint32_t s = 0; s < SITES; s++) {
		const struct site *site = &profile->sites[s];
		const struct site_point *point = site_at(site, last);
		const struct sampled_site *sampled = site_sampled(profile, site, last);
		uint64_t of_cohorts = 0;

		assert_true(is_near((double)point->live_blocks, now[s].blocks));
		assert_true(is_near((double)point->live_bytes, now[s].bytes));
		assert_true(is_near((double)point->allocations, allocated[s]));
		for (uint32_t i = 0; i < point->cohort_count; i++)
			of_cohorts += point->cohorts[i].blocks;
		assert_int_equal(of_cohorts, point->live_blocks);
		assert_non_null(sampled);
		assert_int_equal(sampled->samples, now[s].samples);
		assert_true(is_error(sampled->blocks_error, now[s].blocks_variance,
				     (double)now[s].samples));
		assert_true(is_error(sampled->bytes_error, now[s].bytes_variance, now[s].squares));
		blocks += (double)point->live_blocks;
		bytes += (double)point->live_bytes;
	}
	assert_true((double)profile->snapshots[last].raw.live_blocks == blocks);
	assert_true((double)profile->snapshots[last].raw.live_bytes == bytes);
}

static void check_totals(const struct profile *profile, size_t last)
{
	const struct seep_snapshot *raw = &profile->snapshots[last].raw;
	const struct sampling *sampling = snapshot_sampling(profile, last);
	double blocks_variance = 0, bytes_variance = 0, squares = 0;

	for (uint32_t s = 0; s < SITES; s++) {
		squares += now[s].squares;
		blocks_variance += now[s].blocks_variance;
		bytes_variance += now[s].bytes_variance;
	}
	assert_true(is_near((double)raw->allocations, allocations));
	assert_true(is_near((double)raw->allocated_bytes, allocated_bytes));
	/* What is left over, after each site has been rounded. */
	assert_true(fabs((double)raw->frees - frees) <= SITES + frees * 2e-5);
	assert_true(fabs((double)raw->freed_bytes - freed_bytes) <= SITES + freed_bytes * 2e-5);
	assert_true(raw->allocations - raw->frees == raw->live_blocks);
	assert_true(raw->allocated_bytes - raw->freed_bytes == raw->live_bytes);
	assert_int_equal(raw->lost_blocks, 0);
	assert_int_equal(raw->unknown_frees, 0);
	assert_non_null(sampling);
	assert_int_equal(sampling->raw.live_samples, live_count);
	assert_int_equal(sampling->raw.samples, taken);
	assert_true(is_error((double)sampling->raw.blocks_error, blocks_variance, live_count));
	assert_true(is_error((double)sampling->raw.bytes_error, bytes_variance, squares));
}

static void the_file_holds_what_the_samples_stand_for(void **state)
{
	struct lib_random random = lib_random_start();
	struct profile *profile;

	(void)state;
	start_file("sampled");
	for (uint32_t s = 0; s < SITES; s++)
		add(100, s);
	for (uint32_t i = 0; i < 40; i++) {
		play(&random, 400);
		take();
		profile = lib_written_read();
		assert_int_equal(profile->sample_bytes, sampler_mean_bytes);
		assert_int_equal(profile->snapshot_count, i + 1);
		check_sites(profile, i);
		check_totals(profile, i);
		if (i > 0)
			assert_null(snapshot_sampling(profile, i - 1));
		profile_free(profile);
	}
	assert_true(snapshot_writer_live_bytes() > 0);
}

/* Also of sites that had many: the sums come out as they went in. */
static void nothing_is_left_when_every_sample_is_freed(void **state)
{
	struct profile *profile;
	const struct seep_snapshot *raw;

	(void)state;
	while (live_count > 0)
		release(0);
	take();
	profile = lib_written_read();
	raw = &profile->snapshots[profile->snapshot_count - 1].raw;
	assert_int_equal(raw->live_blocks, 0);
	assert_int_equal(raw->live_bytes, 0);
	assert_int_equal(raw->allocations, raw->frees);
	assert_int_equal(raw->allocated_bytes, raw->freed_bytes);
	assert_int_equal(profile->sampling->raw.live_samples, 0);
	assert_int_equal(profile->sampling->site_count, 0);
	assert_int_equal(snapshot_writer_live_bytes(), 0);
	for (size_t i = 0; i < sizeof(sampler_filter); i++)
		assert_int_equal(sampler_filter[i], 0);
	profile_free(profile);
}

static void thinning_keeps_what_the_last_snapshot_rests_on(void **state)
{
	struct lib_random random = lib_random_start();
	const uint64_t limit = options.max_file_bytes;
	struct profile *profile;
	uint32_t snapshots = 0;

	(void)state;
	options.max_file_bytes = 64 << 10;
	for (; snapshots < 400; snapshots++) {
		play(&random, 100);
		assert_int_equal(snapshot_writer_take(SEEP_REASON_INTERVAL, NULL, true, NULL), 0);
		assert_true(snapshot_file_bytes() <= options.max_file_bytes);
	}
	profile = lib_written_read();
	printf("          %zu snapshots kept\n", profile->snapshot_count);
	assert_true(profile->snapshot_count < snapshots);
	check_sites(profile, profile->snapshot_count - 1);
	check_totals(profile, profile->snapshot_count - 1);
	profile_free(profile);
	options.max_file_bytes = limit;
}

/* An address that comes back although nobody said that it was free. */
static void a_free_that_was_not_seen_is_made_up_for(void **state)
{
	struct block old;

	(void)state;
	while (live_count > 0)
		release(0);
	add(100, 3);
	old = live[0];
	add_at[3](old.addr, 200);
	assert_true(recorder_remove_sample((const void *)old.addr, CALLER_HERE()));
	assert_false(sampler_may_have((const void *)old.addr));
	assert_int_equal(snapshot_writer_live_bytes(), 0);
	live_count = 0;
}

/* A signal handler that interrupted the library: nothing of what it was in the middle of is used. */
static void a_sample_of_an_interrupted_thread_has_no_stack(void **state)
{
	struct site_totals totals;

	(void)state;
	{
		GUARD_SCOPE struct guard guard = guard_enter();
		add_at[2](next_addr, 100);
	}
	site_totals_take(&totals, atomic_fetch_add(&epoch_current, 1), call_tree_count(), true, true);
	assert_int_equal(totals.samples[CALL_TREE_NESTED].count, 1);
	assert_int_equal(totals.all_samples.count, 1);
	site_totals_release(&totals);
	assert_true(recorder_remove_sample((const void *)next_addr, CALLER_HERE()));
	assert_false(sampler_may_have((const void *)next_addr));
}

static int prepare(void **state)
{
	(void)state;
	lib_life_start();
	options.stack_depth = 1; /* whoever calls us */
	sampler_start(64 << 10);
	return mkdtemp(folder) == NULL;
}

static int clean_up(void **state)
{
	(void)state;
	snapshot_file_remove();
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_holds_what_the_samples_stand_for),
		cmocka_unit_test(nothing_is_left_when_every_sample_is_freed),
		cmocka_unit_test(thinning_keeps_what_the_last_snapshot_rests_on),
		cmocka_unit_test(a_free_that_was_not_seen_is_made_up_for),
		cmocka_unit_test(a_sample_of_an_interrupted_thread_has_no_stack),
	};

	return cmocka_run_group_tests(tests, prepare, clean_up);
}
