/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_random: random numbers for the library's tests, the same again for the same seed.
 */
#include "tests/support/lib_random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct lib_random lib_random_start(void)
{
	const char *wanted = getenv("SEEP_TEST_SEED");
	struct timespec now;
	struct lib_random source;

	clock_gettime(CLOCK_REALTIME, &now);
	source.state = wanted ? strtoull(wanted, NULL, 10)
			      : (uint64_t)now.tv_nsec * 1000003 + (uint64_t)now.tv_sec;
	printf("          SEEP_TEST_SEED=%" PRIu64 "\n", source.state);
	fflush(stdout);
	return source;
}
