/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stopwatch: the two clocks of the benchmark programs, and what keeps gcc from seeing through them.
 */
#ifndef TESTS_BENCH_STOPWATCH_H
#define TESTS_BENCH_STOPWATCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* What the user waits for, and what this thread alone has worked. */
#define WALL_NS() clock_ns(CLOCK_MONOTONIC)
#define WORK_NS() clock_ns(CLOCK_THREAD_CPUTIME_ID)

/* Otherwise gcc deletes a malloc whose block nobody looks at, and the free with it. */
#define KEEP(ptr) __asm__ volatile("" : : "r"(ptr) : "memory")
/* At the end of a function: its last call is a call and no jump, so that it has a frame. */
#define KEEP_FRAME() __asm__ volatile("" : : : "memory")

static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* The number in argv[index]; the program ends when there is none. */
static inline long number_at(int argc, char **argv, int index, const char *usage)
{
	char *end = NULL;
	long number = index < argc ? strtol(argv[index], &end, 10) : -1;

	if (number < 0 || end == argv[index] || *end != 0) {
		fprintf(stderr, "usage: %s %s\n", argv[0], usage);
		exit(2);
	}
	return number;
}

#endif
