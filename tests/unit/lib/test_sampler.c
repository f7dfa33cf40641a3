/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sampler: which blocks are drawn, and whether the filter knows all of them.
 *
 * What is left to chance is allowed to be off by five standard deviations: once in a million times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/record/sampler.h"
#include "tests/support/lib_random.h"

#define MEAN 4096u

static const uint64_t sizes[] = {0, 1, 16, 40, 100, 600, 4096, 20000, 100000, 1 << 20};

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* What a door does. */
static bool is_sampled(uint64_t bytes)
{
	return !sampler_passes(bytes) && sampler_takes_slow(bytes);
}

static void start(struct lib_random *random)
{
	*random = lib_random_start();
	sampler_start(MEAN);
	sampler_here = (struct sampler_thread){.random = lib_random_next(random) | 1};
	sampler_here.countdown = sample_distance(lib_random_next(random), MEAN);
}

static double probability(uint64_t bytes)
{
	return -expm1(-(double)(bytes + 1) / MEAN);
}

/* Whatever was allocated before it. */
static void each_block_has_the_probability_of_its_size(void **state)
{
	uint32_t counts[SIZES] = {0}, hits[SIZES] = {0};
	struct lib_random random;

	(void)state;
	start(&random);
	for (uint32_t i = 0; i < 4000000; i++) {
		size_t n = lib_random_below(&random, SIZES);

		counts[n]++;
		hits[n] += is_sampled(sizes[n]);
	}
	for (size_t n = 0; n < SIZES; n++) {
		double p = probability(sizes[n]), expected = p * counts[n];

		assert_true(fabs(hits[n] - expected) <= 5 * sqrt(expected * (1 - p)) + 0.5);
	}
}

/* Many runs of one program: the mean of the estimates is the truth, and they are off as much as the
 * variance says. */
static void estimates_are_right_in_the_mean(void **state)
{
	enum { RUNS = 4000, BLOCKS = 500 };
	uint64_t bytes[BLOCKS], true_bytes = 0;
	double blocks_variance = 0, bytes_variance = 0;
	double blocks_sum = 0, bytes_sum = 0, square_sum = 0, error_sum = 0;
	struct lib_random random;

	(void)state;
	start(&random);
	for (int i = 0; i < BLOCKS; i++) {
		double p;

		bytes[i] = lib_random_below(&random, i % 10 == 0 ? 20000 : 300);
		p = probability(bytes[i]);
		true_bytes += bytes[i];
		blocks_variance += (1 - p) / p;
		bytes_variance += (1 - p) / p * (double)bytes[i] * (double)bytes[i];
	}
	for (int run = 0; run < RUNS; run++) {
		uint64_t blocks = 0, sum = 0;

		for (int i = 0; i < BLOCKS; i++) {
			struct sample_weight weight;
			double w;

			if (!is_sampled(bytes[i]))
				continue;
			weight = sample_weight_of(bytes[i], MEAN);
			blocks += weight.blocks;
			sum += weight.bytes;
			w = (double)weight.blocks / SAMPLE_ONE_BLOCK;
			error_sum += w * (w - 1) * (double)bytes[i] * (double)bytes[i];
		}
		blocks_sum += (double)sample_round(blocks, SAMPLE_BLOCK_BITS);
		bytes_sum += (double)sample_round(sum, SAMPLE_BYTE_BITS);
		square_sum += pow((double)sum / 256 - (double)true_bytes, 2);
	}
	printf("          blocks %.2f of %d, bytes %.0f of %llu, error %.0f of %.0f, stated %.0f\n",
	       blocks_sum / RUNS, BLOCKS, bytes_sum / RUNS, (unsigned long long)true_bytes,
	       sqrt(square_sum / RUNS), sqrt(bytes_variance), sqrt(error_sum / RUNS));
	assert_true(fabs(blocks_sum / RUNS - BLOCKS) < 5 * sqrt(blocks_variance / RUNS));
	assert_true(fabs(bytes_sum / RUNS - (double)true_bytes) < 5 * sqrt(bytes_variance / RUNS));
	/* The square of a nearly normal variable has the variance 2 sigma^4. */
	assert_true(fabs(square_sum / RUNS / bytes_variance - 1) < 5 * sqrt(3.0 / RUNS));
	assert_true(fabs(error_sum / RUNS / bytes_variance - 1) < 5 * sqrt(3.0 / RUNS));
}

