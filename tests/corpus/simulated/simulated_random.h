/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulated_random: random numbers that are the same everywhere for the same seed.
 *
 * splitmix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
 */
#ifndef TESTS_SIMULATED_RANDOM_H
#define TESTS_SIMULATED_RANDOM_H

#include <stdint.h>

struct random_source {
	uint64_t state;
};

/* Each pair of seed and number starts a sequence of its own. */
struct random_source random_from(uint64_t seed, uint64_t number);

double random_uniform(struct random_source *random, double low, double high);
/* Uniform in its logarithm. */
double random_scale(struct random_source *random, double low, double high);
double random_normal(struct random_source *random);
double random_exponential(struct random_source *random, double mean);
uint64_t random_poisson(struct random_source *random, double mean);
/* How many of `count` happen, each with probability `share`. */
uint64_t random_binomial(struct random_source *random, uint64_t count, double share);

#endif
