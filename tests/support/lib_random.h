/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_random: random numbers for the library's tests, the same again for the same seed.
 */
#ifndef TESTS_SUPPORT_LIB_RANDOM_H
#define TESTS_SUPPORT_LIB_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lib_random {
	uint64_t state;
};

/* A new seed, or the one in SEEP_TEST_SEED; it is printed, so that a failure can be repeated. */
struct lib_random lib_random_start(void);

/* Splitmix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014. */
static inline uint64_t lib_random_next(struct lib_random *source)
{
	uint64_t value = source->state += 0x9e3779b97f4a7c15ull;

	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ull;
	value = (value ^ value >> 27) * 0x94d049bb133111ebull;
	return value ^ value >> 31;
}

/* 0 to limit - 1. */
static inline uint64_t lib_random_below(struct lib_random *source, uint64_t limit)
{
	return lib_random_next(source) % limit;
}

/* True once in `times`. */
static inline bool lib_random_once_in(struct lib_random *source, uint64_t times)
{
	return lib_random_below(source, times) == 0;
}

#endif