static void *draw_first(void *hits)
{
	if (is_sampled(MEAN - 1))
		__atomic_fetch_add((uint32_t *)hits, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* And is no other than every block of its size. */
static void the_first_block_of_a_thread_is_drawn_too(void **state)
{
	enum { THREADS = 4000 };
	double p = probability(MEAN - 1);
	uint32_t hits = 0;

	(void)state;
	sampler_start(MEAN);
	for (int i = 0; i < THREADS; i++) {
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, draw_first, &hits), 0);
		pthread_join(thread, NULL);
	}
	printf("          %u of %u, expected %.0f\n", hits, THREADS, p * THREADS);
	assert_true(fabs(hits - p * THREADS) < 5 * sqrt(THREADS * p * (1 - p)));
}

static void a_forked_child_draws_something_else(void **state)
{
	struct lib_random random;
	int ends[2], status;
	uint64_t childs;

	(void)state;
	start(&random);
	assert_int_equal(pipe(ends), 0);
	if (fork() == 0) {
		sampler_postfork_child();
		childs = sampler_here.random;
		_exit(write(ends[1], &childs, sizeof(childs)) != sizeof(childs));
	}
	assert_true(wait(&status) > 0 && status == 0);
	assert_int_equal(read(ends[0], &childs, sizeof(childs)), sizeof(childs));
	assert_true(childs != sampler_here.random);
	close(ends[0]);
	close(ends[1]);
	/* A child whose parent's thread had drawn nothing has its first draw before it. */
	sampler_here = (struct sampler_thread){0};
	sampler_postfork_child();
	assert_int_equal(sampler_here.random, 0);
}

/* Requests that no allocator grants. */
static void a_size_that_cannot_be_spoils_nothing(void **state)
{
	static const uint64_t absurd[] = {UINT64_MAX,	       UINT64_MAX - 1, 1ull << 63,
					  (1ull << 63) + 4097, INT64_MAX,      UINT64_MAX - 100000};
	struct lib_random random;

	(void)state;
	start(&random);
	for (size_t i = 0; i < sizeof(absurd) / sizeof(absurd[0]); i++) {
		is_sampled(absurd[i]);
		assert_true(sampler_here.countdown < 45 * MEAN);
	}
}

/* ---- operators new ---------------------------------------------------------------------------- */

static void what_is_watched_is_asked_for_every_block(void **state)
{
	struct lib_random random;

	(void)state;
	start(&random);
	for (uint32_t i = 0; i < 1000; i++) {
		const uint64_t before = sampler_here.countdown;
		struct sampler_watch outer =
			sampler_watch((uintptr_t)__builtin_frame_address(0) + 65536);
		struct sampler_watch inner = sampler_watch((uintptr_t)__builtin_frame_address(0));
		bool is_taken;

		assert_false(sampler_passes(0));
		is_taken = sampler_takes_slow(100);
		assert_int_equal(is_taken, before < 101);
		assert_false(sampler_passes(0));
		sampler_unwatch(inner);
		assert_false(sampler_passes(0));
		sampler_unwatch(outer);
		if (!is_taken)
			assert_int_equal(sampler_here.countdown, before - 101);
		assert_int_equal(sampler_here.watcher, 0);
	}
}

/* It has thrown: nobody has called sampler_unwatch. */
static void a_frame_that_is_gone_watches_no_more(void **state)
{
	const uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	struct lib_random random;

	(void)state;
	start(&random);
	sampler_here.countdown = 100000;
	sampler_watch(frame - 65536);
	assert_false(sampler_passes(10));
	assert_false(sampler_takes_slow(10));
	assert_int_equal(sampler_here.watcher, 0);
	assert_int_equal(sampler_here.countdown, 100000 - 11);
	assert_true(sampler_passes(10));
	/* It was not gone. */
	sampler_watch(frame);
	assert_false(sampler_takes_slow(10));
	assert_int_equal(sampler_here.watcher, frame);
	sampler_unwatch((struct sampler_watch){0});
	assert_int_equal(sampler_here.countdown, 100000 - 33);
}

