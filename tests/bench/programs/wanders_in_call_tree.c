/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wanders_in_call_tree: a random walk through a tree of calls, allocating at every step.
 *
 * From one allocation to the next the stack gets one frame longer or shorter, or changes its end:
 * this is what most programs do, and where a tracker must find out what is still the same. Blocks
 * live for a while, 10,000 of them at any time, so a free meets a block that is no longer in the
 * processor's first cache.
 *
 *     wanders_in_call_tree THREADS STEPS
 *
 * Every fourth call chooses between two branches: about 4,000 places in the tree, up to 40 calls
 * deep, in 48 functions with frames of different sizes, and two calls of the allocator in each. A
 * step frees a random block and allocates another of 16 to 255 bytes. Prints nanoseconds per step, the walk itself included.
 */
#include <pthread.h>

#include "tests/bench/programs/stopwatch.h"

enum { DEPTH_MIN = 10, DEPTH_MAX = 40, LIVE_BLOCKS = 10000, THREADS_MAX = 1024 };

struct walker {
	pthread_t thread;
	uint64_t random;
	long steps, steps_left;
	double wall_started, work_started, wall_ns, work_ns; /* the last two per step */
	void *blocks[LIVE_BLOCKS];
	unsigned last_function;
};

typedef void visit_function(struct walker *walker, unsigned depth, unsigned path);
static visit_function *const functions[48];
static pthread_barrier_t start_line;

static inline __attribute__((always_inline)) void replace_a_block(struct walker *walker,
								  uint64_t random)
{
	void **block = &walker->blocks[(random >> 32) % LIVE_BLOCKS];
	size_t bytes = 16 + (random >> 8) % 240;

	free(*block);
	*block = random & 2 ? malloc(bytes) : calloc(1, bytes);
}

/* The first steps bring the heap to its size; then the clock starts. */
static __attribute__((noinline)) void start_clock(struct walker *walker)
{
	pthread_barrier_wait(&start_line);
	walker->wall_started = WALL_NS();
	walker->work_started = WORK_NS();
}

static inline __attribute__((always_inline)) void wander(struct walker *walker, unsigned depth,
							 unsigned path)
{
	while (walker->steps_left > 0) {
		uint64_t random = random_next(&walker->random);

		if (walker->steps_left-- == walker->steps)
			start_clock(walker);
		replace_a_block(walker, random);
		if (depth >= DEPTH_MIN && (depth == DEPTH_MAX || random & 1))
			return;
		if (depth % 4 == 0)
			path = path << 1 | (random >> 2 & 1);
		functions[(path * 31 + depth * 7) % 48](walker, depth + 1, path);
		if (depth % 4 == 0)
			path >>= 1;
	}
}

/* The number keeps gcc from making one function of them; frames have nine sizes. */
#define FUNCTION(number)                                                                           \
	static __attribute__((noinline)) void visit_##number(struct walker *walker,                \
							     unsigned depth, unsigned path)        \
	{                                                                                          \
		char room[8 + number % 9 * 24];                                                    \
		KEEP(room);                                                                        \
		walker->last_function = number;                                                    \
		wander(walker, depth, path);                                                       \
	}
#define NAME(number) visit_##number,
/* clang-format off */
#define FORTY_EIGHT(X) \
	X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) \
	X(13) X(14) X(15) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) \
	X(25) X(26) X(27) X(28) X(29) X(30) X(31) X(32) X(33) X(34) X(35) X(36) \
	X(37) X(38) X(39) X(40) X(41) X(42) X(43) X(44) X(45) X(46) X(47) X(48)
/* clang-format on */
FORTY_EIGHT(FUNCTION)
static visit_function *const functions[48] = {FORTY_EIGHT(NAME)};

static void *work(void *argument)
{
	struct walker *walker = argument;

	walker->steps_left = walker->steps + 2 * LIVE_BLOCKS;
	functions[0](walker, 1, 0);
	walker->work_ns = (WORK_NS() - walker->work_started) / (double)walker->steps;
	walker->wall_ns = (WALL_NS() - walker->wall_started) / (double)walker->steps;
	for (long i = 0; i < LIVE_BLOCKS; i++)
		free(walker->blocks[i]);
	return NULL;
}

int main(int argc, char **argv)
{
	static const char usage[] = "THREADS STEPS";
	long threads = number_at(argc, argv, 1, usage), steps = number_at(argc, argv, 2, usage);
	double wall_ns = 0, work_ns = 0;
	struct walker *walkers;

	if (threads < 1 || threads > THREADS_MAX || steps < 1) {
		fprintf(stderr, "%s: THREADS is 1 to %d, STEPS 1 or more\n", argv[0], THREADS_MAX);
		return 2;
	}
	walkers = calloc((size_t)threads, sizeof(*walkers));
	pthread_barrier_init(&start_line, NULL, (unsigned)threads);
	for (long i = 0; i < threads; i++) {
		walkers[i].random = 0x9e3779b97f4a7c15u * (uint64_t)(i + 1);
		walkers[i].steps = steps;
		pthread_create(&walkers[i].thread, NULL, work, &walkers[i]);
	}
	for (long i = 0; i < threads; i++) {
		pthread_join(walkers[i].thread, NULL);
		wall_ns += walkers[i].wall_ns / (double)threads;
		work_ns += walkers[i].work_ns / (double)threads;
	}
	printf("{\"ns_per_pair\":%.3f,\"work_ns_per_pair\":%.3f,\"allocations\":%ld}\n", wall_ns,
	       work_ns, threads * (steps + 2 * LIVE_BLOCKS) + 1);
	free(walkers);
	return 0;
}
