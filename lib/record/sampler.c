/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler: with --sample=BYTES, which blocks are recorded at all.
 *
 *   Runs in   the target, inside malloc and free, in every thread and in signal handlers
 *   Locks     none; the counts of the filter are changed with compare-and-swap
 *   Memory    64 KiB, static, touched when used; 32 bytes of TLS
 *   Calls     gettid, getpid and clock_gettime, once per thread
 *   Failure   none
 */
#include "lib/record/sampler.h"

#include <stddef.h>

#include "lib/base/syscalls.h"

#include "lib/base/poison.h"

__thread struct sampler_thread sampler_here __attribute__((tls_model("initial-exec")))
SAMPLER_VARIABLE;
bool sampler_is_on;
uint64_t sampler_mean_bytes;
uint8_t sampler_filter[1u << SAMPLER_FILTER_BITS];
uint8_t *sampler_filter_used;

static _Atomic(uint64_t) threads_seeded;

#define FILTER_FULL UINT8_MAX

void sampler_start(uint64_t mean_bytes)
{
	sampler_mean_bytes = mean_bytes;
	sampler_filter_used = sampler_filter;
	sampler_is_on = true;
}

/* Splitmix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014. */
static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ull;
	value = (value ^ value >> 27) * 0x94d049bb133111ebull;
	return value ^ value >> 31;
}

static uint64_t draw(struct sampler_thread *here)
{
	here->random += 0x9e3779b97f4a7c15ull;
	return mix(here->random);
}

/* Different in every thread, process and run. */
static uint64_t new_seed(const struct sampler_thread *here)
{
	uint64_t seed = mix(sys_clock_ns(CLOCK_MONOTONIC) ^ (uint64_t)(uintptr_t)here << 20);

	seed = mix(seed ^ ((uint64_t)sys_pid() << 32 | sys_tid()));
	return mix(seed + ++threads_seeded) | 1;
}

static uint64_t next_distance(struct sampler_thread *here)
{
	return sample_distance(draw(here), sampler_mean_bytes);
}

/* The operator has returned, or it has thrown: this frame lies outside of the one that watches. */
static bool is_watched_from_inside(const struct sampler_thread *here)
{
	return here->watcher > (uintptr_t)__builtin_frame_address(0);
}

bool sampler_takes_slow(uint64_t bytes)
{
	struct sampler_thread *here = &sampler_here;
	uint64_t *countdown = &here->countdown, left;

	if (here->watcher != 0 && !is_watched_from_inside(here)) {
		here->watcher = 0;
		here->countdown = here->kept_countdown;
	}
	if (here->watcher != 0)
		countdown = &here->kept_countdown;
	if (here->random == 0) {
		here->random = new_seed(here);
		*countdown = next_distance(here);
	}
	if (!__builtin_sub_overflow(*countdown, sample_length(bytes), &left)) {
		*countdown = left;
		return false;
	}
	*countdown = next_distance(here);
	return true;
}

void sampler_postfork_child(void)
{
	if (sampler_here.random != 0)
		sampler_here.random = new_seed(&sampler_here);
}

struct sampler_watch sampler_watch(uintptr_t frame)
{
	struct sampler_thread *here = &sampler_here;
	const struct sampler_watch watch = {here->watcher};

	if (here->watcher == 0) {
		here->kept_countdown = here->countdown;
		here->watcher = frame;
		here->countdown = 0;
	}
	return watch;
}

void sampler_unwatch(struct sampler_watch watch)
{
	struct sampler_thread *here = &sampler_here;

	if (watch.watcher_before != 0 || here->watcher == 0)
		return;
	here->watcher = 0;
	here->countdown = here->kept_countdown;
}

void sampler_filter_add(uintptr_t addr)
{
	uint8_t *count = &sampler_filter[sampler_filter_place(addr)];
	uint8_t before = __atomic_load_n(count, __ATOMIC_RELAXED);

	while (before != FILTER_FULL &&
	       !__atomic_compare_exchange_n(count, &before, before + 1, true, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
}

void sampler_filter_remove(uintptr_t addr)
{
	uint8_t *count = &sampler_filter[sampler_filter_place(addr)];
	uint8_t before = __atomic_load_n(count, __ATOMIC_RELAXED);

	while (before != FILTER_FULL && before != 0 &&
	       !__atomic_compare_exchange_n(count, &before, before - 1, true, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
}