/* ---- the filter ------------------------------------------------------------------------------- */

#define LIVE 3000u
#define THREADS 4u

static void *add_and_remove(void *seed)
{
	struct lib_random random = {.state = (uint64_t)(uintptr_t)seed};
	uint64_t *live = calloc(LIVE, sizeof(*live));
	uintptr_t lost = 0;

	for (uint32_t i = 0; i < 200000; i++) {
		uint64_t *addr = &live[lib_random_below(&random, LIVE)];

		if (*addr != 0) {
			lost += !sampler_may_have((const void *)*addr);
			sampler_filter_remove(*addr);
		}
		*addr = 0x7f0000000000ull + 16 * lib_random_below(&random, 1 << 24);
		sampler_filter_add(*addr);
	}
	for (uint32_t i = 0; i < LIVE; i++)
		if (live[i] != 0) {
			lost += !sampler_may_have((const void *)live[i]);
			sampler_filter_remove(live[i]);
		}
	free(live);
	return (void *)lost;
}

static void the_filter_never_loses_a_sample(void **state)
{
	struct lib_random random = lib_random_start();
	pthread_t threads[THREADS];
	uint32_t left = 0;

	(void)state;
	memset(sampler_filter, 0, sizeof(sampler_filter));
	for (uint32_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_and_remove,
						(void *)(uintptr_t)lib_random_next(&random)),
				 0);
	for (uint32_t i = 0; i < THREADS; i++) {
		void *lost;

		pthread_join(threads[i], &lost);
		assert_null(lost);
	}
	for (size_t i = 0; i < sizeof(sampler_filter); i++)
		left += sampler_filter[i] != 0;
	assert_int_equal(left, 0);
}

static void a_full_count_stays_full(void **state)
{
	const uintptr_t addr = 0x7f1234567890;

	(void)state;
	memset(sampler_filter, 0, sizeof(sampler_filter));
	for (int i = 0; i < 300; i++)
		sampler_filter_add(addr);
	for (int i = 0; i < 300; i++) {
		assert_true(sampler_may_have((const void *)addr));
		sampler_filter_remove(addr);
	}
	assert_true(sampler_may_have((const void *)addr));
	/* One below it, all of them are counted. */
	memset(sampler_filter, 0, sizeof(sampler_filter));
	for (int i = 0; i < 254; i++)
		sampler_filter_add(addr);
	for (int i = 0; i < 254; i++) {
		assert_true(sampler_may_have((const void *)addr));
		sampler_filter_remove(addr);
	}
	assert_false(sampler_may_have((const void *)addr));
	/* Not below nothing either. */
	sampler_filter_remove(addr);
	assert_false(sampler_may_have((const void *)addr));
}

/* Blocks lie in rows: few of them may share a place with a sample. */
static void neighbours_have_places_of_their_own(void **state)
{
	uint32_t found = 0;

	(void)state;
	memset(sampler_filter, 0, sizeof(sampler_filter));
	for (uint32_t i = 0; i < 1000; i++)
		sampler_filter_add(0x555555559000 + 2 * i * 48);
	for (uint32_t i = 0; i < 1000; i++)
		found += sampler_may_have(
			(const void *)(uintptr_t)(0x555555559000 + (2 * i + 1) * 48));
	printf("          %u of 1000\n", found);
	assert_true(found < 100);
	memset(sampler_filter, 0, sizeof(sampler_filter));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_block_has_the_probability_of_its_size),
		cmocka_unit_test(estimates_are_right_in_the_mean),
		cmocka_unit_test(the_first_block_of_a_thread_is_drawn_too),
		cmocka_unit_test(a_forked_child_draws_something_else),
		cmocka_unit_test(a_size_that_cannot_be_spoils_nothing),
		cmocka_unit_test(what_is_watched_is_asked_for_every_block),
		cmocka_unit_test(a_frame_that_is_gone_watches_no_more),
		cmocka_unit_test(the_filter_never_loses_a_sample),
		cmocka_unit_test(a_full_count_stays_full),
		cmocka_unit_test(neighbours_have_places_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
