/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulated_random: random numbers that are the same everywhere for the same seed.
 */
#include "tests/corpus/simulated/simulated_random.h"

#include <math.h>

#define EXACT_UP_TO 30 /* above, Poisson and binomial counts are rounded normal numbers */

static uint64_t next(struct random_source *random)
{
	uint64_t value = random->state += 0x9e3779b97f4a7c15ull;
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ull;
	value = (value ^ value >> 27) * 0x94d049bb133111ebull;
	return value ^ value >> 31;
}

struct random_source random_from(uint64_t seed, uint64_t number)
{
	struct random_source mixer = {seed}, random;
	random.state = next(&mixer) ^ number * 0xd1342543de82ef95ull;
	random.state = next(&random);
	return random;
}

double random_uniform(struct random_source *random, double low, double high)
{
	return low + (high - low) * ((double)(next(random) >> 11) * 0x1p-53);
}

double random_scale(struct random_source *random, double low, double high)
{
	return exp(random_uniform(random, log(low), log(high)));
}

double random_normal(struct random_source *random)
{
	double radius = sqrt(-2 * log(1 - random_uniform(random, 0, 1)));
	return radius * cos(2 * M_PI * random_uniform(random, 0, 1));
}

double random_exponential(struct random_source *random, double mean)
{
	return -mean * log(1 - random_uniform(random, 0, 1));
}

static uint64_t rounded_normal(struct random_source *random, double mean, double deviation)
{
	double value = floor(mean + deviation * random_normal(random) + 0.5);
	return value > 0 ? (uint64_t)value : 0;
}

uint64_t random_poisson(struct random_source *random, double mean)
{
	if (!(mean > 0))
		return 0;
	if (mean > EXACT_UP_TO)
		return rounded_normal(random, mean, sqrt(mean));
	double limit = exp(-mean), product = 1;
	for (uint64_t count = 0;; count++) {
		product *= random_uniform(random, 0, 1);
		if (product < limit)
			return count;
	}
}

uint64_t random_binomial(struct random_source *random, uint64_t count, double share)
{
	double n = (double)count;
	if (share <= 0 || !count)
		return 0;
	if (share >= 1)
		return count;
	if (share > 0.5)
		return count - random_binomial(random, count, 1 - share);
	if (n * share > EXACT_UP_TO) {
		uint64_t happened =
			rounded_normal(random, n * share, sqrt(n * share * (1 - share)));
		return happened < count ? happened : count;
	}
	/* The gaps between those that happen are geometric. */
	uint64_t happened = 0;
	for (double at = 0;; happened++) {
		at += floor(log(1 - random_uniform(random, 0, 1)) / log1p(-share)) + 1;
		if (at > n)
			return happened;
	}
}
